import { entry } from './order.ts'
import { type StlOptions, stl } from './stl.ts'

export interface Mstl {
  trend: Float64Array
  /** One component for each period, in the order given. */
  seasonal: Float64Array[]
  remainder: Float64Array
}

/**
 * Decomposition with several seasons: STL by turns on what the others leave, each twice; a single one once.
 *
 * @param periods ascending, each below half the length of `y`; one and more
 * @param options handed on to each STL; seasonal spans are 11, 15, 19 …
 *
 * Source: Bandara, Hyndman and Bergmeir, MSTL, 2021; the iterations and spans of statsmodels' MSTL.
 */
export function mstl(
  y: Float64Array,
  periods: readonly number[],
  options: Omit<StlOptions, 'period' | 'seasonal' | 'jumps'> & {
    jumps?: (period: number) => StlOptions['jumps']
  },
): Mstl {
  const { jumps, ...shared } = options
  const rest = new Float64Array(y)
  const seasonal = periods.map(() => new Float64Array(y.length))
  let trend: Float64Array = new Float64Array(y.length)
  for (let iteration = 0; iteration < (periods.length === 1 ? 1 : 2); iteration++) {
    for (const [turn, period] of periods.entries()) {
      const own = seasonal[turn] as Float64Array
      for (let i = 0; i < y.length; i++) rest[i] = entry(rest, i) + entry(own, i)
      const found = stl(rest, { ...shared, period, seasonal: 11 + 4 * turn, jumps: jumps?.(period) })
      own.set(found.seasonal)
      trend = found.trend
      for (let i = 0; i < y.length; i++) rest[i] = entry(rest, i) - entry(own, i)
    }
  }
  return { trend, seasonal, remainder: rest.map((value, i) => value - entry(trend, i)) }
}
