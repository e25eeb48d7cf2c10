import { save } from '/assets/files.js'
import { t } from '/assets/i18n.js'
import { changeIn, nameOf, unitOf } from '/assets/panels/model.js'

/** @typedef {import('/assets/panels/model.js').PanelData} PanelData */

/** Text that a spreadsheet would take for a formula is marked as text; numbers stay numbers. @param {string | number | null} cell */
function csvCell(cell) {
  if (typeof cell !== 'string') return String(cell ?? '')
  const safe = /^[=+\-@\t\r]/.test(cell) ? `'${cell}` : cell
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}

/** @param {(string | number | null)[][]} rows */
const csvOf = (rows) => `\ufeff${rows.map((row) => row.map(csvCell).join(',')).join('\r\n')}\r\n`

/**
 * What a panel shows as rows, its head first: over time where it draws time, else a row for each count.
 * @param {PanelData} data @returns {(string | number | null)[][]}
 */
export function rowsOf({ panel, counts, series }) {
  const past = counts.filter(({ id }) => series?.counts.has(id))
  const overTime = panel.type === 'line' || (panel.type === 'bar' && counts.length === 1)
  if (overTime && series && past.length > 0) {
    const change = (panel.measure ?? (panel.type === 'bar' ? 'change' : 'value')) === 'change'
    const lines = past.map(({ id }) => series.counts.get(id) ?? { base: 0, values: [] })
    return [
      [t('chart.time'), ...past.map(nameOf)],
      ...series.at.map((at, i) => [
        new Date(at * 1000).toISOString(),
        ...lines.map(({ base, values }) => {
          const value = values[i] ?? base
          return change ? value - (i === 0 ? base : (values[i - 1] ?? base)) : value
        }),
      ]),
    ]
  }
  return [
    [t('panel.id'), t('panel.count'), t('panel.value'), t('panel.unit'), t('panel.change')],
    ...counts.map((count) => [
      count.id,
      nameOf(count),
      count.value,
      unitOf(panel, count),
      changeIn(series, count.id) ?? count.today,
    ]),
  ]
}

/** @param {PanelData} data @param {string} title */
export const savePanelCsv = (data, title) =>
  save(new Blob([csvOf(rowsOf(data))], { type: 'text/csv' }), `${title}.csv`)

/** A copy that carries its looks with it, so that it can be drawn outside the page. @param {Element} from @returns {Element} */
function styledCopy(from) {
  if (from instanceof HTMLCanvasElement) {
    const image = document.createElement('img')
    image.src = from.toDataURL()
    copyStyle(from, image)
    return image
  }
  const copy = /** @type {Element} */ (from.cloneNode(false))
  copyStyle(from, copy)
  for (const child of from.childNodes) {
    if (child instanceof Element) {
      if (!child.matches('.menu, .unseen, dialog, .grip')) copy.append(styledCopy(child))
    } else copy.append(child.cloneNode())
  }
  return copy
}

/** @param {Element} from @param {Element} to */
function copyStyle(from, to) {
  if (!(to instanceof HTMLElement || to instanceof SVGElement)) return
  const style = getComputedStyle(from)
  for (const name of style) to.style.setProperty(name, style.getPropertyValue(name))
}

/** Draws what a panel shows, as it looks, into a PNG at twice its size. @param {HTMLElement} panel @param {string} title */
export async function savePanelPng(panel, title) {
  const { width, height } = panel.getBoundingClientRect()
  const copy = styledCopy(panel)
  copy.setAttribute('xmlns', 'http://www.w3.org/1999/xhtml')
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}"><foreignObject width="100%" height="100%">${new XMLSerializer().serializeToString(copy)}</foreignObject></svg>`
  const image = new Image()
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svg)}`
  await image.decode()
  const canvas = document.createElement('canvas')
  const scale = 2
  canvas.width = Math.ceil(width * scale)
  canvas.height = Math.ceil(height * scale)
  const context = canvas.getContext('2d')
  context?.scale(scale, scale)
  context?.drawImage(image, 0, 0, width, height)
  const blob = await new Promise((resolve) => canvas.toBlob(resolve, 'image/png'))
  if (!(blob instanceof Blob)) throw new Error('the picture could not be made')
  save(blob, `${title}.png`)
}
