import type { PastRecord } from '@count/core/history'
import type { Measure } from '@count/core/schemas'
import type { AnalysisSeries, Column } from './schemas/series.ts'
import type { SeriesPlan, Span } from './series-plan.ts'

/** A count with its past over a span, and since when anything is known of it (ms since 1970). */
export interface Known {
  record: PastRecord
  sinceMs: number
}

export interface Named {
  id: string
  name: string
  unit: string
  min: number | null
  max: number | null
}

/** What was added in each bucket, or the level at its end; null before anything was known of the count. */
export function columnOf({ record, sinceMs }: Known, span: Span, measure: Measure): Column {
  const { boundaries, window, places } = span
  const sums = new Array<number>(boundaries.length - 1).fill(0)
  let level = record.value
  for (const [index, delta] of record.changes) {
    if (index > window.last) level -= delta
    else if (index >= window.first) {
      const place = places[index - window.first] as number
      sums[place] = (sums[place] as number) + delta
    }
  }
  const column: Column = new Array(sums.length).fill(null)
  for (let i = sums.length - 1; i >= 0 && (boundaries[i + 1] as number) > sinceMs; i--) {
    const change = sums[i] as number
    column[i] = measure === 'value' ? level : change
    level -= change
  }
  return column
}

/** Bucket by bucket the sum of what is known; null where nothing is. */
export function sumOf(columns: readonly Column[], length: number): Column {
  const total: Column = new Array(length).fill(null)
  for (const column of columns)
    for (let i = 0; i < length; i++) {
      const value = column[i]
      if (value !== null && value !== undefined) total[i] = (total[i] ?? 0) + value
    }
  return total
}

const falls = ({ record }: Known) => {
  for (const delta of record.changes.values()) if (delta < 0) return true
  return false
}

/** One series of one or, summed, of several counts. */
export function seriesOf(
  named: Named,
  members: readonly Known[],
  { granularity, zone, at, partial }: Pick<SeriesPlan, 'granularity' | 'zone' | 'at' | 'partial'>,
  span: Span,
  measure: Measure,
): AnalysisSeries {
  const columns = members.map((known) => columnOf(known, span, measure))
  return {
    ...named,
    granularity,
    zone: zone.name,
    measure,
    at,
    values: columns.length === 1 ? (columns[0] as Column) : sumOf(columns, at.length),
    partial,
    falls: members.some(falls),
  }
}
