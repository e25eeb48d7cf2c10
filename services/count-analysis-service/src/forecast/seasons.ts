import type { Granularity } from '../schemas/series.ts'
import { at } from '../statistics/order.ts'

/** Seasons that people's work and the sun give a count, in buckets, the shortest first. */
const calendar: Record<Granularity, number[]> = {
  minute: [60, 1440],
  hour: [24, 168],
  day: [7, 365],
  week: [52],
  month: [12],
}

/** The seasons that a history is long enough to show: two whole ones and a bucket. */
export const seasonsIn = (granularity: Granularity, buckets: number): number[] =>
  calendar[granularity].filter((length) => buckets > 2 * length)

/** The shortest season of a granularity, whatever the history. */
export const shortestSeason = (granularity: Granularity): number => calendar[granularity][0] ?? 1

export interface Seasonal {
  /** A history with its seasons taken out. */
  adjusted: Float64Array
  /** What they add to the buckets after it, 1 being the next. */
  seasonal: (step: number) => number
}

/**
 * Takes the seasons out of a history, the shortest first: the mean distance of each phase from a centred moving average
 * over a season, shrunk towards nothing by as much as chance explains of it. A season that is not there so leaves the
 * history as it is.
 * Source: Miller, Williams: Shrinkage estimators of time series seasonal factors and their effect on forecasting accuracy
 * (2003), the James–Stein estimator.
 */
export function adjust(values: Float64Array, seasons: readonly number[]): Seasonal {
  const adjusted = Float64Array.from(values)
  const effects: Float64Array[] = []
  for (const length of seasons) {
    const effect = phaseEffects(adjusted, length)
    for (let i = 0; i < adjusted.length; i++) adjusted[i] = at(adjusted, i) - at(effect, i % length)
    effects.push(effect)
  }
  const last = values.length - 1
  return {
    adjusted,
    seasonal: (step) => effects.reduce((sum, effect) => sum + at(effect, (last + step) % effect.length), 0),
  }
}

function phaseEffects(values: Float64Array, length: number): Float64Array {
  const level = centredMean(values, length)
  const half = Math.floor(length / 2)
  const sum = new Float64Array(length)
  const squares = new Float64Array(length)
  const count = new Float64Array(length)
  for (let i = half; i + half < values.length; i++) {
    const phase = i % length
    const distance = at(values, i) - at(level, i)
    sum[phase] = at(sum, phase) + distance
    squares[phase] = at(squares, phase) + distance * distance
    count[phase] = at(count, phase) + 1
  }
  const effect = sum.map((total, phase) => total / Math.max(1, at(count, phase)))
  const mean = effect.reduce((a, b) => a + b, 0) / length
  let within = 0
  let between = 0
  let observed = 0
  for (let phase = 0; phase < length; phase++) {
    within += at(squares, phase) - at(count, phase) * at(effect, phase) ** 2
    between += (at(effect, phase) - mean) ** 2
    observed += at(count, phase)
  }
  // The variance that chance alone gives the mean of a phase.
  const chance = (within / Math.max(1, observed - length)) * (length / observed)
  const share = between > 0 ? Math.min(1, Math.max(0, 1 - (chance * Math.max(1, length - 3)) / between)) : 0
  return effect.map((value) => share * (value - mean))
}

/** The mean over a season centred on each bucket, the ends of an even season by half; 0 where it would reach outside. */
function centredMean(values: Float64Array, length: number): Float64Array {
  const means = new Float64Array(values.length)
  const half = Math.floor(length / 2)
  let sum = 0
  for (let i = 0; i <= 2 * half; i++) sum += at(values, i)
  for (let i = half; i + half < values.length; i++) {
    if (i > half) sum += at(values, i + half) - at(values, i - half - 1)
    const ends = length % 2 === 0 ? (at(values, i + half) + at(values, i - half)) / 2 : 0
    means[i] = (sum - ends) / length
  }
  return means
}
