import type { Column } from '../schemas/series.ts'
import type { MannKendall, Slope } from '../schemas/trend.ts'
import { normalQuantile } from './distributions.ts'
import { mannKendall, mannKendallScore, varianceInflation } from './mann-kendall.ts'
import { theilSen } from './theil-sen.ts'

const confidence = 0.95
/** Below so many values Sen's interval cannot reach its confidence. */
const fewestForInterval = 5
const none = { lower: null, upper: null }

/** Theil–Sen slope per bucket with its intervals, and the Mann–Kendall test; gaps are left out, places kept. */
export function slopeOf(values: Column): { slope: Slope; test: MannKendall | null } {
  const x = Float64Array.from(values.flatMap((value, i) => (value === null ? [] : [i])))
  if (x.length < 2) {
    return { slope: { perBucket: null, ...none, confidence, intercept: null, widened: none }, test: null }
  }
  const y = Float64Array.from(values.filter((value) => value !== null))
  const z = normalQuantile((1 - confidence) / 2)
  const score = mannKendallScore(y)
  const { slope, intercept, intervals } = theilSen(x, y)
  const inflation = varianceInflation(x, y, slope)
  const variances = [score.variance, score.variance * inflation]
  const [plain = none, widened = none] = x.length >= fewestForInterval ? intervals(variances, z) : []
  return {
    slope: {
      perBucket: slope,
      ...plain,
      confidence,
      intercept,
      widened,
    },
    test: mannKendall(score, inflation),
  }
}
