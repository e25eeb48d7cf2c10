import type { AnalysisSeries } from '../../src/schemas/series.ts'

const spans = { minute: 60_000, hour: 3_600_000, day: 86_400_000, week: 604_800_000, month: 2_678_400_000 }

/** A series of a count that may fall, without bounds, from 2024 on. */
export function seriesOf(values: (number | null)[], settings: Partial<AnalysisSeries> = {}): AnalysisSeries {
  const span = spans[settings.granularity ?? 'hour']
  return {
    id: 'count',
    name: 'Count',
    unit: '',
    granularity: 'hour',
    zone: 'UTC',
    measure: 'value',
    at: values.map((_, i) => new Date(Date.UTC(2024, 0, 1) + i * span).toISOString()),
    values,
    partial: false,
    min: null,
    max: null,
    falls: true,
    ...settings,
  }
}

/** Numbers between 0 and 1 that look like chance and are always the same. */
export function chance(seed: number): () => number {
  let state = seed
  return () => {
    state = (state * 48_271) % 2_147_483_647
    return state / 2_147_483_647
  }
}
