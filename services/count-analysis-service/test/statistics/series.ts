import type { AnalysisSeries, Granularity } from '../../src/schemas/series.ts'

const stepMs: Record<Granularity, number> = {
  minute: 60_000,
  hour: 3_600_000,
  day: 86_400_000,
  week: 604_800_000,
  month: 0,
}

/** A series of these values from Monday, 2026-01-05 on, in UTC. */
export function seriesOf(values: (number | null)[], given: Partial<AnalysisSeries> = {}): AnalysisSeries {
  const granularity = given.granularity ?? 'day'
  const start = (i: number) =>
    granularity === 'month' ? Date.UTC(2020, i) : Date.UTC(2026, 0, 5) + i * stepMs[granularity]
  return {
    id: 'visits',
    name: 'Visits',
    unit: '',
    granularity,
    zone: 'UTC',
    measure: 'change',
    at: values.map((_, i) => new Date(start(i)).toISOString()),
    values,
    partial: false,
    min: null,
    max: null,
    falls: false,
    ...given,
  }
}

/** Noise that looks the same in every run: a linear congruential generator's sums, about normal, deviation 1. */
export function noise(seed: number): () => number {
  let state = seed
  const uniform = () => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648
    return state / 2_147_483_648
  }
  return () => Array.from({ length: 12 }, uniform).reduce((sum, value) => sum + value, -6)
}
