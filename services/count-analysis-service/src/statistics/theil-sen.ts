import { entry, median, sorted } from './order.ts'

/** Above this every `stride`-th distance between points stands for all: about as many pairs as this length has. */
const mostPoints = 4000
const bins = 4096

export interface TheilSen {
  /** Median of the slopes between all pairs. */
  slope: number
  /** Of the line through the medians of x and y. */
  intercept: number
  /**
   * Sen's confidence intervals of the slope, one for each variance of Mann–Kendall's S.
   *
   * @param z quantile of the normal distribution for the confidence, 1.96 for 95 %
   */
  intervals(variances: number[], z: number): { lower: number; upper: number }[]
}

/**
 * The Theil–Sen slope with Sen's confidence intervals (Sen 1968; ranks rounded as scipy.stats.theilslopes rounds them).
 *
 * Exact up to 4,000 points, and without holding all pairs: one pass over them fills a histogram, which tells the bins that
 * the ranks wanted lie in; another goes by the bins that the first one noted and keeps only what falls there. Both hardly
 * branch, which makes them several times as fast as comparing each slope with bounds.
 *
 * @param x ascending, no two equal; at least two
 */
export function theilSen(x: Float64Array, y: Float64Array): TheilSen {
  const n = x.length
  const stride = n <= mostPoints ? 1 : Math.ceil((n / mostPoints) ** 2)
  const slopes = openSlopes(x, y, stride)
  const all = (n * (n - 1)) / 2
  // Ranks are worked out among all pairs; among a share of them they shrink with it.
  const scaled = (rank: number) => Math.round((rank * (slopes.count - 1)) / Math.max(1, all - 1))
  const [low = 0, high = 0] = slopes.pick([Math.floor((slopes.count - 1) / 2), Math.floor(slopes.count / 2)])
  const slope = low + (high - low) / 2
  return {
    slope,
    intercept: median(y) - slope * median(x),
    intervals(variances, z) {
      const ranks = variances.flatMap((variance) => {
        const reach = z * Math.sqrt(variance)
        return [
          scaled(Math.max(halfEven((all - reach) / 2) - 1, 0)),
          scaled(Math.min(halfEven((all + reach) / 2), all - 1)),
        ]
      })
      const picked = slopes.pick(ranks)
      return variances.map((_, i) => ({ lower: picked[2 * i] as number, upper: picked[2 * i + 1] as number }))
    },
  }
}

/** The slopes between pairs whose positions differ by a multiple of `stride`, to pick from by rank (from 0, ascending). */
function openSlopes(x: Float64Array, y: Float64Array, stride: number) {
  const n = x.length
  const count = countPairs(n, stride)
  const sample = sampleSlopes(x, y, stride, count)
  const low = entry(sample, Math.floor(sample.length * 0.05))
  const width = entry(sample, Math.floor(sample.length * 0.95)) - low
  const scale = width > 0 ? Math.min((bins - 2) / width, 1e290) : 1
  const sizes = new Int32Array(bins)
  const binned = new Uint16Array(count)
  const step = evenStep(x)
  let at = 0
  for (let lag = stride; lag < n; lag += stride)
    at =
      step === undefined
        ? tally(x, y, lag, low, scale, sizes, binned, at)
        : tallyEven(lag * step, y, lag, low, scale, sizes, binned, at)

  /** Where a rank lies: its bin, and its rank within that. */
  function locate(rank: number) {
    let [bin, before] = [0, 0]
    for (; before + (sizes[bin] as number) <= rank; bin++) before += sizes[bin] as number
    return { bin, within: rank - before }
  }

  return {
    count,
    pick(ranks: number[]): number[] {
      const places = ranks.map(locate)
      const starts = new Map<number, number>()
      const next = new Int32Array(bins).fill(-1)
      let wanted = 0
      for (const { bin } of places) {
        if (starts.has(bin)) continue
        starts.set(bin, wanted)
        next[bin] = wanted
        wanted += sizes[bin] as number
      }
      const kept = new Float64Array(wanted)
      let at = 0
      for (let lag = stride; lag < n; lag += stride) at = gather(x, y, lag, binned, at, next, kept)
      return places.map(({ bin, within }) => {
        const start = starts.get(bin) ?? 0
        return select(kept.subarray(start, start + (sizes[bin] as number)), within)
      })
    },
  }
}

/** The distance of neighbours where it is one and the same. */
function evenStep(x: Float64Array): number | undefined {
  const step = (x[1] as number) - (x[0] as number)
  for (let i = 2; i < x.length; i++) if ((x[i] as number) - (x[i - 1] as number) !== step) return undefined
  return step
}

/**
 * Counts the slopes of one distance by bin, and notes the bin of each from `at` on. A bin rises with the slope, but for rounding.
 *
 * These loops stand alone and go one distance at a time: short functions called often are compiled soon.
 *
 * @returns where the next go
 */
function tally(
  x: Float64Array,
  y: Float64Array,
  lag: number,
  low: number,
  scale: number,
  sizes: Int32Array,
  binned: Uint16Array,
  at: number,
): number {
  for (let i = lag, j = 0; i < y.length; i++, j++) {
    const slope = ((y[i] as number) - (y[j] as number)) / ((x[i] as number) - (x[j] as number))
    const bin = Math.min(Math.max((slope - low) * scale + 1, 0), bins - 1) | 0
    sizes[bin] = (sizes[bin] as number) + 1
    binned[at++] = bin
  }
  return at
}

/** The same where all these points are `dx` apart: nothing is divided, which takes half the time. */
function tallyEven(
  dx: number,
  y: Float64Array,
  lag: number,
  low: number,
  scale: number,
  sizes: Int32Array,
  binned: Uint16Array,
  at: number,
): number {
  const factor = scale / dx
  const first = 1 - low * scale
  for (let i = lag, j = 0; i < y.length; i++, j++) {
    const bin = Math.min(Math.max(((y[i] as number) - (y[j] as number)) * factor + first, 0), bins - 1) | 0
    sizes[bin] = (sizes[bin] as number) + 1
    binned[at++] = bin
  }
  return at
}

/** Keeps the slopes of one distance, their bins from `at` on, whose bin has a place in `next`, which moves on. */
function gather(
  x: Float64Array,
  y: Float64Array,
  lag: number,
  binned: Uint16Array,
  at: number,
  next: Int32Array,
  kept: Float64Array,
): number {
  for (let j = 0; j < y.length - lag; j++) {
    const bin = binned[at++] as number
    const place = next[bin] as number
    if (place < 0) continue
    kept[place] = ((y[j + lag] as number) - (y[j] as number)) / ((x[j + lag] as number) - (x[j] as number))
    next[bin] = place + 1
  }
  return at
}

function countPairs(n: number, stride: number): number {
  let pairs = 0
  for (let lag = stride; lag < n; lag += stride) pairs += n - lag
  return pairs
}

/** About 8,000 slopes, spread evenly over distances and places, ascending. */
function sampleSlopes(x: Float64Array, y: Float64Array, stride: number, pairs: number) {
  const n = x.length
  const every = Math.max(1, Math.floor(pairs / 8192))
  const slopes: number[] = []
  let skip = 0
  for (let lag = stride; lag < n; lag += stride) {
    for (; skip < n - lag; skip += every) {
      slopes.push((entry(y, skip + lag) - entry(y, skip)) / (entry(x, skip + lag) - entry(x, skip)))
    }
    skip -= n - lag
  }
  return sorted(slopes)
}

/** The value at `rank` in ascending order; reorders `values` (Hoare's selection). */
function select(values: Float64Array, rank: number): number {
  let left = 0
  let right = values.length - 1
  while (left < right) {
    const pivot = median3(entry(values, left), entry(values, (left + right) >> 1), entry(values, right))
    let [i, j] = [left, right]
    while (i <= j) {
      while (entry(values, i) < pivot) i++
      while (entry(values, j) > pivot) j--
      if (i > j) break
      const swap = entry(values, i)
      values[i++] = entry(values, j)
      values[j--] = swap
    }
    if (rank <= j) right = j
    else if (rank >= i) left = i
    else return entry(values, rank)
  }
  return entry(values, rank)
}

const median3 = (a: number, b: number, c: number) => Math.max(Math.min(a, b), Math.min(Math.max(a, b), c))

/** Rounds half to even. */
function halfEven(value: number): number {
  const floor = Math.floor(value)
  if (value - floor !== 0.5) return Math.round(value)
  return floor % 2 === 0 ? floor : floor + 1
}
