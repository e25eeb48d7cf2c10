import { get, may, query, request } from '/assets/api.js'
import { Badge, Button } from '/assets/controls.js'
import { Dialog } from '/assets/dialog.js'
import { dateTime, number } from '/assets/format.js'
import { useLoad } from '/assets/hooks.js'
import { t } from '/assets/i18n.js'
import { Loading } from '/assets/states.js'
import { toast, toastError } from '/assets/toast.js'
import { html } from '/assets/vendor/preact.js'
import { pathOf } from './board-actions.js'

/** @typedef {import('./types.js').Revision} Revision */

/** What was saved, newest first, each to be brought back as a new revision. @param {{ dashboard: { id: string, revision: number }, onClose: () => void }} props */
export function RevisionsDialog({ dashboard: { id, revision: now }, onClose }) {
  const path = `${pathOf(id)}/revisions${query({ limit: 100 })}`
  const loaded = useLoad(`${path} ${now}`, (signal) => get(path, { signal }))
  const bring = (/** @type {number} */ revision, /** @type {number} */ over) =>
    request('POST', `${pathOf(id)}/revisions/${revision}/restore`, { revision: over })
  const restore = (/** @type {Revision} */ { revision }) =>
    bring(revision, now).then((saved) => {
      toast(t('revisions.restored', { n: revision }), { undo: () => bring(now, saved.revision) })
      onClose()
    }, toastError)
  return html`<${Dialog} title=${t('revisions.title')} onClose=${onClose} wide>
    <${Loading} loaded=${loaded} rows=${5}>
      ${(/** @type {{ items: Revision[] }} */ { items }) =>
        html`<ol class="shares">${items.map(
          (
            one,
          ) => html`<li key=${one.revision}><div><b>${t('revisions.one', { n: one.revision })}</b> ${one.name}
          <small>${dateTime(one.savedAt)} · ${one.savedBy} · ${t('revisions.panels', { n: one.panels })}
            ${one.restored !== null && ` · ${t('revisions.from', { n: number(one.restored) })}`}</small></div>
          ${
            one.revision === now
              ? html`<${Badge} tone="good">${t('revisions.now')}<//>`
              : may('editor') &&
                html`<${Button} small onClick=${() => restore(one)}>${t('revisions.restore')}<span class="unseen"> ${one.revision}</span><//>`
          }</li>`,
        )}</ol>`}
    <//><//>`
}
