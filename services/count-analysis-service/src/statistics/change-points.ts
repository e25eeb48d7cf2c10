import { kolmogorovTail } from './distributions.ts'
import { entry, mean, median, rank, variance } from './order.ts'

/** A level lasts at least so many points to be one. */
const shortest = 6
const significance = 0.01

export interface Shift {
  /** First position of the new level. */
  position: number
  before: number
  after: number
  p: number
}

interface Split {
  /** First position after the split. */
  position: number
  p: number
}

/**
 * Level shifts, in order: seeded binary segmentation with a rank-based CUSUM.
 *
 * In each of a fixed set of overlapping intervals the split is sought at which the cumulated ranks stray furthest
 * (Pettitt 1979; without outliers' weight, as only ranks count). Its p is that of a Brownian bridge's largest
 * distance, with the variance that ties and first-order autocorrelation leave, times the number of intervals. From the
 * least probable on splits are taken and the intervals that hold them dropped; then each is judged again between its
 * neighbours, and the weakest goes until all stand at 1 %. A drift is no shift: two levels must come closer to the
 * points than a resistant line.
 *
 * Source: Kovács, Li, Bühlmann and Munk, Seeded binary segmentation, Biometrika 110 (2023).
 */
export function levelShifts(y: Float64Array): Shift[] {
  // Ranks of the whole are small numbers: each window then sorts natively, its places packed in (rankWhole).
  const ranks = rank(y).ranks
  const intervals = seededIntervals(y.length)
  const judged = new Map<string, Split>()
  function judge(from: number, to: number): Split {
    const key = `${from} ${to}`
    const split = judged.get(key) ?? strongest(ranks, from, to, intervals.length)
    judged.set(key, split)
    return split
  }

  const candidates = intervals
    .map(([from, to]) => ({ from, to, split: judge(from, to) }))
    .filter(
      ({ from, to, split }) => split.p <= significance && isStep(y.subarray(from, to), split.position - from),
    )
    .sort((a, b) => a.split.p - b.split.p)
  let splits: Split[] = []
  for (const { from, to, split } of candidates) {
    const apart = splits.every(
      ({ position }) =>
        (position <= from || position >= to) && Math.abs(position - split.position) >= shortest,
    )
    if (apart) splits.push(split)
  }
  splits.sort((a, b) => a.position - b.position)

  for (;;) {
    const bounds = [0, ...splits.map(({ position }) => position), y.length]
    splits = splits.map(({ position }, i) => {
      const [from, to] = [bounds[i] as number, bounds[i + 2] as number]
      // A place keeps what it was found at: neighbours that both moved could pass each other.
      return { position, p: isStep(y.subarray(from, to), position - from) ? judge(from, to).p : 1 }
    })
    const weakest = Math.max(...splits.map(({ p }) => p))
    if (splits.length === 0 || weakest <= significance) return describe(y, splits)
    splits.splice(
      splits.findIndex(({ p }) => p === weakest),
      1,
    )
  }
}

function describe(y: Float64Array, splits: Split[]): Shift[] {
  const bounds = [0, ...splits.map(({ position }) => position), y.length]
  const levels = bounds.slice(1).map((to, i) => median(y.subarray(bounds[i], to)))
  return splits.map(({ position, p }, i) => ({
    position,
    p,
    before: levels[i] as number,
    after: levels[i + 1] as number,
  }))
}

/** Overlapping intervals of halving length, each layer covering the whole twice: O(n log n) points in all. */
function seededIntervals(n: number): [number, number][] {
  const intervals: [number, number][] = []
  for (let parts = 1; n / parts >= 2 * shortest; parts *= 2) {
    const length = n / parts
    for (let i = 0; i < 2 * parts - 1; i++) {
      intervals.push([Math.floor((i * length) / 2), Math.min(n, Math.ceil((i * length) / 2 + length))])
    }
  }
  return intervals
}

/** The split of an interval that chance explains least, `tried` intervals being looked at. */
function strongest(wholeRanks: Float64Array, from: number, to: number, tried: number): Split {
  const ranks = rankWhole(wholeRanks.subarray(from, to))
  const n = ranks.length
  const centre = mean(ranks)
  let [sum, furthest, size] = [0, 0, shortest]
  for (let i = 0; i < n; i++) {
    sum += entry(ranks, i) - centre
    if (i + 1 < shortest || i + 1 > n - shortest || Math.abs(sum) <= furthest) continue
    furthest = Math.abs(sum)
    size = i + 1
  }
  const spread = variance(ranks) * inflation(ranks, size)
  const x = spread > 0 ? furthest / Math.sqrt(spread * n) : 0
  return { position: from + size, p: Math.min(1, kolmogorovTail(x) * tried) }
}

/** Ranks within a window from those within the whole: a typed array sorts numbers natively, with the place packed in. */
function rankWhole(window: Float64Array): Float64Array {
  const n = window.length
  // Midranks are halves: doubled they are whole, and 2 × rank × n stays far below 2^53.
  const keys = window.map((value, i) => 2 * value * n + i).sort()
  const ranks = new Float64Array(n)
  const doubled = (key: number) => Math.floor(key / n)
  for (let from = 0; from < n; ) {
    const value = doubled(entry(keys, from))
    let to = from + 1
    while (to < n && doubled(entry(keys, to)) === value) to++
    for (let i = from; i < to; i++) ranks[entry(keys, i) % n] = (from + to + 1) / 2
    from = to
  }
  return ranks
}

/** How much larger first-order autocorrelation within the two levels makes the long-run variance, at least 1. */
function inflation(ranks: Float64Array, size: number): number {
  const n = ranks.length
  const [left, right] = [mean(ranks.subarray(0, size)), mean(ranks.subarray(size))]
  const rest = ranks.map((value, i) => value - (i < size ? left : right))
  let [own, lagged] = [0, 0]
  for (let i = 0; i < n; i++) {
    own += entry(rest, i) ** 2
    if (i > 0) lagged += entry(rest, i) * entry(rest, i - 1)
  }
  if (own === 0) return 1
  const r = lagged / own
  // Estimates fall short in small samples (Kendall 1954), all the more with two means taken out.
  const rho = Math.min(0.98, Math.max(0, r + (2 + 4 * r) / n))
  return (1 + rho) / (1 - rho)
}

/** Whether two levels explain the points better than a straight line: a drift is no step. */
function isStep(y: Float64Array, size: number): boolean {
  const [left, right] = [median(y.subarray(0, size)), median(y.subarray(size))]
  const line = resistantLine(y)
  let [asStep, asLine] = [0, 0]
  for (let i = 0; i < y.length; i++) {
    asStep += Math.abs(entry(y, i) - (i < size ? left : right))
    asLine += Math.abs(entry(y, i) - line(i))
  }
  return left !== right && asStep < asLine
}

/** Tukey's resistant line: through the medians of the outer thirds. */
function resistantLine(y: Float64Array) {
  const third = Math.max(1, Math.floor(y.length / 3))
  const [first, last] = [median(y.subarray(0, third)), median(y.subarray(y.length - third))]
  const slope = (last - first) / (y.length - third)
  const level = median(y.map((value, i) => value - slope * i))
  return (i: number) => level + slope * i
}
