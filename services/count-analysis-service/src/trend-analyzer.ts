import type { AnalysisSeries, Column, Granularity } from './schemas/series.ts'
import type { Trend, TrendOptions } from './schemas/trend.ts'
import { completeOf } from './statistics/complete.ts'
import { type Decomposition, decompose, runOf } from './statistics/decompose.ts'
import { growthsOf } from './statistics/growth.ts'
import { moving } from './statistics/moving.ts'
import { profileOf } from './statistics/profile.ts'
import { slopeOf } from './statistics/slope.ts'
import { directionOf, strongestSeason } from './statistics/summary.ts'
import { anomaliesOf, changePointsOf } from './statistics/unusual.ts'

/** Fewer values show no trend: the normal approximation of Mann–Kendall's test asks for so many. */
const fewest = 8
const naturalWindow: Record<Granularity, number> = { minute: 60, hour: 24, day: 7, week: 4, month: 3 }

/**
 * What a series does over time: averages, growth, robust slope with its test, seasonal profile and decomposition,
 * anomalies and level shifts (TrendAnalyzer of UC-004).
 *
 * Pure and total: any series of counts' numbers (within ±2^52) has an answer; what is not defined for it is null or empty.
 *
 * @param given its partial last bucket is left out
 * @returns columns are as long as the complete buckets; all numbers are finite
 */
export function analyseTrend(given: AnalysisSeries, options: TrendOptions = {}): Trend {
  const series = { ...given, ...completeOf(given) }
  const { id, name, unit, granularity, zone, measure, values } = series
  const window = options.window ?? naturalWindow[granularity]
  const instants = Float64Array.from(series.at, (start) => Date.parse(start))
  const known = values.filter((value) => value !== null).length
  const enough = known >= fewest

  const run = runOf(values)
  const parts = decompose(run, granularity)
  const columns = columnsOf(values, parts)
  const unexplained = values.map((value, i) => less(value, columns.trend[i] ?? null))
  const nothing = values.map(() => null)
  const { lower, upper, anomalies } = parts
    ? anomaliesOf(series, parts)
    : { lower: nothing, upper: nothing, anomalies: [] }
  const changePoints = parts ? changePointsOf(series, parts) : []
  const { slope, test } = slopeOf(values)
  const growth = growthsOf(series, instants, window)

  return {
    id,
    name,
    unit,
    granularity,
    zone,
    measure,
    enough,
    missing: enough ? null : { buckets: fewest - known },
    window,
    buckets: {
      complete: values.length,
      gaps: values.length - known,
      filled: run.filled.size,
      partial: values.length < given.values.length,
    },
    series: { at: series.at, values, ...moving(values, window), ...columns, lower, upper },
    growth,
    slope,
    mannKendall: test,
    profile: profileOf(granularity, zone, instants, values, unexplained),
    decomposition: parts && {
      method: parts.periods.length > 0 ? 'mstl' : 'loess',
      trend: { strength: parts.strength.trend },
      seasons: parts.periods.map((period, i) => ({
        period,
        strength: parts.strength.seasonal[i] ?? null,
        amplitude: swing(parts.seasonal[i] ?? []),
      })),
    },
    anomalies,
    changePoints,
    summary: {
      ...directionOf(enough, values, slope, test),
      latest: growth.find(({ span, against }) => span === 'window' && against === 'previous') ?? null,
      season: strongestSeason(parts),
      anomalies: anomalies.length,
      changePoints: changePoints.length,
      lastChange: changePoints.at(-1)?.at ?? null,
    },
  }
}

/** The decomposition's parts as columns, null where it does not reach. */
function columnsOf(values: Column, parts: Decomposition | null) {
  const spread = (part: Float64Array | undefined, skip?: Set<number>): Column =>
    values.map((_, i) => {
      const position = i - (parts?.from ?? 0)
      return skip?.has(position) ? null : (part?.[position] ?? null)
    })
  return {
    trend: spread(parts?.trend),
    seasonal: (parts?.seasonal ?? []).map((part) => spread(part)),
    remainder: spread(parts?.remainder, parts?.filled),
  }
}

const less = (value: number | null, other: number | null) =>
  value === null || other === null ? null : value - other

/** From the lowest to the highest point. */
function swing(part: ArrayLike<number>): number {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
  for (let i = 0; i < part.length; i++) {
    low = Math.min(low, part[i] as number)
    high = Math.max(high, part[i] as number)
  }
  return high < low ? 0 : high - low
}
