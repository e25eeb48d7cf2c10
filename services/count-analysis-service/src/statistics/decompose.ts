import type { Column, Granularity } from '../schemas/series.ts'
import { openLoess } from './loess.ts'
import { mstl } from './mstl.ts'
import { commonest, entry, stepsOf, variance } from './order.ts'
import { bisquare } from './stl.ts'

/** Seasons looked for, in buckets: hour and day; day and week; week and year; year; year. */
const seasonsOf: Record<Granularity, number[]> = {
  minute: [60, 1440],
  hour: [24, 168],
  day: [7, 365],
  week: [52],
  month: [12],
}

/** Robustness rounds: the authors call 5 safe even for radical outliers. */
const outer = 5
/** Fewer that differ from all the rest are accidents. */
const fewestOthers = 5

/** Known values from the first to the last, gaps between bridged by straight lines. */
export interface Run {
  /** Position in the series of the first. */
  from: number
  y: Float64Array
  /** Positions in `y` that were bridged. */
  filled: Set<number>
}

export interface Decomposition extends Run {
  periods: number[]
  trend: Float64Array
  seasonal: Float64Array[]
  remainder: Float64Array
  /** 0 … 1 (Wang, Smith and Hyndman 2006): the share of movement that a part explains beside the remainder. */
  strength: { trend: number | null; seasonal: (number | null)[] }
}

/** The stretch of a series that can be decomposed. */
export function runOf(values: Column): Run {
  const known = values.flatMap((value, i) => (value === null ? [] : [i]))
  const [from = 0, to = -1] = [known[0], known.at(-1)]
  const y = new Float64Array(to - from + 1)
  const filled = new Set<number>()
  for (const [k, i] of known.entries()) {
    const value = values[i] as number
    y[i - from] = value
    const before = known[k - 1] ?? i
    for (let gap = before + 1; gap < i; gap++) {
      const start = values[before] as number
      y[gap - from] = start + ((value - start) * (gap - before)) / (i - before)
      filled.add(gap - from)
    }
  }
  return { from, y, filled }
}

/**
 * Trend, seasons and remainder by robust MSTL, or a robust loess trend where no season has two whole cycles; null below
 * eight points.
 *
 * Trend and low-pass filter are fitted at every tenth of their span, as the authors of STL advise.
 */
export function decompose(run: Run, granularity: Granularity): Decomposition | null {
  const { y } = run
  if (y.length < 8) return null
  const periods = seasonsOf[granularity].filter((period) => period < y.length / 2)
  const rounds = isIntermittent(y) || isIntermittent(stepsOf(y)) ? 0 : outer
  const parts = periods.length > 0 ? seasons(y, periods, rounds) : smooth(y, rounds)
  const { trend, seasonal, remainder } = parts
  const left = variance(remainder)
  // What rounding leaves of a constant is no movement.
  const floor = 1e-20 * Math.max(...y.map(Math.abs)) ** 2
  const share = (part: Float64Array) => {
    const moved = variance(part.map((value, i) => value + entry(remainder, i)))
    return moved <= floor ? null : Math.min(1, Math.max(0, 1 - left / moved))
  }
  return { ...run, periods, ...parts, strength: { trend: share(trend), seasonal: seasonal.map(share) } }
}

/**
 * Whether most points (or steps) are equal and a few are not, as of a count that changes once a month. Robust weights would then take those for
 * mistakes and leave too little around them to fit.
 */
function isIntermittent(y: Float64Array): boolean {
  const usual = commonest(y)
  return (
    usual !== undefined && y.reduce((others, value) => others + (value === usual ? 0 : 1), 0) >= fewestOthers
  )
}

function seasons(y: Float64Array, periods: number[], rounds: number) {
  const jumps = (period: number) => ({ trend: Math.ceil(period / 7), lowPass: Math.ceil(period / 10) })
  return mstl(y, periods, { robust: rounds > 0, inner: 2, outer: rounds, jumps })
}

function smooth(y: Float64Array, rounds: number) {
  const span = Math.max(7, 2 * Math.floor(y.length / 4) + 1)
  const loess = openLoess(y.length, span, Math.ceil(span / 10))
  const trend = new Float64Array(y.length)
  const weights = new Float64Array(y.length).fill(1)
  const remainder = new Float64Array(y.length)
  for (let round = 0; round <= rounds; round++) {
    loess.smooth(y, weights, trend)
    for (let i = 0; i < y.length; i++) remainder[i] = entry(y, i) - entry(trend, i)
    bisquare(remainder.map(Math.abs), weights)
  }
  return { trend, seasonal: [], remainder }
}
