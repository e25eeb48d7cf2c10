import { Button } from '/assets/controls.js'
import { t } from '/assets/i18n.js'
import { toast, toastError } from '/assets/toast.js'
import { html } from '/assets/vendor/preact.js'
import { changeCount, deleteCount, restoreCount } from './count-actions.js'

/** @typedef {import('./types.js').Count} Count */
/** @typedef {'pause' | 'activate' | 'archive' | 'delete'} Danger */

/** @type {Record<Exclude<Danger, 'delete'>, Count['status']>} */
const statusAfter = { pause: 'paused', activate: 'active', archive: 'archived' }

/** @param {Count} count @returns {Danger[]} */
const possible = ({ status }) =>
  status === 'active'
    ? ['pause', 'archive', 'delete']
    : status === 'paused'
      ? ['activate', 'archive', 'delete']
      : ['activate', 'delete']

/** What stops a count, apart from the rest; each has its undo. @param {{ count: Count, onDone: () => void }} props */
export function DangerZone({ count, onDone }) {
  const { name } = count
  const change = async (/** @type {Count['status']} */ status) => {
    const changed = await changeCount(count, { status })
    const undo = async () => {
      await changeCount(changed, { status: count.status })
      onDone()
    }
    toast(t(`danger.done.${status}`, { name }), { undo })
    onDone()
  }
  const remove = async () => {
    await deleteCount(count)
    toast(t('danger.done.deleted', { name }), {
      undo: async () => {
        await restoreCount(count)
        onDone()
      },
    })
    onDone()
  }
  const run = (/** @type {Danger} */ what) =>
    (what === 'delete' ? remove() : change(statusAfter[what])).catch(toastError)
  return html`
    <section class="danger-zone" aria-labelledby="danger">
      <h2 id="danger">${t('danger.title')}</h2>
      <ul>${possible(count).map(
        (what) => html`
          <li key=${what}><div><strong>${t(`danger.${what}`)}</strong><div class="muted">${t(`danger.${what}.what`)}</div></div>
            <${Button} kind=${what === 'activate' ? undefined : 'danger'} onClick=${() => run(what)}>${t(`danger.${what}`)}<//></li>`,
      )}</ul>
    </section>`
}
