import { backtest, leastBuckets } from './forecast/backtest.ts'
import { knownOf } from './forecast/history.ts'
import { forecasters, historyOf } from './forecast/methods.ts'
import { pointsOf, widthOf, widthOfChanges } from './forecast/points.ts'
import { reachOf } from './forecast/reach.ts'
import { seasonsIn } from './forecast/seasons.ts'
import { summaryOf } from './forecast/summary.ts'
import { longestHorizon, type Prediction, type PredictionOptions } from './schemas/prediction.ts'
import type { AnalysisSeries, Granularity } from './schemas/series.ts'

const usualHorizon: Record<Granularity, number> = { minute: 60, hour: 24, day: 28, week: 12, month: 12 }

/**
 * The longest horizon that a series allows, in buckets: a quarter of its complete ones, at least one when there is any.
 * A route refuses a longer one; `predict` would cut it.
 */
export const horizonLimit = (series: AnalysisSeries): number => limitOf(knownOf(series).buckets)

const limitOf = (buckets: number) =>
  buckets === 0 ? 0 : Math.min(longestHorizon, Math.max(1, Math.floor(buckets / 4)))

/**
 * Forecasts a count with its uncertainty: by the method that did best from points in the past, with intervals from its
 * errors there. The time it takes is bounded: methods see the latest 2880 buckets, a backtest has at most 48 origins.
 *
 * @param series any finite values; gaps are filled between their neighbours
 * @param options `horizon` in buckets (default: an hour of minutes, a day of hours, four weeks of days, twelve weeks or
 *   months), cut at `horizonLimit`; `reach` a value, or a change in one bucket, to look for
 * @returns with fewer than 20 complete buckets `enough: false` and the last value continued; never throws
 */
export function predict(series: AnalysisSeries, options: PredictionOptions = {}): Prediction {
  const { values, from, to, buckets, filled } = knownOf(series)
  const limit = limitOf(buckets)
  const horizon = Math.min(limit, options.horizon ?? usualHorizon[series.granularity])
  const seasons = seasonsIn(series.granularity, values.length)
  const enough = values.length >= leastBuckets
  const tested = enough ? backtest(values, series, horizon) : null
  const { method, ...scores } = tested?.candidates[0] ?? {
    method: 'naive' as const,
    rmse: null,
    mase: null,
    smape: null,
  }
  const points =
    to === null
      ? []
      : pointsOf(
          series,
          { values, to },
          forecasters[method](historyOf(values, seasons), horizon),
          tested ? widthOf(tested) : widthOfChanges(values),
        )
  const { id, name, unit, granularity, zone, measure } = series
  return {
    ...{ id, name, unit, granularity, zone, measure },
    enough,
    missing: enough ? null : { buckets: leastBuckets - values.length },
    horizon: { buckets: horizon, limit },
    history: { from, to, buckets, used: values.length, filled },
    seasons,
    method,
    candidates: tested?.candidates ?? [],
    backtest: {
      ...scores,
      coverage: tested?.coverage ?? { '80': null, '95': null },
      origins: tested?.origins ?? 0,
      horizon,
    },
    points,
    reach: options.reach === undefined ? null : reachOf(options.reach, values.at(-1), to, points),
    summary: summaryOf(series, values, points),
  }
}
