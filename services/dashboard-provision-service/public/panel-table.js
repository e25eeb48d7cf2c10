import { Dialog } from '/assets/dialog.js'
import { dateTime, number } from '/assets/format.js'
import { t } from '/assets/i18n.js'
import { html } from '/assets/vendor/preact.js'
import { rowsOf } from './panel-files.js'

/** The longest table that is drawn; all of it is in the CSV. */
const mostRows = 500

/** What a panel shows, as a table. @param {{ data: import('/assets/panels/model.js').PanelData, title: string, onClose: () => void }} props */
export function PanelTable({ data, title, onClose }) {
  const [head = [], ...rows] = rowsOf(data)
  const timed = head[0] === t('chart.time')
  const shown = timed ? rows.slice(-mostRows).reverse() : rows
  const cell = (/** @type {string | number | null} */ value, /** @type {number} */ i) =>
    typeof value === 'number'
      ? html`<td class="numeric">${number(value)}</td>`
      : html`<td>${i === 0 && timed && value !== null ? dateTime(value) : (value ?? '–')}</td>`
  return html`<${Dialog} title=${title} onClose=${onClose} wide>
    <div class="table-box scroll" tabindex="0" role="region" aria-label=${title}>
      <table class="plain"><caption>${shown.length < rows.length ? `${title} – ${t('state.partial')}` : title}</caption>
        <thead><tr>${head.map((name, i) => html`<th scope="col" class=${typeof rows[0]?.[i] === 'number' ? 'numeric' : ''}>${name}</th>`)}</tr></thead>
        <tbody>${shown.map((row) => html`<tr key=${row[0]}>${row.map(cell)}</tr>`)}</tbody></table>
    </div><//>`
}
