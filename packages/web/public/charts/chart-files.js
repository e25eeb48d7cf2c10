import { save } from '../files.js'
import { ink } from '../panels/ink.js'

/** A cell of a CSV file: texts that a spreadsheet would take for a formula are made plain, numbers never. @param {string | number | null} value */
function cell(value) {
  if (typeof value !== 'string') return value === null ? '' : String(value)
  const safe = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value
  return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}

/**
 * The numbers of a chart as they are, for spreadsheets: the mark at the beginning tells Excel that it is UTF-8.
 * @param {string} name of the file, without `.csv` @param {(string | number | null)[][]} rows the head first
 */
export function saveCsv(name, rows) {
  const text = rows.map((row) => row.map(cell).join(',')).join('\r\n')
  save(new Blob([`\uFEFF${text}\r\n`], { type: 'text/csv' }), `${name}.csv`)
}

/**
 * A chart as a picture that can stand alone: title, what was asked, the plot and its legend, in the present theme.
 * @param {HTMLCanvasElement} plot
 * @param {{ title: string, subtitle: string, legend: { label: string, colour: string, dash: number[], dot: boolean }[] }} about
 */
export async function savePng(plot, { title, subtitle, legend }) {
  const scale = devicePixelRatio
  const [pad, head, row] = [20 * scale, 64 * scale, 22 * scale]
  const canvas = document.createElement('canvas')
  const pen = canvas.getContext('2d')
  if (!pen) return
  canvas.width = plot.width + 2 * pad
  const { family, text, muted, card } = { family: getComputedStyle(document.body).fontFamily, ...ink() }
  const font = (/** @type {number} */ px, weight = '') => `${weight} ${px * scale}px ${family}`
  pen.font = font(12)
  /** @type {{ x: number, y: number, item: (typeof legend)[number] }[]} */
  const places = []
  let [x, y] = [pad, 0]
  for (const item of legend) {
    const width = pen.measureText(item.label).width + 48 * scale
    if (x > pad && x + width > canvas.width - pad) [x, y] = [pad, y + row]
    places.push({ x, y, item })
    x += width
  }
  canvas.height = head + plot.height + y + row + pad
  pen.fillStyle = card
  pen.fillRect(0, 0, canvas.width, canvas.height)
  pen.textBaseline = 'top'
  pen.fillStyle = text
  pen.font = font(16, '600')
  pen.fillText(title, pad, 16 * scale, canvas.width - 2 * pad)
  pen.fillStyle = muted
  pen.font = font(12)
  pen.fillText(subtitle, pad, 40 * scale, canvas.width - 2 * pad)
  pen.drawImage(plot, pad, head)
  for (const { x, y, item } of places) {
    const middle = head + plot.height + y + row / 2
    pen.strokeStyle = pen.fillStyle = item.colour
    pen.lineWidth = 2 * scale
    pen.setLineDash(item.dash.map((length) => length * scale))
    pen.beginPath()
    if (item.dot) pen.arc(x + 8 * scale, middle, 4 * scale, 0, 7)
    else pen.moveTo(x, middle)
    if (!item.dot) pen.lineTo(x + 18 * scale, middle)
    pen.stroke()
    pen.fillStyle = muted
    pen.fillText(item.label, x + 24 * scale, middle - 6 * scale)
  }
  const blob = await new Promise((/** @type {(blob: Blob | null) => void} */ done) =>
    canvas.toBlob(done, 'image/png'),
  )
  if (blob) save(blob, `${title}.png`)
}
