import { maxValue } from '@count/core/limits'
import type { AnalysisSeries } from '../schemas/series.ts'
import { at } from '../statistics/order.ts'

/** Buckets that methods are fitted to: two days of minutes, four months of hours, eight years of days. */
const longest = 2880

export interface Known {
  /** The latest complete buckets, oldest first, without gaps. */
  values: Float64Array
  /** Starts of the first of all complete buckets, of the first of `values` and of the last; null without any. */
  from: string | null
  to: string | null
  /** Complete buckets in all. */
  buckets: number
  /** Gaps in `values` that were filled, along a line between their neighbours. */
  filled: number
}

/** What of a series forecasts are made from: without the open bucket and what lies outside the count's life. */
export function knownOf(series: AnalysisSeries, most = longest): Known {
  const complete = series.partial ? series.values.slice(0, -1) : series.values
  const first = complete.findIndex((value) => value !== null)
  if (first < 0) return { values: new Float64Array(), from: null, to: null, buckets: 0, filled: 0 }
  const last = complete.findLastIndex((value) => value !== null)
  const start = Math.max(first, last + 1 - most)
  const { values, filled } = fill(complete.slice(start, last + 1))
  return {
    values,
    from: series.at[first] ?? null,
    to: series.at[last] ?? null,
    buckets: last + 1 - first,
    filled,
  }
}

function fill(values: readonly (number | null)[]) {
  const whole = new Float64Array(values.length)
  let before = values.findIndex((value) => value !== null)
  let filled = 0
  for (const [i, value] of values.entries()) {
    if (value === null) continue
    // No change of a count is larger; sums of squares then stay far from overflow.
    whole[i] = Math.min(2 * maxValue, Math.max(-2 * maxValue, value))
    const step = (at(whole, i) - at(whole, before)) / Math.max(1, i - before)
    for (let gap = before + 1; gap < i; gap++) whole[gap] = at(whole, before) + step * (gap - before)
    before = i
  }
  for (const value of values) if (value === null) filled++
  return { values: whole, filled }
}
