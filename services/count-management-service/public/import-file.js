/** @typedef {{ file: File, type: 'text/csv' | 'application/x-ndjson', kind: 'counts' | 'history', columns: string[], rows: string[][] }} Read */

const firstBytes = 64 * 1024
const shownRows = 5

/**
 * The first records of a CSV (RFC 4180: quotes, doubled quotes, line ends within them).
 * @param {string} text @param {number} most @returns {string[][]}
 */
export function csvRows(text, most) {
  /** @type {string[][]} */
  const rows = []
  let row = /** @type {string[]} */ ([])
  let cell = ''
  let quoted = false
  for (let i = 0; i < text.length && rows.length < most; i++) {
    const c = text[i] ?? ''
    if (quoted) {
      if (c !== '"') cell += c
      else if (text[i + 1] === '"') {
        cell += c
        i++
      } else quoted = false
    } else if (c === '"' && cell === '') quoted = true
    else if (c === ',') {
      row.push(cell)
      cell = ''
    } else if (c === '\n') {
      rows.push([...row, cell.replace(/\r$/, '')])
      row = []
      cell = ''
    } else cell += c
  }
  if (rows.length < most && (cell !== '' || row.length > 0)) rows.push([...row, cell.replace(/\r$/, '')])
  return rows
}

/** @param {string} text @param {number} most */
function jsonlRows(text, most) {
  const lines = text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .slice(0, most)
  const objects = lines.map((line) => {
    try {
      const value = JSON.parse(line)
      return typeof value === 'object' && value !== null ? value : {}
    } catch {
      return {} // The server says which line is bad; here are only the first ones to look at.
    }
  })
  const columns = [...new Set(objects.flatMap((object) => Object.keys(object)))]
  const rows = objects.map((object) =>
    columns.map((column) => {
      const value = object[column]
      return typeof value === 'string'
        ? value
        : value === undefined || value === null
          ? ''
          : JSON.stringify(value)
    }),
  )
  return [columns, ...rows]
}

/**
 * What a file seems to be, by its name and its beginning; `unreadable` when it is neither CSV nor JSONL.
 * @param {File} file @returns {Promise<Read | 'unreadable' | 'empty'>}
 */
export async function readStart(file) {
  const lines = /\.(jsonl|ndjson)$/i.test(file.name)
  if (!lines && !/\.(csv|txt)$/i.test(file.name) && !file.type.startsWith('text/')) return 'unreadable'
  if (file.size === 0) return 'empty'
  const text = (await file.slice(0, firstBytes).text()).replace(/^\uFEFF/, '')
  const [columns = [], ...rows] = (lines ? jsonlRows : csvRows)(text, shownRows + 1)
  const kind = columns.includes('timestamp') && columns.includes('delta') ? 'history' : 'counts'
  return { file, type: lines ? 'application/x-ndjson' : 'text/csv', kind, columns, rows }
}
