import { maxValue } from '@count/core/limits'
import type { AnalysisSeries } from '../schemas/series.ts'

/** What is possible after a value: within `low` … `high`, and never back where `rises`. */
export interface Bounds {
  low: number
  high: number
  rises: boolean
}

/** Values stay within the count's bounds and, of a count that never fell, above the last; its changes above 0. */
export function boundsAfter(
  series: Pick<AnalysisSeries, 'measure' | 'falls' | 'min' | 'max'>,
  last: number,
): Bounds {
  if (series.measure === 'change')
    return { low: series.falls ? -2 * maxValue : 0, high: 2 * maxValue, rises: false }
  const least = series.min ?? -maxValue
  const low = series.falls ? least : Math.max(least, last)
  return { low, high: Math.max(low, series.max ?? maxValue), rises: !series.falls }
}

/** The same forecast with everything impossible moved to the nearest that is possible; changes its argument. */
export function bound(path: Float64Array, { low, high, rises }: Bounds): Float64Array {
  let floor = low
  for (const [i, value] of path.entries()) {
    const possible = Math.min(high, Math.max(floor, value))
    path[i] = possible
    if (rises) floor = possible
  }
  return path
}
