import { type Loess, openLoess } from './loess.ts'
import { entry, median } from './order.ts'

export interface StlOptions {
  /** Length of the season in points, 2 and more; the series must hold two. */
  period: number
  /** Span of the seasonal smoother, odd, 3 and more: default 7. */
  seasonal?: number
  /** Bisquare weights against outliers. */
  robust?: boolean
  /** Passes within and robustness iterations around: default 2 and 15 when robust, else 5 and 0. */
  inner?: number
  outer?: number
  /** Fit each so many points of trend and low-pass filter, lines between: default 1. */
  jumps?: { trend: number; lowPass: number }
}

export interface Stl {
  trend: Float64Array
  seasonal: Float64Array
  /** Robustness weights, 0 to 1. */
  weights: Float64Array
}

/**
 * Seasonal-trend decomposition by loess (Cleveland et al. 1990), degree 1 throughout, with the defaults of statsmodels' STL
 * and its correction of the median in the robustness weights. The remainder is y − trend − seasonal.
 */
export function stl(y: Float64Array, options: StlOptions): Stl {
  const { period, seasonal: seasonalSpan = 7, robust = false, jumps } = options
  const { inner = robust ? 2 : 5, outer = robust ? 15 : 0 } = options
  const n = y.length
  const trendSpan = odd(Math.ceil((1.5 * period) / (1 - 1.5 / seasonalSpan)))
  const trendLoess = openLoess(n, trendSpan, jumps?.trend)
  const lowPassLoess = openLoess(n, odd(period + 1), jumps?.lowPass)
  const cycles = openCycles(n, period, seasonalSpan)

  const trend = new Float64Array(n)
  const seasonal = new Float64Array(n)
  const weights = new Float64Array(n).fill(1)
  const work = new Float64Array(n)
  const lowPass = new Float64Array(n)

  for (let round = 0; ; round++) {
    const used = round === 0 ? null : weights
    for (let pass = 0; pass < inner; pass++) {
      for (let i = 0; i < n; i++) work[i] = entry(y, i) - entry(trend, i)
      const smooth = cycles(work, used)
      const filtered = movingMean(movingMean(movingMean(smooth, period), period), 3)
      lowPassLoess.smooth(filtered, null, lowPass)
      for (let i = 0; i < n; i++) {
        seasonal[i] = entry(smooth, period + i) - entry(lowPass, i)
        work[i] = entry(y, i) - entry(seasonal, i)
      }
      trendLoess.smooth(work, used, trend)
    }
    if (round >= outer) return { trend, seasonal, weights }
    for (let i = 0; i < n; i++) work[i] = Math.abs(entry(y, i) - entry(trend, i) - entry(seasonal, i))
    bisquare(work, weights)
  }
}

/** Smooths each cycle-subseries and extends it by one place at either end: n + 2 × period values. */
function openCycles(n: number, period: number, span: number) {
  const out = new Float64Array(n + 2 * period)
  const smoothers = new Map<number, { loess: Loess; y: Float64Array; w: Float64Array; s: Float64Array }>()
  const sized = (length: number) => {
    const known = smoothers.get(length)
    if (known) return known
    const [y, w, s] = [new Float64Array(length), new Float64Array(length), new Float64Array(length)]
    const made = { loess: openLoess(length, span), y, w, s }
    smoothers.set(length, made)
    return made
  }

  return (values: Float64Array, weights: Float64Array | null): Float64Array => {
    for (let phase = 0; phase < period; phase++) {
      const length = Math.floor((n - 1 - phase) / period) + 1
      const { loess, y, w, s } = sized(length)
      for (let i = 0; i < length; i++) {
        y[i] = entry(values, i * period + phase)
        if (weights) w[i] = entry(weights, i * period + phase)
      }
      const used = weights && w
      loess.smooth(y, used, s)
      const before = loess.fit(0, 1, Math.min(span, length), y, used)
      const after = loess.fit(length + 1, Math.max(1, length - span + 1), length, y, used)
      out[phase] = Number.isNaN(before) ? entry(s, 0) : before
      for (let i = 0; i < length; i++) out[(i + 1) * period + phase] = entry(s, i)
      out[(length + 1) * period + phase] = Number.isNaN(after) ? entry(s, length - 1) : after
    }
    return out
  }
}

function movingMean(values: Float64Array, length: number): Float64Array {
  const out = new Float64Array(values.length - length + 1)
  let sum = 0
  for (let i = 0; i < values.length; i++) {
    sum += entry(values, i)
    if (i >= length) sum -= entry(values, i - length)
    if (i >= length - 1) out[i - length + 1] = sum / length
  }
  return out
}

/** Weights from absolute remainders: 1 near 0, 0 beyond six times their median. */
export function bisquare(absolute: Float64Array, weights: Float64Array) {
  const limit = 6 * median(absolute)
  for (let i = 0; i < absolute.length; i++) {
    const r = entry(absolute, i)
    if (r <= 0.001 * limit) weights[i] = 1
    else if (r <= 0.999 * limit) weights[i] = (1 - (r / limit) ** 2) ** 2
    else weights[i] = 0
  }
}

const odd = (n: number) => n + 1 - (n % 2)
