import type { Zone } from '@count/core/zone'
import type { Against } from './schemas/query.ts'
import type { Granularity } from './schemas/series.ts'

/** Buckets of one length in one zone, as instants in ms since 1970. */
export interface Calendar {
  /** First instant of the bucket that an instant lies in. */
  start(atMs: number): number
  /** First instant of the bucket after the one that begins here. */
  next(startMs: number): number
}

const minuteMs = 60_000
const hourMs = 3_600_000
const dayMs = 86_400_000

/** 1970-01-01 was a Thursday. */
const mondayOf = (day: number) => day - ((((day + 3) % 7) + 7) % 7)

/** The first day of the month that a day lies in, or of one `months` later. */
function firstOfMonth(day: number, months = 0): number {
  const date = new Date(day * dayMs)
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + months, 1) / dayMs
}

/** Minutes, hours by the zone's clock, local days, weeks from Monday, and months. */
export function calendarOf(granularity: Granularity, zone: Zone): Calendar {
  /** By the clock: where it is set back, the hour comes twice. */
  const byClock = (lengthMs: number): Calendar => {
    const start = (ms: number) => {
      const local = ms + zone.offsets(ms).offset * 1000
      return ms - (((local % lengthMs) + lengthMs) % lengthMs)
    }
    return { start, next: (startMs) => start(startMs + lengthMs) }
  }
  const byDays = (first: (day: number) => number, after: (day: number) => number): Calendar => ({
    start: (ms) => zone.dayStart(first(zone.dayOf(ms))),
    next(startMs) {
      let day = after(zone.dayOf(startMs))
      // A zone that moved across the date line skipped a day.
      while (zone.dayStart(day) <= startMs) day++
      return zone.dayStart(day)
    },
  })
  switch (granularity) {
    case 'minute':
      return byClock(minuteMs)
    case 'hour':
      return byClock(hourMs)
    case 'day':
      return byDays(
        (day) => day,
        (day) => day + 1,
      )
    case 'week':
      return byDays(mondayOf, (day) => mondayOf(day) + 7)
    case 'month':
      return byDays(firstOfMonth, (day) => firstOfMonth(day, 1))
  }
}

/** The first instants of the buckets from the one of `fromMs` to the one of `lastMs`, and where the last one ends. */
export function boundariesOf({ start, next }: Calendar, fromMs: number, lastMs: number): number[] {
  const boundaries = [start(fromMs)]
  for (let end = boundaries[0] as number; end <= lastMs; ) {
    end = next(end)
    boundaries.push(end)
  }
  return boundaries
}

/** The same number of buckets in the past, from so much earlier on. */
export function pastBoundaries(
  { start, next }: Calendar,
  boundaries: readonly number[],
  against: Against,
  zone: Zone,
): number[] {
  let first = boundaries[0] as number
  if (against === 'previous') for (let n = 1; n < boundaries.length; n++) first = start(first - 1)
  else {
    const time = Temporal.Instant.fromEpochMilliseconds(first).toZonedDateTimeISO(zone.name)
    first = start(time.subtract({ [`${against}s`]: 1 }).epochMilliseconds)
  }
  const past = [first]
  while (past.length < boundaries.length) past.push(next(past.at(-1) as number))
  return past
}

/** An instant as the zone's clock shows it, RFC 3339: `2026-03-08T00:00:00-05:00`; `Z` for UTC. */
export function clockTime(ms: number, zone: Zone): string {
  const { offset } = zone.offsets(ms)
  const local = new Date(ms + offset * 1000).toISOString().slice(0, 19)
  if (offset === 0) return `${local}Z`
  const minutes = Math.abs(offset) / 60
  const two = (n: number) => String(Math.floor(n)).padStart(2, '0')
  return `${local}${offset < 0 ? '-' : '+'}${two(minutes / 60)}:${two(minutes % 60)}`
}
