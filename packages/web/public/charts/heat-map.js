import { html, useState } from '/assets/vendor/preact.js'
import { Menu } from '../controls.js'
import { t } from '../i18n.js'
import { saveCsv } from './chart-files.js'
import { NumbersTable } from './numbers-table.js'

/** @typedef {(number | null)[]} Column */

/**
 * A table of numbers as colours: the more, the darker; below 0 in another colour. What lies under the pointer is told
 * below it; all numbers stand in the table beside it.
 * @param {{ title: string, summary: string, rows: string[], columns: string[], values: Column[], corner: string, every?: number,
 *   format: (value: number | null | undefined) => string, square?: boolean }} props `values`: a list per row; `every`: how many columns
 *   to a written label; `square`: rows and columns are the same things, numbers from −1 to 1 stand in the cells
 */
export function HeatMap({ title, summary, rows, columns, values, corner, every = 1, format, square }) {
  const [under, setUnder] = useState(/** @type {[number, number] | null} */ (null))
  const known = values.flat().filter((value) => value !== null)
  const most = square ? 1 : known.reduce((most, value) => Math.max(most, Math.abs(value)), 0)
  const least = known.reduce((least, value) => Math.min(least, value), most)
  // Where all is above 0, colours begin at the least: a pattern on a high level is a pattern too.
  const base = least > 0 && !square ? least * 0.9 : 0
  const heat = (/** @type {number} */ value) =>
    most === base ? 0.5 : (Math.abs(value) - base) / (most - base)
  const told = under && `${rows[under[0]]}, ${columns[under[1]]}: ${format(values[under[0]]?.[under[1]])}`
  const csv = () =>
    saveCsv(title, [
      [corner, ...columns],
      ...rows.map((row, i) => [row, ...columns.map((_, j) => values[i]?.[j] ?? null)]),
    ])
  const point = (/** @type {PointerEvent} */ event) => {
    const cell = event.target instanceof Element ? event.target.closest('[data-cell]') : null
    const [row, column] = (cell?.getAttribute('data-cell') ?? '').split(' ').map(Number)
    setUnder(cell && row !== undefined && column !== undefined ? [row, column] : null)
  }
  return html`
    <figure class="chart heat-map" aria-label=${title}>
      <div class="chart-head"><${square ? 'h3' : 'h2'}>${title}<//>
        <${Menu} label=${t('chart.export', { title })} kind="plain small" text=${t('chart.export.short')}
          items=${[{ label: t('chart.csv'), onSelect: csv }]} /></div>
      <div class=${`heat ${square ? 'square' : ''}`} role="img" tabindex=${square ? 0 : null} aria-label=${`${title}. ${summary}`}
        onPointerMove=${point} onPointerLeave=${() => setUnder(null)}
        style=${{ '--columns': columns.length }}>
        ${rows.map(
          (row, i) => html`<span class="heat-row" key=${row}>${row}</span>
            ${columns.map((column, j) => {
              const value = values[i]?.[j] ?? null
              const look = value === null ? 'none' : value < 0 ? 'below' : ''
              return html`<i key=${column} class=${look} data-cell=${`${i} ${j}`} style=${{ '--heat': value === null ? 0 : heat(value).toFixed(3) }}>${square && format(value)}</i>`
            })}`,
        )}
        <span></span>${columns.map((column, j) => html`<span class="heat-column" key=${column}>${j % every === 0 && column}</span>`)}
      </div>
      <figcaption>${told ?? summary}</figcaption>
      <details>
        <summary>${t('chart.table')}</summary>
        <${NumbersTable} caption=${title} first=${corner} rows=${rows} from=${0} format=${square ? format : undefined}
          columns=${columns.map((label, j) => ({ label, values: rows.map((_, i) => values[i]?.[j] ?? null) }))} />
      </details>
    </figure>`
}
