import type { AnalysisSeries, Column } from '../schemas/series.ts'
import type { Anomaly, ChangePoint } from '../schemas/trend.ts'
import { outliers, roundingOf, spreadOf } from './anomalies.ts'
import { levelShifts } from './change-points.ts'
import type { Decomposition } from './decompose.ts'
import { growthOf } from './growth.ts'
import { commonest, entry, stepsOf } from './order.ts'

const mostAnomalies = 200

/** A probability as the answers carry it: `oneIn` is null where p vanishes. */
const rarity = (p: number) => ({ p, oneIn: p > 1e-15 ? 1 / p : null })

/** The buckets that trend and season do not explain, and the range that they expect. */
export function anomaliesOf(series: AnalysisSeries, parts: Decomposition) {
  const { from, y, filled, remainder } = parts
  const measured = Array.from(remainder.keys()).filter((i) => !filled.has(i))
  const rests = Float64Array.from(measured, (i) => entry(remainder, i))
  const spread = spreadOf(rests, roundingOf(y))
  const lower: Column = series.values.map(() => null)
  const upper: Column = [...lower]
  if (!spread) return { lower, upper, anomalies: [] }

  const bound = boundsOf(series)
  const expected = (i: number) => entry(y, i) - entry(remainder, i) + spread.centre
  for (let i = 0; i < y.length; i++) {
    lower[from + i] = bound(expected(i) - spread.reach)
    upper[from + i] = bound(expected(i) + spread.reach)
  }
  // What most buckets are is not unusual, whatever was expected there; nor that a level stays where most stay.
  const usual = commonest(y)
  const steps = stepsOf(y)
  const stays = series.measure === 'value' ? commonest(steps) : undefined
  const anomalies = outliers(rests, spread, mostAnomalies).flatMap(({ position, score, p }): Anomaly[] => {
    const i = measured[position] as number
    if (entry(y, i) === usual || (i > 0 && entry(steps, i - 1) === stays)) return []
    const anomaly = {
      at: series.at[from + i] as string,
      value: entry(y, i),
      expected: bound(expected(i)),
      lower: lower[from + i] as number,
      upper: upper[from + i] as number,
      score,
      ...rarity(p),
    }
    return [anomaly]
  })
  return { lower, upper, anomalies }
}

/** Keeps what is expected where values can be: within the count's bounds, and no fall of one that never falls. */
function boundsOf({ measure, min, max, falls }: AnalysisSeries) {
  const least =
    measure === 'change' ? (falls ? Number.NEGATIVE_INFINITY : 0) : (min ?? Number.NEGATIVE_INFINITY)
  const most = measure === 'value' ? (max ?? Number.POSITIVE_INFINITY) : Number.POSITIVE_INFINITY
  return (value: number) => Math.min(most, Math.max(least, value))
}

/**
 * Lasting shifts, seasons taken out: of the level, or of the steps where a count never falls and its value is looked at,
 * as such a value never stays on a level.
 */
export function changePointsOf(series: AnalysisSeries, parts: Decomposition): ChangePoint[] {
  const of = series.measure === 'value' && !series.falls ? 'rate' : 'level'
  const calm = parts.y.map((_, i) => entry(parts.trend, i) + entry(parts.remainder, i))
  const looked = of === 'rate' ? stepsOf(calm) : calm
  const grain = roundingOf(parts.y)
  const levels = looked.map((value) => (grain > 0 ? Math.round(value / grain) * grain : value))
  const first = parts.from + (of === 'rate' ? 1 : 0)
  return levelShifts(levels).map(({ position, before, after, p }) => {
    const { absolute, ratio } = growthOf(after, before)
    return {
      at: series.at[first + position] as string,
      of,
      before,
      after,
      shift: absolute ?? 0,
      ratio,
      ...rarity(p),
    }
  })
}
