import { normalQuantile, studentQuantile } from '../statistics/distributions.ts'
import { at } from '../statistics/order.ts'

export const levels = ['80', '95'] as const
export type Level = (typeof levels)[number]

/** Half-life of an origin's weight, in origins: what happened lately tells more of what may happen next. */
const halfLife = 6

/** How much of an origin's news a neighbour, whose steps overlap with its own, has told already. */
const overlap = 0.3

/** Absolute errors of the forecasts from one origin; NaN where the history does not reach yet. */
export type Residuals = Float64Array

/**
 * Half-widths of intervals around a forecast, from the errors of earlier ones.
 *
 * The errors of all steps are brought to one size by a power of the step (fitted to their root mean squares, so that few far
 * steps lean on many near ones) and the interval is their quantile, later origins weighing more. A quantile of n errors
 * covers less than its level: it is widened by what Student's distribution of so many independent errors is wider than the
 * normal one, overlapping forecasts counting as fewer.
 * Source: split conformal prediction for series with weights: Barber, Candès, Ramdas, Tibshirani: Conformal prediction beyond
 * exchangeability (2023).
 *
 * @param residuals of each origin, the latest last; at least one
 * @param steps how many buckets ahead each column of them is, ascending
 * @param stride buckets between two origins
 * @returns for each level the half-width at each step, never falling
 */
export function halfWidths(
  residuals: readonly Residuals[],
  steps: Float64Array,
  stride: number,
): Record<Level, Float64Array> {
  const weights = Float64Array.from(residuals, (_, i) => 0.5 ** ((residuals.length - 1 - i) / halfLife))
  const { size, independent } = measure(residuals, steps, weights)
  const scores: { score: number; weight: number }[] = []
  for (const [i, row] of residuals.entries())
    for (const [k, error] of row.entries())
      if (!Number.isNaN(error))
        scores.push({ score: at(size, k) > 0 ? error / at(size, k) : 0, weight: at(weights, i) })
  scores.sort((a, b) => a.score - b.score)
  const half = (level: Level) => {
    const quantile = weightedQuantile(scores, Number(level) / 100)
    let least = 0
    return size.map((unit, k) => {
      const free = at(independent, k) / (1 + (overlap * (at(steps, k) - 1)) / stride)
      least = Math.max(least, quantile * unit * widening(level, Math.max(1, free)))
      return least
    })
  }
  return { '80': half('80'), '95': half('95') }
}

/** The size of errors at each step, and of how many equally heavy ones it is known. */
function measure(residuals: readonly Residuals[], steps: Float64Array, weights: Float64Array) {
  const independent = new Float64Array(steps.length)
  const points: { x: number; y: number; weight: number }[] = []
  for (const [k, step] of steps.entries()) {
    let count = 0
    let squares = 0
    let sum = 0
    let sumOfSquares = 0
    for (const [i, row] of residuals.entries()) {
      const error = at(row, k)
      if (Number.isNaN(error)) continue
      count++
      squares += error * error
      sum += at(weights, i)
      sumOfSquares += at(weights, i) ** 2
    }
    independent[k] = count > 0 ? sum ** 2 / sumOfSquares : 0
    if (squares > 0) points.push({ x: Math.log(step), y: Math.log(squares / count) / 2, weight: count })
  }
  return { size: powerLaw(points, steps), independent }
}

/** y = c · step^p by weighted least squares of the logarithms, 0 ≤ p ≤ 1.5: errors do not shrink further ahead. */
function powerLaw(points: readonly { x: number; y: number; weight: number }[], steps: Float64Array) {
  if (points.length === 0) return new Float64Array(steps.length)
  const total = points.reduce((sum, { weight }) => sum + weight, 0)
  const x = points.reduce((sum, point) => sum + point.weight * point.x, 0) / total
  const y = points.reduce((sum, point) => sum + point.weight * point.y, 0) / total
  const spread = points.reduce((sum, point) => sum + point.weight * (point.x - x) ** 2, 0)
  const common = points.reduce((sum, point) => sum + point.weight * (point.x - x) * (point.y - y), 0)
  const power = spread > 0 ? Math.min(1.5, Math.max(0, common / spread)) : 0
  return Float64Array.from(steps, (step) => Math.exp(y + power * (Math.log(step) - x)))
}

function weightedQuantile(ascending: readonly { score: number; weight: number }[], share: number): number {
  const aim = share * ascending.reduce((sum, { weight }) => sum + weight, 0)
  let sum = 0
  for (const { score, weight } of ascending) {
    sum += weight
    if (sum >= aim) return score
  }
  return ascending.at(-1)?.score ?? 0
}

const widenings = new Map<string, number>()

/** How much wider than known errors' an interval for one more is, when `free` independent ones are known. */
function widening(level: Level, free: number): number {
  // To a quarter of one: there is no end of fractions, and the quantile costs more than all the rest.
  const quarters = Math.floor(free * 4)
  const key = `${level}:${quarters}`
  const known = widenings.get(key)
  if (known !== undefined) return known
  const wider = studentWidth(level, quarters / 4) / normalQuantile((1 - Number(level) / 100) / 2)
  widenings.set(key, wider)
  return wider
}

/** Half-width, in standard deviations known from `free` errors, of an interval for one more. */
export const studentWidth = (level: Level, free: number): number =>
  studentQuantile((1 - Number(level) / 100) / 2, free) * Math.sqrt(1 + 1 / free)
