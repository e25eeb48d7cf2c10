import { normalP } from './distributions.ts'
import { entry, mean, medianOfSorted, rank, sorted } from './order.ts'

/** The normal approximation is not used for fewer differences. */
const fewest = 6

export interface SignedRank {
  /** Median of all differences. */
  median: number | null
  /** Differences other than 0. */
  n: number
  /** The smaller of the two rank sums. */
  w: number | null
  z: number | null
  p: number | null
  /** p with the first-order autocorrelation of the signed ranks accounted for. */
  cautious: number | null
  /** Matched-pairs rank-biserial correlation (Kerby 2014). */
  effect: number | null
}

/**
 * Wilcoxon's signed-rank test of paired differences around 0: zeros left out, ties with midranks, normal approximation
 * without continuity correction (as scipy.stats.wilcoxon, method 'approx').
 *
 * @param differences in time order
 */
export function signedRank(differences: Float64Array): SignedRank {
  const ascending = sorted(differences)
  const median = ascending.length > 0 ? medianOfSorted(ascending) : null
  const moved = differences.includes(0) ? differences.filter((d) => d !== 0) : differences
  const n = moved.length
  if (n === 0) return { median, n, w: null, z: null, p: null, cautious: null, effect: null }
  const { ranks, ties } = rank(moved.map(Math.abs), fold(ascending, n))
  const signed = ranks.map((value, i) => (entry(moved, i) > 0 ? value : -value))
  let above = 0
  for (let i = 0; i < n; i++) if (entry(signed, i) > 0) above += entry(signed, i)
  const all = (n * (n + 1)) / 2
  const w = Math.min(above, all - above)
  const effect = (2 * above - all) / all
  if (n < fewest) return { median, n, w, z: null, p: null, cautious: null, effect }
  const tied = ties.reduce((sum, t) => sum + t * (t * t - 1), 0)
  const deviation = Math.sqrt((n * (n + 1) * (2 * n + 1) - tied / 2) / 24)
  const z = (above - all / 2) / deviation
  return { median, n, w, z, p: normalP(z), cautious: normalP(z / Math.sqrt(inflation(signed))), effect }
}

/** The sizes of the `n` numbers other than 0 in order, from all in order with their signs: one sort serves both. */
function fold(ascending: Float64Array, n: number): Float64Array {
  const sizes = new Float64Array(n)
  let left = 0
  while (left < ascending.length && entry(ascending, left) < 0) left++
  let right = left
  while (right < ascending.length && entry(ascending, right) === 0) right++
  for (let i = 0; i < n; i++) {
    const below = left > 0 ? -entry(ascending, left - 1) : Number.POSITIVE_INFINITY
    const above = right < ascending.length ? entry(ascending, right) : Number.POSITIVE_INFINITY
    if (below < above) left--
    else right++
    sizes[i] = Math.min(below, above)
  }
  return sizes
}

/** How much larger first-order autocorrelation makes the variance of a sum, at least 1. */
function inflation(values: Float64Array): number {
  const centre = mean(values)
  let [own, lagged, last] = [0, 0, 0]
  for (const value of values) {
    const d = value - centre
    own += d * d
    lagged += d * last
    last = d
  }
  const rho = own > 0 ? Math.min(0.98, Math.max(0, lagged / own)) : 0
  return (1 + rho) / (1 - rho)
}

/** p values corrected for their number by Holm's step-down rule (1979); nulls stay and do not count. */
export function holm(ps: (number | null)[]): (number | null)[] {
  const tested = ps.flatMap((p, i) => (p === null ? [] : [{ p, i }])).sort((a, b) => a.p - b.p)
  const corrected: (number | null)[] = ps.map(() => null)
  let least = 0
  for (const [k, { p, i }] of tested.entries()) {
    least = Math.max(least, Math.min(1, p * (tested.length - k)))
    corrected[i] = least
  }
  return corrected
}
