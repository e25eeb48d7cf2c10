/** What Excel needs at a file's start to take it for UTF-8. */
export const byteOrderMark = '\ufeff'

/**
 * One line of CSV (RFC 4180), with its end. Text that a spreadsheet would take for a formula gets an apostrophe before it;
 * numbers are left as they are.
 */
export const csvLine = (cells: readonly (string | number | null)[]): string =>
  `${cells.map(cellOf).join(',')}\r\n`

function cellOf(cell: string | number | null): string {
  if (cell === null || typeof cell === 'number') return String(cell ?? '')
  const text = /^'*[=+\-@\t\r]/.test(cell) ? `'${cell}` : cell
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
