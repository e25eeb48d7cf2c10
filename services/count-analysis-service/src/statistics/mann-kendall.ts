import type { MannKendall } from '../schemas/trend.ts'
import { normalP, normalQuantile } from './distributions.ts'
import { entry, mean, rank } from './order.ts'

/** Rising minus falling pairs, in O(n log n): equal pairs count neither way. */
function score(ranks: Float64Array): { s: number; ties: number } {
  // Falling pairs are the inversions that a merge sort undoes; equal ones are counted from the ties.
  const values = new Float64Array(ranks)
  const buffer = new Float64Array(values.length)
  let falling = 0
  for (let width = 1; width < values.length; width *= 2) {
    for (let from = 0; from < values.length; from += 2 * width) {
      falling += merge(
        values,
        buffer,
        from,
        Math.min(from + width, values.length),
        Math.min(from + 2 * width, values.length),
      )
    }
    values.set(buffer)
  }
  let ties = 0
  for (let i = 0, run = 1; i < values.length; i++, run++) {
    if (i + 1 < values.length && entry(values, i + 1) === entry(values, i)) continue
    ties += (run * (run - 1)) / 2
    run = 0
  }
  const pairs = (values.length * (values.length - 1)) / 2
  return { s: pairs - ties - 2 * falling, ties }
}

function merge(values: Float64Array, into: Float64Array, from: number, middle: number, to: number): number {
  let [left, right, inversions] = [from, middle, 0]
  for (let i = from; i < to; i++) {
    if (left < middle && (right >= to || entry(values, left) <= entry(values, right)))
      into[i] = entry(values, left++)
    else {
      inversions += middle - left
      into[i] = entry(values, right++)
    }
  }
  return inversions
}

/** Variance of S without a trend, and S itself: what Sen's interval is made of. */
export interface Score {
  n: number
  s: number
  ties: number
  variance: number
}

/** Mann–Kendall's S with its variance under ties (Mann 1945, Kendall 1975). */
export function mannKendallScore(y: Float64Array): Score {
  const n = y.length
  const { ranks, ties: groups } = rank(y)
  const { s, ties } = score(ranks)
  const spread = (k: number) => k * (k - 1) * (2 * k + 5)
  const variance = (spread(n) - groups.reduce((sum, group) => sum + spread(group), 0)) / 18
  return { n, s, ties, variance }
}

/**
 * How many times larger autocorrelation makes the variance of S (Hamed and Rao 1998), at least 1: from the significant
 * autocorrelations of the ranks of what the slope leaves, up to a quarter of the length.
 */
export function varianceInflation(x: Float64Array, y: Float64Array, slope: number): number {
  const n = y.length
  if (n < 4) return 1
  const rest = Float64Array.from({ length: n }, (_, i) => entry(y, i) - slope * entry(x, i))
  const { ranks } = rank(rest.map(withoutNoise(y)))
  const centre = mean(ranks)
  for (let i = 0; i < n; i++) ranks[i] = entry(ranks, i) - centre
  const correlationAt = (lag: number) => {
    let sum = 0
    for (let i = lag; i < n; i++) sum += entry(ranks, i) * entry(ranks, i - lag)
    return sum
  }
  const whole = correlationAt(0)
  if (whole === 0) return 1
  const significant = normalQuantile(0.025) / Math.sqrt(n)
  let sum = 0
  for (let lag = 1; lag <= Math.floor(n / 4); lag++) {
    const r = correlationAt(lag) / whole
    if (Math.abs(r) > significant) sum += (n - lag) * (n - lag - 1) * (n - lag - 2) * r
  }
  return Math.max(1, 1 + (2 * sum) / (n * (n - 1) * (n - 2)))
}

/** Rounds away what floating point leaves of an exact line, which ranks would take for a pattern. */
function withoutNoise(y: Float64Array) {
  let largest = 0
  for (let i = 0; i < y.length; i++) largest = Math.max(largest, Math.abs(entry(y, i)))
  const grain = largest * 1e-11 || 1
  return (value: number) => Math.round(value / grain)
}

/** The test's figures as the answer carries them: z and p are null where nothing varies. */
export function mannKendall({ n, s, ties, variance }: Score, inflation: number): MannKendall {
  const pairs = (n * (n - 1)) / 2
  const tau = pairs > ties ? s / Math.sqrt(pairs * (pairs - ties)) : null
  const corrected = variance * inflation
  return {
    n,
    s,
    variance,
    tau,
    ...judge(s, variance),
    corrected: { variance: corrected, ...judge(s, corrected) },
  }
}

function judge(s: number, variance: number) {
  if (variance <= 0) return { z: null, p: null }
  const z = (s - Math.sign(s)) / Math.sqrt(variance)
  return { z, p: normalP(z) }
}
