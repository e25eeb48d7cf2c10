import { t } from '/assets/i18n.js'
import { html } from '/assets/vendor/preact.js'

/**
 * A small table of findings: its first column says of what, the rest are right-aligned; it scrolls in its box.
 * @param {{ caption: string, head: string[], rows: unknown[][], left?: number[] }} props `left`: further columns of words
 */
export const PlainTable = ({ caption, head, rows, left = [] }) => html`
  <div class="table-box scroll" tabindex="0" role="region" aria-label=${t('chart.table.of', { caption })}>
    <table class="plain">
      <caption class="unseen">${caption}</caption>
      <thead><tr>${head.map((label, i) => html`<th key=${label} scope="col" class=${look(i, left)}>${label}</th>`)}</tr></thead>
      <tbody>${rows.map((cells, row) => html`<tr key=${row}>${cells.map((cell, i) => html`<td key=${i} class=${look(i, left)}>${cell}</td>`)}</tr>`)}</tbody>
    </table>
  </div>`

/** @param {number} i @param {number[]} left */
const look = (i, left) => (i === 0 || left.includes(i) ? '' : 'numeric')
