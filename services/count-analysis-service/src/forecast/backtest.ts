import type { PredictionMethod } from '../schemas/prediction.ts'
import type { AnalysisSeries, Granularity } from '../schemas/series.ts'
import { at } from '../statistics/order.ts'
import { bound, boundsAfter } from './bounds.ts'
import { halfWidths, type Level, levels } from './conformal.ts'
import { naiveError, symmetricError } from './errors.ts'
import { candidatesFor, forecasters, historyOf } from './methods.ts'
import { seasonsIn, shortestSeason } from './seasons.ts'

/** Origins in one backtest, and steps looked at from each: more would not change what is chosen, only take longer. */
const most = 48

/** The shortest history that methods are compared on, and the shortest part of it that one is fitted to. */
export const leastBuckets = 20
const leastTraining = 8

/** Origins whose intervals are not judged: there is too little before them to make one from. */
const leastCalibration = 4

export interface Scores {
  rmse: number | null
  mase: number | null
  smape: number | null
}

export interface Backtest {
  /** Of each candidate, the best first. */
  candidates: ({ method: PredictionMethod } & Scores)[]
  coverage: Record<Level, number | null>
  origins: number
  /** Half-widths of the intervals of the next forecast, for each of `steps`. */
  widths: Record<Level, Float64Array>
  steps: Float64Array
}

/** What a backtest needs to know of the series: its calendar and what is possible. */
export type Kind = Pick<AnalysisSeries, 'granularity' | 'measure' | 'falls' | 'min' | 'max'>

/**
 * Forecasts the end of a history from many points in it, each time from what lies before only, by every candidate; chooses
 * the candidate of least squared error and makes intervals from its errors.
 *
 * @param values at least `leastBuckets`
 */
export function backtest(values: Float64Array, kind: Kind, horizon: number): Backtest {
  const candidates = candidatesFor(values, seasonsIn(kind.granularity, values.length))
  const { origins, stride } = originsIn(values.length, kind.granularity)
  const steps = stepsTo(horizon)
  const runs = new Map(
    candidates.map((method) => [method, { means: [] as Float64Array[], residuals: [] as Float64Array[] }]),
  )
  for (const origin of origins) {
    const before = values.subarray(0, origin)
    const history = historyOf(before, seasonsIn(kind.granularity, origin))
    const bounds = boundsAfter(kind, at(values, origin - 1))
    for (const [method, run] of runs) {
      const path = bound(forecasters[method](history, horizon), bounds)
      const means = steps.map((step) => at(path, step - 1))
      run.means.push(means)
      run.residuals.push(means.map((mean, k) => Math.abs((values[origin + at(steps, k) - 1] ?? NaN) - mean)))
    }
  }
  const unit = naiveError(values, shortestSeason(kind.granularity))
  const scored = [...runs].map(([method, { means, residuals }]) => ({
    method,
    residuals,
    scores: scoresOf(means, residuals, values, origins, steps, unit),
  }))
  const rank = (method: PredictionMethod, rmse: number | null) =>
    (rmse ?? 0) * (method === 'damped-trend' ? 1 : 1.1)
  // Of equals the simplest, which comes first, stays first.
  scored.sort((a, b) => rank(a.method, a.scores.rmse) - rank(b.method, b.scores.rmse))
  const residuals = scored[0]?.residuals ?? []
  return {
    candidates: scored.map(({ method, scores }) => ({ method, ...scores })),
    coverage: coverageOf(residuals, origins, steps, stride),
    origins: origins.length,
    widths: halfWidths(residuals, steps, stride),
    steps,
  }
}

/** Evenly apart up to the last bucket, by a stride that does not fall on the same few phases of a season. */
function originsIn(length: number, granularity: Granularity) {
  const seasons = seasonsIn(granularity, length)
  const season = Math.max(shortestSeason(granularity), seasons.at(-1) ?? 0)
  const first = Math.max(leastTraining, Math.min(2 * season + 1, Math.floor(length / 3)))
  let stride = Math.ceil((length - first) / most)
  while (stride > 1 && seasons.some((length) => divisor(length, stride) > 3)) stride++
  const origins: number[] = []
  for (let origin = length - 1; origin >= first; origin -= stride) origins.unshift(origin)
  return { origins: Float64Array.from(origins), stride }
}

/** All steps of a short horizon; of a long one the first, the last and evenly between. */
function stepsTo(horizon: number): Float64Array {
  if (horizon <= most) return Float64Array.from({ length: horizon }, (_, i) => i + 1)
  return Float64Array.from({ length: most }, (_, i) => 1 + Math.round((i * (horizon - 1)) / (most - 1)))
}

function scoresOf(
  means: Float64Array[],
  residuals: Float64Array[],
  values: Float64Array,
  origins: Float64Array,
  steps: Float64Array,
  unit: number | null,
): Scores {
  let count = 0
  let sum = 0
  let squares = 0
  let symmetric = 0
  for (const [i, row] of residuals.entries())
    for (const [k, error] of row.entries()) {
      if (Number.isNaN(error)) continue
      count++
      sum += error
      squares += error * error
      symmetric += symmetricError(
        at(values, at(origins, i) + at(steps, k) - 1),
        at(means[i] as Float64Array, k),
      )
    }
  return {
    rmse: Math.sqrt(squares / count),
    mase: unit === null ? null : sum / count / unit,
    smape: symmetric / count,
  }
}

/** How often the past's intervals held, each made of errors that were known at its origin. */
function coverageOf(residuals: Float64Array[], origins: Float64Array, steps: Float64Array, stride: number) {
  const inside = { '80': 0, '95': 0 }
  let count = 0
  for (let i = leastCalibration; i < residuals.length; i++) {
    const known = residuals
      .slice(0, i)
      .map((row, j) => row.map((error, k) => (at(origins, j) + at(steps, k) <= at(origins, i) ? error : NaN)))
    const widths = halfWidths(known, steps, stride)
    for (const [k, error] of (residuals[i] as Float64Array).entries()) {
      if (Number.isNaN(error)) continue
      count++
      for (const level of levels) if (error <= at(widths[level], k)) inside[level]++
    }
  }
  return { '80': count > 0 ? inside['80'] / count : null, '95': count > 0 ? inside['95'] / count : null }
}

const divisor = (a: number, b: number): number => (b === 0 ? a : divisor(b, a % b))
