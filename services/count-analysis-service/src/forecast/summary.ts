import type { Prediction, PredictionPoint } from '../schemas/prediction.ts'
import type { AnalysisSeries } from '../schemas/series.ts'
import { mean } from '../statistics/order.ts'

/**
 * A forecast in one sentence's worth of numbers. A value is compared at the end of the horizon with the last one known, changes
 * by the mean of a bucket, ahead and as long back.
 */
export function summaryOf(
  { measure }: Pick<AnalysisSeries, 'measure'>,
  values: Float64Array,
  points: readonly PredictionPoint[],
): Prediction['summary'] {
  const last = points.at(-1)
  const { lower = null, upper = null } = last?.intervals['80'] ?? {}
  if (last === undefined || lower === null || upper === null)
    return {
      kind: 'unknown',
      from: values.at(-1) ?? null,
      to: last?.mean ?? null,
      lower,
      upper,
      at: last?.at ?? null,
    }
  const ends = { lower, upper, at: last.at }
  if (measure === 'value') {
    const from = values.at(-1) ?? 0
    return { kind: kindOf(from, lower, upper), from, to: last.mean, ...ends }
  }
  const from = mean(values.slice(-points.length))
  return {
    kind: kindOf(
      from,
      mean(Float64Array.from(points, ({ intervals }) => intervals['80'].lower ?? 0)),
      mean(Float64Array.from(points, ({ intervals }) => intervals['80'].upper ?? 0)),
    ),
    from,
    to: mean(Float64Array.from(points, (point) => point.mean)),
    ...ends,
  }
}

const kindOf = (from: number, lower: number, upper: number) =>
  from < lower ? 'rising' : from > upper ? 'falling' : 'level'
