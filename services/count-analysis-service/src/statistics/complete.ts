import type { AnalysisSeries } from '../schemas/series.ts'

/** The buckets that are over: a partial last one would look like a crash. */
export function completeOf({ at, values, partial }: AnalysisSeries) {
  const length = Math.max(0, Math.min(at.length, values.length) - (partial ? 1 : 0))
  return { at: at.slice(0, length), values: values.slice(0, length) }
}
