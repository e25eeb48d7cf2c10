import type { Correlation } from '../schemas/comparison.ts'
import type { Column } from '../schemas/series.ts'
import { entry, mean, rank } from './order.ts'

/** Fewer pairs of values are no ground for a correlation. */
const fewest = 4

/** A column from some place on, without gaps, with what every lag asks for again. */
interface Line {
  values: Float64Array
  ranks: Float64Array
  /** Distances from the mean, and the sums of them and of their squares before each place. */
  centred: Float64Array
  sums: Float64Array
  squares: Float64Array
}

/**
 * Pearson's and Spearman's correlation of each pair of columns over the places where both are known, and the lag up to
 * `maxLag` at which Pearson's is strongest (a quarter of the length at most; the nearest lag among equals).
 *
 * @returns matrices by column; null where one of the two does not vary or fewer than four places are shared
 */
export function correlationOf(columns: Column[], maxLag: number): Correlation {
  const all = columns.map((column) => Float64Array.from(column, (value) => value ?? Number.NaN))
  // Most series begin somewhere and have no gap from there on.
  const begins = all.map((values) => {
    const first = values.findIndex((value) => !Number.isNaN(value))
    return first >= 0 && !values.includes(Number.NaN, first) ? first : null
  })
  const lines = all.map(() => new Map<number, Line>())
  const lineFrom = (i: number, from: number): Line => {
    const known = lines[i]?.get(from)
    if (known) return known
    const line = lineOf((all[i] as Float64Array).subarray(from))
    lines[i]?.set(from, line)
    return line
  }
  const matrix = () => columns.map(() => new Array<number | null>(columns.length).fill(null))
  const [pearson, spearman, lag, lagged] = [matrix(), matrix(), matrix(), matrix()]

  for (const [i, a] of all.entries()) {
    for (let j = i; j < all.length; j++) {
      const b = all[j] as Float64Array
      const [begin, other] = [begins[i] ?? null, begins[j] ?? null]
      const from = begin === null || other === null ? null : Math.max(begin, other)
      const [x, y] = from === null ? shared(a, b).map(lineOf) : [lineFrom(i, from), lineFrom(j, from)]
      if (!x || !y) continue
      const r = pearsonOf(x.values, y.values)
      set(pearson, i, j, r)
      set(spearman, i, j, pearsonOf(x.ranks, y.ranks))
      if (r === null) continue
      const correlate = (distance: number, first: boolean) => {
        if (from !== null) return first ? laggedOf(x, y, distance) : laggedOf(y, x, distance)
        const [early, late] = first ? [a, b] : [b, a]
        return pearsonOf(...shared(early.subarray(0, early.length - distance), late.subarray(distance)))
      }
      const most = i === j ? 0 : Math.min(maxLag, Math.floor(x.values.length / 4))
      const best = bestLag(r, most, correlate)
      set(lagged, i, j, best.r)
      set(lag, i, j, best.lag)
      // Seen from the other side the lead is a delay; adding 0 keeps −0 out.
      ;(lag[j] as (number | null)[])[i] = 0 - best.lag + 0
    }
  }
  return { pearson, spearman, lag, lagged }
}

function set(matrix: (number | null)[][], i: number, j: number, value: number | null) {
  ;(matrix[i] as (number | null)[])[j] = value
  ;(matrix[j] as (number | null)[])[i] = value
}

function lineOf(values: Float64Array): Line {
  const centre = mean(values)
  const centred = values.map((value) => value - centre)
  const [sums, squares] = [new Float64Array(values.length + 1), new Float64Array(values.length + 1)]
  for (let i = 0; i < values.length; i++) {
    sums[i + 1] = entry(sums, i) + entry(centred, i)
    squares[i + 1] = entry(squares, i) + entry(centred, i) ** 2
  }
  return { values, ranks: rank(values).ranks, centred, sums, squares }
}

/** The places at which both are known. */
function shared(a: Float64Array, b: Float64Array): [Float64Array, Float64Array] {
  const known = (_: number, i: number) => !Number.isNaN(entry(a, i)) && !Number.isNaN(entry(b, i))
  return [a.filter(known), b.filter(known)]
}

/** Pearson's correlation of two arrays of one length without gaps. */
function pearsonOf(x: Float64Array, y: Float64Array): number | null {
  const n = x.length
  if (n < fewest) return null
  let [sumX, sumY] = [0, 0]
  for (let i = 0; i < n; i++) {
    sumX += x[i] as number
    sumY += y[i] as number
  }
  const [meanX, meanY] = [sumX / n, sumY / n]
  let [xx, yy, xy] = [0, 0, 0]
  for (let i = 0; i < n; i++) {
    const dx = (x[i] as number) - meanX
    const dy = (y[i] as number) - meanY
    xx += dx * dx
    yy += dy * dy
    xy += dx * dy
  }
  // What rounding leaves of a constant does not vary.
  if (xx <= n * (meanX * 1e-12) ** 2 || yy <= n * (meanY * 1e-12) ** 2) return null
  const r = xy / Math.sqrt(xx) / Math.sqrt(yy)
  return Math.min(1, Math.max(-1, r))
}

/** Pearson's correlation of `early` with what `late` is `distance` places on. */
function laggedOf(early: Line, late: Line, distance: number): number | null {
  const n = early.values.length - distance
  const [a, b] = [early.centred, late.centred]
  let product = 0
  for (let i = 0, j = distance; i < n; i++, j++) product += (a[i] as number) * (b[j] as number)
  const sumA = entry(early.sums, n)
  const sumB = entry(late.sums, n + distance) - entry(late.sums, distance)
  const varA = entry(early.squares, n) - (sumA * sumA) / n
  const varB = entry(late.squares, n + distance) - entry(late.squares, distance) - (sumB * sumB) / n
  // Where a part varies far less than the whole, its share is lost in the sums.
  const lost = (part: number, { squares }: Line) => part <= 1e-6 * entry(squares, squares.length - 1)
  if (n < fewest || lost(varA, early) || lost(varB, late)) {
    return pearsonOf(early.values.subarray(0, n), late.values.subarray(distance))
  }
  const r = (product - (sumA * sumB) / n) / Math.sqrt(varA) / Math.sqrt(varB)
  return Math.min(1, Math.max(-1, r))
}

/**
 * The strongest correlation at up to `most` places apart.
 *
 * @param correlate by distance, and whether the first column is the earlier one
 * @returns `lag` above 0 when the first leads
 */
function bestLag(r: number, most: number, correlate: (distance: number, first: boolean) => number | null) {
  let best = { lag: 0, r }
  for (let distance = 1; distance <= most; distance++) {
    for (const first of [true, false]) {
      const found = correlate(distance, first)
      // A clear gain only: rounding must not choose a lag.
      if (found === null || Math.abs(found) <= Math.abs(best.r) + 1e-9) continue
      best = { lag: first ? distance : -distance, r: found }
    }
  }
  return best
}
