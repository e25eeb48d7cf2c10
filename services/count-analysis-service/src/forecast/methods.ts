import type { PredictionMethod } from '../schemas/prediction.ts'
import { mstl } from '../statistics/mstl.ts'
import { at } from '../statistics/order.ts'
import { adjust, type Seasonal } from './seasons.ts'
import { fitDamped, fitSimple } from './smoothing.ts'

/** A history as every method gets it: the values, the seasons in them, and the values with these taken out. */
export interface History extends Seasonal {
  values: Float64Array
  seasons: readonly number[]
}

/** The means of the next `horizon` buckets. */
export type Forecaster = (history: History, horizon: number) => Float64Array

/** Loess at every so many points with lines between, as Cleveland et al. advise for speed. */
const jumps = (period: number) => ({ trend: Math.ceil(period / 5), lowPass: Math.ceil(period / 10) })

/** MSTL of more buckets than this would take longer than the rest together: such histories go without it. */
const longestMstl = 800

export const historyOf = (values: Float64Array, seasons: readonly number[]): History => ({
  values,
  seasons,
  ...adjust(values, seasons),
})

/** What may be tried on a history, the simplest first. */
export function candidatesFor(values: ArrayLike<number>, seasons: readonly number[]): PredictionMethod[] {
  const candidates: PredictionMethod[] = ['naive', 'drift', 'theta', 'damped-trend']
  if (seasons.length > 0) candidates.push('seasonal-naive')
  if (seasons.length > 0 && values.length <= longestMstl) candidates.push('mstl-ets')
  return candidates
}

export const forecasters: Record<PredictionMethod, Forecaster> = {
  naive: ({ values }, horizon) => {
    const last = at(values, values.length - 1)
    return steps(horizon, () => last)
  },

  drift: ({ values }, horizon) => {
    const last = at(values, values.length - 1)
    const slope = values.length > 1 ? (last - at(values, 0)) / (values.length - 1) : 0
    return steps(horizon, (step) => last + slope * step)
  },

  'seasonal-naive': ({ values, seasons }, horizon) => {
    const season = seasons[0] ?? 1
    return steps(horizon, (step) => at(values, values.length - season + ((step - 1) % season)))
  },

  theta: ({ adjusted, seasonal }, horizon) => {
    const trend = theta(adjusted)
    return steps(horizon, (step) => trend(step) + seasonal(step))
  },

  'damped-trend': ({ adjusted, seasonal }, horizon) => damped(adjusted, seasonal, horizon),

  'mstl-ets': ({ values, seasons, ...plain }, horizon) => {
    if (seasons.length === 0) return damped(plain.adjusted, plain.seasonal, horizon)
    const parts = mstl(values, seasons, { jumps })
    const adjusted = values.map((value, i) =>
      parts.seasonal.reduce((rest, part) => rest - at(part, i), value),
    )
    const seasonal = (step: number) =>
      seasons.reduce((sum, season, i) => {
        const part = parts.seasonal[i] as Float64Array
        return sum + at(part, part.length - season + ((step - 1) % season))
      }, 0)
    return damped(adjusted, seasonal, horizon)
  },
}

/**
 * The theta method with lines θ = 0 and 2 of equal weight: simple smoothing with half of the linear trend.
 * Source: Hyndman, Billah: Unmasking the Theta method (2003).
 */
export function theta(
  values: Float64Array,
  { alpha, level }: { alpha: number; level: number } = fitSimple(values),
): (step: number) => number {
  const half = slopeOf(values) / 2
  // Simple smoothing lags behind a trend by so many buckets.
  const lag = alpha > 0 ? (1 - (1 - alpha) ** values.length) / alpha : values.length
  return (step) => level + half * (step - 1 + lag)
}

function damped(values: Float64Array, seasonal: (step: number) => number, horizon: number) {
  const { level, trend, phi } = fitDamped(values)
  let sum = 0
  let factor = 1
  return steps(horizon, (step) => {
    factor *= phi
    sum += factor
    return level + sum * trend + seasonal(step)
  })
}

/** Slope per bucket of the least-squares line. */
function slopeOf(values: Float64Array): number {
  const n = values.length
  if (n < 2) return 0
  const middle = (n - 1) / 2
  let products = 0
  for (let i = 0; i < n; i++) products += (i - middle) * at(values, i)
  return (12 * products) / (n * (n * n - 1))
}

const steps = (horizon: number, mean: (step: number) => number) =>
  Float64Array.from({ length: horizon }, (_, i) => mean(i + 1))
