import { html } from '/assets/vendor/preact.js'
import { t } from '../i18n.js'
import { evenly } from './figures.js'

/** The longest table that is drawn; the rest is in the file. */
const mostRows = 500

/**
 * Columns of numbers beside each other, as a chart draws them; it scrolls in its box.
 * @param {{ caption: string, first: string, rows: string[], columns: { label: string, values: (number | null)[] }[], from?: number,
 *   note?: (row: number) => string, format?: (value: number | null | undefined) => string }} props `from`: the first row that is
 *   shown; absent: the last one on top;
 *   `format`: absent, each column as its numbers need it
 */
export function NumbersTable({ caption, first, rows, columns: all, from, note, format }) {
  const order = from === undefined ? [...rows.keys()].reverse() : [...rows.keys()].slice(from)
  const shown = order.slice(0, mostRows)
  const columns = all.filter(({ values }) => shown.some((i) => values[i] !== null))
  const written = columns.map(({ values }) => format ?? evenly(values))
  return html`
    <div class="table-box scroll" tabindex="0" role="region" aria-label=${caption}>
      <table class="plain">
        <caption>${rows.length > mostRows ? t('chart.table.part', { caption, n: mostRows }) : caption}</caption>
        <thead><tr><th scope="col">${first}</th>
          ${columns.map(({ label }) => html`<th key=${label} scope="col" class="numeric">${label}</th>`)}</tr></thead>
        <tbody>${shown.map((i) => {
          const said = note?.(i)
          return html`<tr key=${i}><td>${rows[i]}${said && html` <small>${said}</small>`}</td>
            ${columns.map(({ label, values }, n) => html`<td key=${label} class="numeric">${written[n]?.(values[i])}</td>`)}</tr>`
        })}</tbody>
      </table>
    </div>`
}
