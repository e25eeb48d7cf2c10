import { Button } from '/assets/controls.js'
import { clock, dateTime } from '/assets/format.js'
import { useNow } from '/assets/hooks.js'
import { t } from '/assets/i18n.js'
import { html } from '/assets/vendor/preact.js'
import { trustOf } from './stream/trust.js'

/** @typedef {import('./live-board.js').LiveBoard} LiveBoard */

const tones = /** @type {const} */ ({
  connecting: 'quiet',
  live: 'good',
  polling: 'good',
  reconnecting: 'warn',
  stale: 'bad',
  'signed-out': 'bad',
  gone: 'bad',
})

/** @param {number} at ms @param {number} now */
const when = (at, now) => (now - at < 86_400_000 ? clock(at) : dateTime(at))

/** The live sign; changes of it are announced. @param {{ live: LiveBoard }} props */
export function LiveSign({ live }) {
  const now = useNow()
  const status = live.board()?.status
  const { kind, since } = trustOf({ link: live.link(), ...(status && { status }), now })
  return html`<span class="live-sign" role="status">
    <span class=${`badge ${tones[kind]} sign-${kind}`}>${t(`live.${kind}`, { time: since === null ? '' : when(since, now) })}</span>
    ${kind === 'stale' && live.link().state !== 'live' && html`<${Button} small onClick=${live.retry}>${t('live.retry')}<//>`}</span>`
}
