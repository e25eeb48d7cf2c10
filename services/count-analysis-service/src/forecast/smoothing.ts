import { at } from '../statistics/order.ts'

/**
 * Exponential smoothing of a history without seasons, its weights by least squares of the one-step errors.
 * Source: Hyndman, Koehler, Ord, Snyder: Forecasting with Exponential Smoothing (2008).
 */

/** Sum of squares of the one-step errors of simple exponential smoothing from `start`, and the level after the last. */
export function simpleSmoothing(values: Float64Array, alpha: number, start: number) {
  let level = start
  let squares = 0
  for (const value of values) {
    const error = value - level
    squares += error * error
    level += alpha * error
  }
  return { squares, level }
}

/** Simple exponential smoothing from the first value, with α between 0 and 1 of least squares. */
export function fitSimple(values: Float64Array): { alpha: number; level: number; squares: number } {
  const start = at(values, 0)
  const alpha = lowest((candidate) => simpleSmoothing(values, candidate, start).squares)
  return { alpha, ...simpleSmoothing(values, alpha, start) }
}

export interface Weights {
  /** Of an error in the level. */
  alpha: number
  /** Of an error in the trend, as a part of alpha. */
  share: number
  /** What is left of the trend after a bucket. */
  phi: number
}

/** Smoothing with a damped trend, ETS(A,Ad,N), from the first value and `startTrend`. */
export function dampedSmoothing(values: Float64Array, { alpha, share, phi }: Weights, startTrend: number) {
  let level = at(values, 0)
  let trend = startTrend
  let squares = 0
  for (let i = 1; i < values.length; i++) {
    trend *= phi
    const error = at(values, i) - level - trend
    squares += error * error
    level += trend + alpha * error
    trend += alpha * share * error
  }
  return { squares, level, trend }
}

const grid: Weights[] = [0.05, 0.2, 0.5, 0.8, 1].flatMap((alpha) =>
  [0, 0.05, 0.2, 0.5].flatMap((share) => [0.8, 0.9, 0.95, 0.98].map((phi) => ({ alpha, share, phi }))),
)

/**
 * Smoothing with a damped trend by the best weights of a grid, then refined around them, each in its turn: within a tenth of
 * the least squares, in a hundredth of the time of a general search.
 */
export function fitDamped(values: Float64Array): Weights & ReturnType<typeof dampedSmoothing> {
  const reach = Math.min(values.length - 1, 10)
  const startTrend = reach > 0 ? (at(values, reach) - at(values, 0)) / reach : 0
  const fit = (weights: Weights) => ({ ...weights, ...dampedSmoothing(values, weights, startTrend) })
  const better = (a: ReturnType<typeof fit>, b: ReturnType<typeof fit>) => (b.squares < a.squares ? b : a)

  let best = grid.map(fit).reduce(better)
  for (const step of [0.5, 0.25]) {
    const { alpha, share, phi } = best
    best = [
      { ...best, alpha: alpha * (1 - step) },
      { ...best, alpha: alpha + (1 - alpha) * step },
    ].reduce((found, weights) => better(found, fit(weights)), best)
    best = [
      { ...best, share: share * (1 - step) },
      { ...best, share: share + (1 - share) * step },
    ].reduce((found, weights) => better(found, fit(weights)), best)
    best = [
      { ...best, phi: phi - 0.05 * step },
      { ...best, phi: phi + (0.98 - phi) * step },
    ].reduce((found, weights) => better(found, fit(weights)), best)
  }
  return best
}

/** Where between 0 and 1 a function of one valley is lowest, by golden sections, to 1e-6. */
function lowest(f: (x: number) => number): number {
  const ratio = (Math.sqrt(5) - 1) / 2
  let low = 0
  let high = 1
  let left = 1 - ratio
  let right = ratio
  let atLeft = f(left)
  let atRight = f(right)
  while (high - low > 1e-6) {
    if (atLeft <= atRight) {
      high = right
      right = left
      atRight = atLeft
      left = high - ratio * (high - low)
      atLeft = f(left)
    } else {
      low = left
      left = right
      atLeft = atRight
      right = low + ratio * (high - low)
      atRight = f(right)
    }
  }
  return (low + high) / 2
}
