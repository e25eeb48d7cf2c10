import { at } from '../statistics/order.ts'

/**
 * Mean absolute error that the seasonal naive method has within a history: the unit of MASE.
 * Source: Hyndman, Koehler: Another look at measures of forecast accuracy (2006).
 *
 * @returns null where MASE is undefined: on a flat history, or one no longer than a season
 */
export function naiveError(values: Float64Array, season: number): number | null {
  let sum = 0
  for (let i = season; i < values.length; i++) sum += Math.abs(at(values, i) - at(values, i - season))
  return sum > 0 ? sum / (values.length - season) : null
}

/** Symmetric percentage error of one forecast, 0 to 200; 0 where both are 0. */
export function symmetricError(actual: number, mean: number): number {
  const size = Math.abs(actual) + Math.abs(mean)
  return size > 0 ? (200 * Math.abs(actual - mean)) / size : 0
}
