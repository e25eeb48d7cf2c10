import { get, may, query } from '/assets/api.js'
import { Button } from '/assets/controls.js'
import { dateTime } from '/assets/format.js'
import { useLoad } from '/assets/hooks.js'
import { t } from '/assets/i18n.js'
import { Empty, Loading } from '/assets/states.js'
import { Table } from '/assets/table.js'
import { toast, toastError } from '/assets/toast.js'
import { html } from '/assets/vendor/preact.js'
import { restore } from './board-actions.js'

/** @typedef {import('./types.js').Trashed} Trashed */

/** Deleted dashboards, to bring back. */
export function TrashTable() {
  const path = `/dashboards/trash${query({ limit: 200 })}`
  const loaded = useLoad(path, (signal) => get(path, { signal }), 5000)
  const bring = (/** @type {Trashed} */ one) =>
    restore(one)
      .then(() => toast(t('boards.restored', { name: one.name })), toastError)
      .then(loaded.reload)
  /** @type {import('/assets/table.js').Column<Trashed>[]} */
  const columns = [
    { id: 'name', label: t('boards.name'), narrow: 'first', cell: ({ name }) => html`<b>${name}</b>` },
    {
      id: 'deletedAt',
      label: t('boards.deletedAt'),
      named: true,
      cell: ({ deletedAt, deletedBy }) => `${dateTime(deletedAt)} · ${deletedBy}`,
    },
    { id: 'purgedAt', label: t('boards.purgedAt'), named: true, cell: ({ purgedAt }) => dateTime(purgedAt) },
    {
      id: 'restore',
      label: t('boards.restore'),
      bare: true,
      narrow: 'side',
      cell: (one) =>
        may('editor') &&
        html`<div class="row-end"><${Button} small onClick=${() => bring(one)}>${t('boards.restore')}<span class="unseen"> ${one.name}</span><//></div>`,
    },
  ]
  const empty = (/** @type {{ items: Trashed[] }} */ { items }) =>
    items.length === 0 &&
    html`<${Empty} title=${t('boards.trash.empty.title')}>${t('boards.trash.empty')}<//>`
  return html`<${Loading} loaded=${loaded} rows=${4} empty=${empty}>
    ${(
      /** @type {{ items: Trashed[] }} */ { items },
    ) => html`<${Table} caption=${t('boards.trash')} columns=${columns} rows=${items}
      keyOf=${(/** @type {Trashed} */ { id }) => id} />`}<//>`
}
