/** P(Z > z) of the standard normal distribution, accurate into the far tail (relative error below 1e-12). */
export function normalTail(z: number): number {
  if (z < 0) return 1 - normalTail(-z)
  if (z > 38) return 0
  const density = Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI)
  if (z < 2.5) {
    // The Taylor series around 0 of the probability between 0 and z.
    let term = z
    let sum = z
    for (let k = 3; Math.abs(term) > 1e-17 * Math.abs(sum); k += 2) {
      term *= (z * z) / k
      sum += term
    }
    return 0.5 - density * sum
  }
  // Laplace's continued fraction of Mills' ratio, from its tail.
  let fraction = z
  for (let k = 120; k > 0; k--) fraction = z + k / fraction
  return density / fraction
}

/** Two-sided p of a standard normal statistic. */
export const normalP = (z: number): number => Math.min(1, 2 * normalTail(Math.abs(z)))

/** The z above which a share `tail` (0 < tail < 1) of the standard normal distribution lies. */
export const normalQuantile = (tail: number): number => bisect(normalTail, tail)

/** P(T > t) of Student's distribution with `freedom` degrees; normal when that is Infinity. */
export function studentTail(t: number, freedom: number): number {
  if (freedom === Number.POSITIVE_INFINITY) return normalTail(t)
  if (t < 0) return 1 - studentTail(-t, freedom)
  return incompleteBeta(freedom / (freedom + t * t), freedom / 2, 0.5) / 2
}

/** The t above which a share `tail` of Student's distribution lies. */
export const studentQuantile = (tail: number, freedom: number): number =>
  bisect((t) => studentTail(t, freedom), tail)

/** P(K > x) of Kolmogorov's distribution: the largest distance of a Brownian bridge from 0. */
export function kolmogorovTail(x: number): number {
  if (x < 0.2) return 1
  let sum = 0
  for (let k = 1; k <= 100; k++) {
    const term = Math.exp(-2 * k * k * x * x)
    sum += k % 2 === 1 ? term : -term
    if (term < 1e-18) break
  }
  return Math.min(1, Math.max(0, 2 * sum))
}

function bisect(tail: (x: number) => number, share: number): number {
  let low = -1e3
  let high = 1e3
  for (let i = 0; i < 100 && high - low > 1e-13; i++) {
    const middle = (low + high) / 2
    if (tail(middle) > share) low = middle
    else high = middle
  }
  return (low + high) / 2
}

/** Regularised incomplete beta function: Lentz's continued fraction (Numerical Recipes, 6.4). */
function incompleteBeta(x: number, a: number, b: number): number {
  if (x <= 0) return 0
  if (x >= 1) return 1
  if (x > (a + 1) / (a + b + 2)) return 1 - incompleteBeta(1 - x, b, a)
  const front = Math.exp(logGamma(a + b) - logGamma(a) - logGamma(b) + a * Math.log(x) + b * Math.log1p(-x))
  let c = 1
  let d = 1 / away(1 - ((a + b) * x) / (a + 1))
  let fraction = d
  for (let m = 1; m < 1000; m++) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m))
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1))
    let step = 1
    for (const part of [even, odd]) {
      d = 1 / away(1 + part * d)
      c = away(1 + part / c)
      step = c * d
      fraction *= step
    }
    if (Math.abs(step - 1) < 1e-15) break
  }
  return (front * fraction) / a
}

const away = (x: number): number => (Math.abs(x) < 1e-300 ? 1e-300 : x)

/** log Γ(x) for x > 0: Stirling's series after shifting x up to where it converges. */
export function logGamma(x: number): number {
  let shift = 0
  let up = x
  for (; up < 12; up++) shift += Math.log(up)
  const r = 1 / (up * up)
  const series = (1 / 12 - r * (1 / 360 - r * (1 / 1260 - r * (1 / 1680 - r / 1188)))) / up
  return (up - 0.5) * Math.log(up) - up + 0.5 * Math.log(2 * Math.PI) + series - shift
}
