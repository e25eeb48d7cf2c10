import { byteOrderMark, csvLine } from '@count/core/csv-line'
import type { ComparisonAnswer, PredictionAnswer, TrendAnswer } from './schemas/answers.ts'

type Cell = string | number | null | undefined

/** A table as CSV (RFC 4180) that spreadsheets take for UTF-8. */
const csv = (rows: Cell[][]): string =>
  byteOrderMark + rows.map((row) => csvLine(row.map((cell) => cell ?? null))).join('')

/** A line a bucket; the open one comes last, with its value alone. */
export function trendTable({ series, decomposition, open }: TrendAnswer): string {
  const { at, values, average, median, trend, seasonal, remainder, lower, upper } = series
  const seasons = (decomposition?.seasons ?? []).map(({ period }) => `season ${period}`)
  const head = [
    'at',
    'value',
    'average',
    'median',
    'trend',
    ...seasons,
    'remainder',
    'lower',
    'upper',
    'open',
  ]
  const columns = [values, average, median, trend, ...seasonal, remainder, lower, upper]
  const rows: Cell[][] = at.map((start, i) => [start, ...columns.map((column) => column[i]), null])
  if (open) rows.push([open.at, open.value, ...columns.slice(1).map(() => null), 'true'])
  return csv([head, ...rows])
}

/** A line a bucket, a column an item. */
export function comparisonTable({ at, items, open }: ComparisonAnswer): string {
  const head = items.map(({ id, name }) => (id === name ? id : `${name} (${id})`))
  const rows: Cell[][] = at.map((start, i) => [start, ...items.map(({ values }) => values[i]), null])
  if (open) rows.push([open.at, ...open.values, 'true'])
  return csv([['at', ...head, 'open'], ...rows])
}

/** The past with its values, then the points with theirs. */
export function predictionTable({ past, points }: PredictionAnswer): string {
  const head = ['at', 'value', 'mean', 'lower 80 %', 'upper 80 %', 'lower 95 %', 'upper 95 %']
  const nothing = Array<null>(5).fill(null)
  const rows: Cell[][] = past.at.map((start, i) => [start, past.values[i], ...nothing])
  for (const { at, mean, intervals } of points) {
    const [eighty, most] = [intervals['80'], intervals['95']]
    rows.push([at, null, mean, eighty.lower, eighty.upper, most.lower, most.upper])
  }
  return csv([head, ...rows])
}
