import type { ComparisonItem } from '../schemas/comparison.ts'
import type { AnalysisSeries, Column } from '../schemas/series.ts'
import { finite, growthOf } from './growth.ts'
import { mean, median } from './order.ts'

/** What a stretch of a column amounts to: the sum of changes, or the last known value. */
function amount(values: Column, measure: AnalysisSeries['measure']): number | null {
  const known = values.filter((value) => value !== null)
  if (known.length === 0) return null
  return measure === 'change' ? known.reduce((sum, value) => sum + value, 0) : (known.at(-1) ?? null)
}

/** Rank of each number, 1 the largest; equals share a rank, null has none. */
function ranking(amounts: (number | null)[]): (number | null)[] {
  const known = amounts.filter((amount) => amount !== null)
  return amounts.map((own) => (own === null ? null : 1 + known.filter((other) => other > own).length))
}

/** Each part of the whole; null when a part is unknown or negative, or the whole 0. */
function sharesOf(amounts: (number | null)[]): (number | null)[] {
  const known = amounts.filter((amount) => amount !== null)
  const whole = known.reduce((sum, value) => sum + value, 0)
  const sound = whole > 0 && known.every((value) => value >= 0)
  return amounts.map((own) => (own === null || !sound ? null : own / whole))
}

/**
 * How each series stands among the others: index, shares, totals, growth and rank by half.
 *
 * @param columns values by series, of one length
 * @param split first place of the second half
 */
export function standings(
  series: Pick<AnalysisSeries, 'id' | 'name' | 'unit' | 'measure'>[],
  at: string[],
  columns: Column[],
  split: number,
): ComparisonItem[] {
  const begun = at.findIndex((_, i) => columns.every((values) => (values[i] ?? null) !== null))
  const shares = at.map((_, i) => sharesOf(columns.map((values) => values[i] ?? null)))
  const amounts = (from?: number, to?: number) =>
    columns.map((values, i) => amount(values.slice(from, to), series[i]?.measure ?? 'change'))
  const [totals, firsts, seconds] = [amounts(), amounts(0, split), amounts(split)]
  const [ranks, before, now] = [ranking(totals), ranking(firsts), ranking(seconds)]
  const whole = sharesOf(totals)

  return series.map(({ id, name, unit }, i) => {
    const values = columns[i] ?? []
    const known = values.filter((value) => value !== null)
    const base = values.findIndex((value, k) => k >= Math.max(0, begun) && value !== null && value > 0)
    const unit100 = base < 0 ? null : (values[base] as number)
    const [was, is] = [before[i] ?? null, now[i] ?? null]
    const [first, second] = [firsts[i] ?? null, seconds[i] ?? null]
    return {
      id,
      name,
      unit,
      values,
      indexed: values.map((value) =>
        value === null || unit100 === null ? null : finite((value / unit100) * 100),
      ),
      base: base < 0 ? null : (at[base] as string),
      shares: shares.map((row) => row[i] ?? null),
      total: totals[i] ?? null,
      share: whole[i] ?? null,
      mean: known.length > 0 ? mean(known) : null,
      median: known.length > 0 ? median(known) : null,
      growth: { first, second, ratio: growthOf(second, first).ratio },
      rank: ranks[i] ?? null,
      before: was,
      now: is,
      moved: was === null || is === null ? null : was - is,
    }
  })
}
