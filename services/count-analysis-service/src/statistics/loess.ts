/** Smooths `y` into `out`; `weights` (robustness, one per point) multiply those of distance. */
export interface Loess {
  smooth(y: Float64Array, weights: Float64Array | null, out: Float64Array): void
  /**
   * The local line at one place.
   *
   * @param x place from 1, may lie beyond either end
   * @param left first point used, from 1
   * @param right last point used
   * @returns NaN when no point there has weight
   */
  fit(x: number, left: number, right: number, y: Float64Array, weights: Float64Array | null): number
}

/**
 * Local linear regression with tricube weights, as STL uses it.
 *
 * @param n number of points
 * @param span points that a line is fitted to, odd; more than n widen the kernel instead
 * @param jump fits each so many points and draws lines between
 *
 * Source: Cleveland, Cleveland, McRae and Terpenning, STL, Journal of Official Statistics 6 (1990), and its
 * Fortran (netlib.org/a/stl), whose handling of the ends statsmodels keeps too.
 */
export function openLoess(n: number, span: number, jump = 1): Loess {
  const widened = span > n ? Math.floor((span - n) / 2) : 0
  // Most points share one bandwidth: each kernel is computed once.
  const kernels = new Map<number, Float64Array>()

  function kernelOf(bandwidth: number) {
    let kernel = kernels.get(bandwidth)
    if (!kernel) {
      kernel = Float64Array.from({ length: Math.floor(bandwidth) + 1 }, (_, r) => tricube(r, bandwidth))
      kernels.set(bandwidth, kernel)
    }
    return kernel
  }

  function fit(x: number, left: number, right: number, y: Float64Array, weights: Float64Array | null) {
    const bandwidth = Math.max(x - left, right - x) + widened
    const kernel = kernelOf(bandwidth)
    let w0 = 0
    let w1 = 0
    let w2 = 0
    let y0 = 0
    let y1 = 0
    for (let j = left; j <= right; j++) {
      const d = j - x
      let w = kernel[d < 0 ? -d : d] as number
      if (weights) w *= weights[j - 1] as number
      const wd = w * d
      const wy = w * (y[j - 1] as number)
      w0 += w
      w1 += wd
      w2 += wd * d
      y0 += wy
      y1 += wy * d
    }
    if (w0 <= 0) return Number.NaN
    const level = y0 / w0
    const centre = w1 / w0
    const spread = w2 / w0 - centre * centre
    if (bandwidth <= 0 || Math.sqrt(Math.max(0, spread)) <= 0.001 * (n - 1)) return level
    return level - (centre / spread) * (y1 / w0 - centre * level)
  }

  return {
    fit,
    smooth(y, weights, out) {
      if (n < 2) {
        out[0] = y[0] as number
        return
      }
      const step = Math.min(jump, n - 1)
      const half = (span + 1) >> 1
      let left = 1
      let right = Math.min(n, span)
      const put = (x: number) => {
        const fitted = fit(x, left, right, y, weights)
        out[x - 1] = Number.isNaN(fitted) ? (y[x - 1] as number) : fitted
      }
      for (let x = 1; x <= n; x += step) {
        if (span < n) {
          left = Math.min(Math.max(1, x - half + 1), n - span + 1)
          right = left + span - 1
        }
        put(x)
      }
      if (step === 1) return
      const last = Math.floor((n - 1) / step) * step + 1
      if (last !== n) put(n)
      for (let x = 1; x < n; x += step) draw(out, x, Math.min(x + step, n))
    },
  }
}

function tricube(r: number, bandwidth: number): number {
  if (r > 0.999 * bandwidth) return 0
  if (r <= 0.001 * bandwidth) return 1
  const q = r / bandwidth
  const rest = 1 - q * q * q
  return rest * rest * rest
}

/** A straight line between two places that are known. */
function draw(out: Float64Array, from: number, to: number) {
  const start = out[from - 1] as number
  const slope = ((out[to - 1] as number) - start) / (to - from)
  for (let x = from + 1; x < to; x++) out[x - 1] = start + slope * (x - from)
}
