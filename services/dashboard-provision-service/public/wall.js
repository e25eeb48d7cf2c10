import { Button } from '/assets/controls.js'
import { once } from '/assets/format.js'
import { useNow } from '/assets/hooks.js'
import { t } from '/assets/i18n.js'
import { Icon } from '/assets/icons.js'
import { html, useEffect, useState } from '/assets/vendor/preact.js'
import { BoardView, OpenAlerts } from './board-view.js'
import { LiveSign } from './live-sign.js'

/** @typedef {import('./live-board.js').LiveBoard} LiveBoard */

const restMs = 3000

/** Keeps the screen on while the page is seen, where the browser can; it lets go whenever the page is hidden. */
function useAwake() {
  useEffect(() => {
    /** @type {WakeLockSentinel | undefined} */
    let lock
    const hold = () => {
      if (document.hidden || !('wakeLock' in navigator)) return
      navigator.wakeLock.request('screen').then(
        (held) => {
          lock = held
        },
        () => undefined,
      )
    }
    hold()
    document.addEventListener('visibilitychange', hold)
    return () => {
      document.removeEventListener('visibilitychange', hold)
      lock?.release()
    }
  }, [])
}

/** Whether the pointer or a key moved just now: only then a wall shows its buttons. */
function useTouched() {
  const [touched, setTouched] = useState(true)
  useEffect(() => {
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    let timer
    const touch = () => {
      setTouched(true)
      clearTimeout(timer)
      timer = setTimeout(() => setTouched(false), restMs)
    }
    touch()
    addEventListener('pointermove', touch)
    addEventListener('keydown', touch)
    return () => {
      clearTimeout(timer)
      removeEventListener('pointermove', touch)
      removeEventListener('keydown', touch)
    }
  }, [])
  return touched
}

function WallClock() {
  const now = useNow()
  const time = once(
    'wall clock',
    (tongue) =>
      new Intl.DateTimeFormat(tongue, {
        hour: 'numeric',
        minute: '2-digit',
        weekday: 'short',
        day: 'numeric',
        month: 'short',
      }),
  )
  return html`<time class="wall-clock">${time.format(now)}</time>`
}

/**
 * A dashboard for a screen on a wall: nothing but it, as large as the screen, awake, with the time.
 * @param {{ live: LiveBoard, board: import('./types.js').Board, onLeave: () => void }} props
 */
export function Wall({ live, board, onLeave }) {
  useAwake()
  const touched = useTouched()
  useEffect(() => {
    document.documentElement.dataset.wall = ''
    const press = (/** @type {KeyboardEvent} */ event) => {
      if (
        event.key === 'Escape' &&
        !document.fullscreenElement &&
        !document.querySelector('dialog[open], .menu-list')
      )
        onLeave()
    }
    addEventListener('keydown', press)
    return () => {
      delete document.documentElement.dataset.wall
      removeEventListener('keydown', press)
      if (document.fullscreenElement) document.exitFullscreen()
    }
  }, [])
  const full = () => document.documentElement.requestFullscreen?.().catch(() => undefined)
  return html`<div class=${`board-page wall ${touched ? '' : 'resting'}`}>
    <div class="wall-head"><h1>${board.dashboard.name}</h1><${LiveSign} live=${live} /><span class="gap"></span>
      <span class="wall-actions">
        <${Button} small onClick=${full}>${t('wall.full')}<//>
        <${Button} small onClick=${onLeave}><${Icon} name="close" />${t('wall.leave')}<//></span>
      <${WallClock} /></div>
    <${OpenAlerts} board=${board} />
    <${BoardView} live=${live} board=${board} />
  </div>`
}
