import { get, query } from '/assets/api.js'
import { Badge } from '/assets/controls.js'
import { Dialog } from '/assets/dialog.js'
import { exactTime, number } from '/assets/format.js'
import { useLoad } from '/assets/hooks.js'
import { t } from '/assets/i18n.js'
import { Loading } from '/assets/states.js'
import { Table } from '/assets/table.js'
import { html } from '/assets/vendor/preact.js'

/** @typedef {import('./types.js').TransitionView} Transition */

/** When an alert opened and closed. @param {{ alert: import('./types.js').AlertView, onClose: () => void }} props */
export function AlertHistory({ alert: { id, name }, onClose }) {
  const path = `/alerts/${id}/history${query({ limit: 200 })}`
  const loaded = useLoad(path, (signal) => get(path, { signal }), 5000)
  /** @type {import('/assets/table.js').Column<Transition>[]} */
  const columns = [
    { id: 'at', label: t('chart.time'), narrow: 'first', cell: ({ at }) => exactTime(at) },
    {
      id: 'state',
      label: t('alerts.state'),
      narrow: 'side',
      cell: ({ state, cause }) =>
        html`<${Badge} tone=${state === 'open' ? 'bad' : 'good'}>${t(`alerts.state.${state}`)}<//>${cause === 'rule' && html` <small>${t('alerts.cause.rule')}</small>`}`,
    },
    { id: 'value', label: t('alerts.value'), numeric: true, cell: ({ value }) => number(value) },
  ]
  const empty = (/** @type {{ items: Transition[] }} */ { items }) =>
    items.length === 0 && html`<p class="prose">${t('alerts.history.none')}</p>`
  return html`<${Dialog} title=${t('alerts.history.of', { name })} onClose=${onClose} wide>
    <${Loading} loaded=${loaded} rows=${4} empty=${empty}>
      ${(/** @type {{ items: Transition[] }} */ { items }) => html`<${Table} caption=${t('alerts.history')} columns=${columns} rows=${items} keyOf=${(/** @type {Transition} */ one) => one.id} />`}
    <//><//>`
}
