import { Spark } from '/assets/chart.js'
import { Badge } from '/assets/controls.js'
import { change, dateTime, number } from '/assets/format.js'
import { t } from '/assets/i18n.js'
import { linkTo } from '/assets/search.js'
import { Live, Table } from '/assets/table.js'
import { html } from '/assets/vendor/preact.js'

/** @typedef {import('./types.js').Count} Count */

/** @type {Record<Count['status'], 'good' | 'warn' | 'quiet'>} */
export const tones = { active: 'good', paused: 'warn', archived: 'quiet' }

/** @param {{ status: Count['status'] }} props */
export const Status = ({ status }) => html`<${Badge} tone=${tones[status]}>${t(`status.${status}`)}<//>`

/**
 * Counts with their live values.
 * @param {{ items: Count[], sort: string, onSort: (sort: string) => void, selected: Set<string>, onSelect?: (selected: Set<string>) => void,
 *   onTag: (tag: string) => void }} props
 */
export function CountsTable({ items, sort, onSort, selected, onSelect, onTag }) {
  /** @type {import('/assets/table.js').Column<Count>[]} */
  const columns = [
    {
      id: 'name',
      label: t('count.name'),
      sort: 'name',
      narrow: 'first',
      cell: ({ id, name }) =>
        html`<span class="two-lines"><a href=${linkTo(id)}>${name}</a><small>${id}</small></span>`,
    },
    {
      id: 'value',
      label: t('count.value'),
      numeric: true,
      narrow: 'side',
      cell: ({ value }) => html`<${Live} text=${number(value)} of=${value} />`,
    },
    {
      id: 'unit',
      label: t('count.unit'),
      bare: true,
      tight: true,
      narrow: 'side',
      cell: ({ unit }) => unit && html`<small>${unit}</small>`,
    },
    {
      id: 'today',
      label: t('count.today'),
      numeric: true,
      cell: ({ today, spark }) =>
        today !== undefined &&
        html`<span class="with-spark"><${Spark} values=${spark ?? []} /><span>${change(today)}</span></span>`,
    },
    {
      id: 'tags',
      label: t('count.tags'),
      cell: ({ tags }) =>
        tags.length > 0 &&
        html`<span class="tags">${tags.map(
          (tag) =>
            html`<button type="button" class="tag" key=${tag} onClick=${() => onTag(tag)}>${tag}</button>`,
        )}</span>`,
    },
    { id: 'status', label: t('count.status'), cell: ({ status }) => html`<${Status} status=${status} />` },
    {
      id: 'updatedAt',
      label: t('count.updatedAt'),
      sort: 'updatedAt',
      narrow: 'hidden',
      cell: ({ updatedAt }) => html`<span class="muted">${dateTime(updatedAt)}</span>`,
    },
  ]
  return html`<${Table} caption=${t('counts.caption')} columns=${columns} rows=${items} keyOf=${(/** @type {Count} */ { id }) => id}
    nameOf=${(/** @type {Count} */ { name }) => name} sort=${sort} onSort=${onSort} selected=${selected} onSelect=${onSelect} />`
}
