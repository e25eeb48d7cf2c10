import type { AnalysisSeries, Granularity } from '../schemas/series.ts'
import type { Growth } from '../schemas/trend.ts'

const calendar = { week: { weeks: 1 }, month: { months: 1 }, year: { years: 1 } }

/** What a granularity's buckets can be compared with: none that cuts through buckets, nor one that is `previous` again. */
const comparable: Record<Granularity, ('week' | 'month' | 'year')[]> = {
  minute: ['week', 'month', 'year'],
  hour: ['week', 'month', 'year'],
  day: ['week', 'month', 'year'],
  week: ['year'],
  month: ['year'],
}

/** The number, or null for what dividing by 0, or by next to nothing, gives. */
export const finite = (value: number): number | null => (Number.isFinite(value) ? value : null)

/** The growth of `current` over `past`; null where either is unknown, the ratio also where `past` is 0. */
export function growthOf(current: number | null, past: number | null) {
  const absolute = current === null || past === null ? null : current - past
  const ratio = absolute === null || past === null ? null : finite(absolute / Math.abs(past))
  return { absolute, ratio }
}

/**
 * Growth of the latest complete bucket and of the latest `window` of them, each against the same span just before and one
 * calendar week, month and year earlier in the series' zone (31 March → 28 February, as calendars do).
 *
 * @param series complete buckets only
 * @param instants ms since 1970 of each
 */
export function growthsOf(
  series: Pick<AnalysisSeries, 'at' | 'values' | 'granularity' | 'zone' | 'measure'>,
  instants: Float64Array,
  window: number,
): Growth[] {
  const { values, granularity, zone, measure } = series
  const last = values.length - 1
  if (last < 0) return []
  const places = new Map(Array.from(instants, (ms, i) => [ms, i]))
  const earlier = (against: 'week' | 'month' | 'year') => {
    const latest = Temporal.Instant.fromEpochMilliseconds(instants[last] as number).toZonedDateTimeISO(zone)
    // Weeks do not fit into a year: 52 of them are compared.
    const step = granularity === 'week' && against === 'year' ? { weeks: 52 } : calendar[against]
    return places.get(latest.subtract(step).epochMilliseconds)
  }
  const level = (to: number, size: number) => {
    if (to - size + 1 < 0) return null
    const span = values.slice(to - size + 1, to + 1)
    if (span.includes(null)) return null
    if (measure === 'value') return values[to] ?? null
    return span.reduce<number>((sum, value) => sum + (value as number), 0)
  }

  const ends = { bucket: 1, window }
  return (['bucket', 'window'] as const).flatMap((span) => {
    const size = ends[span]
    if (last - size + 1 < 0) return []
    const current = level(last, size)
    const compare = (against: Growth['against'], to: number | undefined): Growth => {
      const from = to === undefined ? -1 : to - size + 1
      const inside = to !== undefined && from >= 0
      const past = inside ? level(to, size) : null
      return {
        span,
        against,
        from: series.at[last - size + 1] as string,
        to: series.at[last] as string,
        comparedFrom: inside ? (series.at[from] as string) : null,
        comparedTo: inside ? (series.at[to] as string) : null,
        current,
        past,
        ...growthOf(current, past),
      }
    }
    const previous = last - size
    return [
      compare('previous', previous),
      ...comparable[granularity]
        .map((against) => ({ against, to: earlier(against) }))
        .filter(({ to }) => to !== previous)
        .map(({ against, to }) => compare(against, to)),
    ]
  })
}
