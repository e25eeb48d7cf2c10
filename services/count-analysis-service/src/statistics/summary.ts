import type { Column } from '../schemas/series.ts'
import type { MannKendall, Slope, Trend } from '../schemas/trend.ts'
import type { Decomposition } from './decompose.ts'

/** A season below this strength is not worth a sentence. */
const notable = 0.3

/** Where a series goes, by the test that autocorrelation was accounted for in. */
export function directionOf(
  enough: boolean,
  values: Column,
  slope: Slope,
  test: MannKendall | null,
): Pick<Trend['summary'], 'kind' | 'perBucket' | 'lower' | 'upper' | 'p' | 'from' | 'to'> {
  const { perBucket, intercept, widened } = slope
  const p = test?.corrected.p ?? null
  const line = (i: number) => (perBucket === null || intercept === null ? null : intercept + perBucket * i)
  const first = values.findIndex((value) => value !== null)
  const last = values.findLastIndex((value) => value !== null)
  const rising = p !== null && p < 0.05 ? Math.sign(test?.s ?? 0) : 0
  const kind = !enough ? 'unknown' : rising > 0 ? 'rising' : rising < 0 ? 'falling' : 'level'
  return { kind, perBucket, ...widened, p, from: line(first), to: line(last) }
}

/** Period of the season that explains most, in buckets. */
export function strongestSeason(parts: Decomposition | null): number | null {
  const strengths = parts?.strength.seasonal.map((strength) => strength ?? 0) ?? []
  const strongest = Math.max(...strengths, notable)
  return parts?.periods[strengths.indexOf(strongest)] ?? null
}
