import type { PredictionPoint } from '../schemas/prediction.ts'
import type { AnalysisSeries } from '../schemas/series.ts'
import { at } from '../statistics/order.ts'
import type { Backtest } from './backtest.ts'
import { bound, boundsAfter } from './bounds.ts'
import { bucketsAfter } from './calendar.ts'
import { type Level, studentWidth } from './conformal.ts'

/** Half of an interval's width so many buckets ahead; null when nothing is known of it. */
export type Width = (level: Level, step: number) => number | null

/** The widths of a backtest, along a line between the steps that it looked at. */
export function widthOf({ widths, steps }: Pick<Backtest, 'widths' | 'steps'>): Width {
  return (level, step) => {
    const next = steps.findIndex((known) => known >= step)
    const upper = at(widths[level], next)
    const before = steps[next - 1]
    if (before === undefined) return upper
    const lower = at(widths[level], next - 1)
    return lower + ((upper - lower) * (step - before)) / (at(steps, next) - before)
  }
}

/** Without a backtest: as if the changes so far were those of a random walk. */
export function widthOfChanges(values: Float64Array): Width {
  const changes = values.length - 1
  if (changes < 1) return () => null
  let squares = 0
  for (let i = 1; i <= changes; i++) squares += (at(values, i) - at(values, i - 1)) ** 2
  const deviation = Math.sqrt(squares / changes)
  return (level, step) => deviation * Math.sqrt(step) * studentWidth(level, changes)
}

/**
 * A forecast as it is answered: means and intervals within what is possible, each at the start of its bucket.
 *
 * @param to start of the last bucket of `values`
 */
export function pointsOf(
  series: AnalysisSeries,
  { values, to }: { values: Float64Array; to: string },
  forecast: Float64Array,
  width: Width,
): PredictionPoint[] {
  const bounds = boundsAfter(series, at(values, values.length - 1))
  const start = bucketsAfter(to, series.granularity, series.zone)
  const mean = bound(forecast, bounds)
  const edge = (level: Level, side: 1 | -1) =>
    width(level, 1) === null
      ? null
      : bound(
          mean.map((value, i) => value + side * (width(level, i + 1) ?? 0)),
          bounds,
        )
  const edges = {
    '80': { lower: edge('80', -1), upper: edge('80', 1) },
    '95': { lower: edge('95', -1), upper: edge('95', 1) },
  }
  const interval = (level: Level, i: number) => ({
    lower: edges[level].lower?.[i] ?? null,
    upper: edges[level].upper?.[i] ?? null,
  })
  return Array.from(mean, (value, i) => ({
    at: start(i + 1),
    mean: value,
    intervals: { '80': interval('80', i), '95': interval('95', i) },
  }))
}
