import { logGamma, studentQuantile, studentTail } from './distributions.ts'
import { entry, median } from './order.ts'

/** Fewer remainders say nothing about what is usual. */
const fewest = 12
/** Expected share of false alarms among what is reported. */
const falseDiscoveries = 0.05
const freedoms = [2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 60, Number.POSITIVE_INFINITY]

/** How remainders spread. */
export interface Spread {
  centre: number
  /** Robust standard deviation: 1.4826 × the median absolute deviation; 0 when more than half are equal. */
  scale: number
  /** Probability of one at least this far from 0. */
  p(remainder: number): number
  /** Half of the width that 99 % lie within. */
  reach: number
}

export interface Outlier {
  position: number
  score: number
  p: number
}

/**
 * Fits Student's distribution to remainders: median and median absolute deviation give place and width, the degrees of
 * freedom are the likeliest of a few, so that heavy tails are seen as such and "one in so many" is not exaggerated.
 * Where more than half of the remainders are equal, what was seen is all that is known: p is the share at least as far.
 *
 * @param floor differences below it are rounding
 * @returns null below 12 remainders
 */
export function spreadOf(remainders: Float64Array, floor: number): Spread | null {
  if (remainders.length < fewest) return null
  const centre = median(remainders)
  const deviations = remainders.map((r) => Math.abs(r - centre)).sort()
  const mad = median(deviations)
  if (mad <= floor) {
    const p = (r: number) => {
      const d = Math.abs(r - centre)
      if (d <= floor) return 1
      return deviations.reduce((count, other) => count + (other >= d ? 1 : 0), 0) / deviations.length
    }
    return { centre, scale: 0, p, reach: floor }
  }
  const { freedom, width } = likeliest(deviations, mad)
  return {
    centre,
    scale: 1.4826022185056018 * mad,
    p: (r) => 2 * studentTail(Math.abs(r - centre) / width, freedom),
    reach: width * studentQuantile(0.005, freedom),
  }
}

function likeliest(deviations: Float64Array, mad: number) {
  const fits = freedoms.map((freedom) => {
    const width = mad / studentQuantile(0.25, freedom)
    return { freedom, width, likelihood: likelihood(deviations, freedom, width) }
  })
  return fits.reduce((best, fit) => (fit.likelihood > best.likelihood ? fit : best))
}

function likelihood(deviations: Float64Array, freedom: number, width: number): number {
  let sum = 0
  if (freedom === Number.POSITIVE_INFINITY) {
    for (const d of deviations) sum -= (d / width) ** 2 / 2
    return sum - deviations.length * (0.5 * Math.log(2 * Math.PI) + Math.log(width))
  }
  for (const d of deviations) sum -= ((freedom + 1) / 2) * Math.log1p((d / width) ** 2 / freedom)
  const scaled = logGamma((freedom + 1) / 2) - logGamma(freedom / 2) - 0.5 * Math.log(freedom * Math.PI)
  return sum + deviations.length * (scaled - Math.log(width))
}

/**
 * Remainders too far out to be chance, by Benjamini and Hochberg's step-up rule at 5 % false discoveries; where most are
 * equal, those that are alone or rarer than one in a hundred.
 *
 * @returns at most `most`, the least probable, in order of position
 */
export function outliers(remainders: Float64Array, spread: Spread, most: number): Outlier[] {
  const { centre, scale } = spread
  const rare = Array.from(remainders, (r, position) => ({ position, r, p: spread.p(r) }))
    .filter(({ p }) => p <= falseDiscoveries)
    .sort((a, b) => a.p - b.p)
  const n = remainders.length
  const rejected =
    scale > 0
      ? rare.findLastIndex(({ p }, i) => p <= (falseDiscoveries * (i + 1)) / n) + 1
      : rare.filter(({ p }) => p <= Math.max(0.01, 1 / n)).length
  // Without a robust deviation the plain one stands in.
  const unit = scale || Math.sqrt(remainders.reduce((sum, r) => sum + (r - centre) ** 2 / n, 0))
  return rare
    .slice(0, Math.min(most, rejected))
    .sort((a, b) => a.position - b.position)
    .map(({ position, r, p }) => ({ position, p, score: (r - centre) / unit }))
}

/** The largest remainder that rounding alone explains. */
export function roundingOf(y: Float64Array): number {
  let largest = 0
  for (let i = 0; i < y.length; i++) largest = Math.max(largest, Math.abs(entry(y, i)))
  return largest * 1e-9
}
