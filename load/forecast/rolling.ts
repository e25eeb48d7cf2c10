import { naiveError } from 'count-analysis-service/forecast/errors'
import { knownOf } from 'count-analysis-service/forecast/history'
import { shortestSeason } from 'count-analysis-service/forecast/seasons'
import { predict } from 'count-analysis-service/prediction-analyzer'
import type { AnalysisSeries } from 'count-analysis-service/schemas/series'

/** What forecasts of one series were worth, means over its origins. */
export interface Judged {
  origins: number
  mase: number
  /** Of the seasonal naive method, from the same origins. */
  naiveMase: number
  smape: number
  covered80: number
  covered95: number
  /** Methods by how often each was chosen. */
  methods: Map<string, number>
  slowestMs: number
}

/**
 * Forecasts a series from every `every`th origin after the share `first` of it, with nothing but what lies before, and
 * compares with what came. No forecast looks further than a quarter of what lies before.
 */
export function judge(
  series: AnalysisSeries,
  { first, every, horizon: longest }: { first: number; every: number; horizon: number },
): Judged {
  const actual = knownOf({ ...series, partial: false }, Number.POSITIVE_INFINITY).values
  const season = shortestSeason(series.granularity)
  const sums = { mase: 0, naiveMase: 0, smape: 0, covered80: 0, covered95: 0 }
  const methods = new Map<string, number>()
  let origins = 0
  let slowestMs = 0
  const begin = Math.max(season + 1, 20, Math.floor(first * actual.length))
  for (let origin = begin; origin + longest <= actual.length; origin += every) {
    const horizon = Math.min(longest, Math.floor(origin / 4))
    const before = { ...series, at: series.at.slice(0, origin), values: series.values.slice(0, origin) }
    const started = process.cpuUsage()
    const { points, method } = predict(before, { horizon })
    const { user, system } = process.cpuUsage(started)
    slowestMs = Math.max(slowestMs, (user + system) / 1000)
    const unit = naiveError(actual.subarray(0, origin), season) ?? Number.NaN
    for (const [i, { mean, intervals }] of points.entries()) {
      const came = actual[origin + i] ?? Number.NaN
      const naive = actual[origin - season + (i % season)] ?? Number.NaN
      const size = Math.abs(came) + Math.abs(mean)
      const inside = ({ lower, upper }: { lower: number | null; upper: number | null }) =>
        lower !== null && upper !== null && lower <= came && came <= upper ? 1 : 0
      sums.mase += Math.abs(came - mean) / unit / horizon
      sums.naiveMase += Math.abs(came - naive) / unit / horizon
      sums.smape += size > 0 ? (200 * Math.abs(came - mean)) / size / horizon : 0
      sums.covered80 += inside(intervals['80']) / horizon
      sums.covered95 += inside(intervals['95']) / horizon
    }
    methods.set(method, (methods.get(method) ?? 0) + 1)
    origins++
  }
  const mean = (sum: number) => sum / origins
  return {
    origins,
    mase: mean(sums.mase),
    naiveMase: mean(sums.naiveMase),
    smape: mean(sums.smape),
    covered80: mean(sums.covered80),
    covered95: mean(sums.covered95),
    methods,
    slowestMs,
  }
}
