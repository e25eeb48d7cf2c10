import type { Granularity } from '../schemas/series.ts'

/**
 * Names the buckets after one: days, weeks and months go by the zone's calendar, hours and minutes by the clock.
 *
 * @param last RFC 3339 start of a bucket
 * @param zone IANA name
 * @returns the start of the bucket `ahead` buckets later, with an offset (or Z) as `last` has it
 */
export function bucketsAfter(
  last: string,
  granularity: Granularity,
  zone: string,
): (ahead: number) => string {
  const start = Temporal.Instant.from(last).toZonedDateTimeISO(zone)
  const day = start.toPlainDate()
  // The start of a day is not always midnight: a zone may skip it.
  const after = (ahead: number): Temporal.ZonedDateTime => {
    switch (granularity) {
      case 'minute':
        return start.add({ minutes: ahead })
      case 'hour':
        return start.add({ hours: ahead })
      case 'day':
        return day.add({ days: ahead }).toZonedDateTime(zone)
      case 'week':
        return day.add({ weeks: ahead }).toZonedDateTime(zone)
      case 'month':
        return day.add({ months: ahead }).toZonedDateTime(zone)
    }
  }
  const zulu = last.endsWith('Z')
  return (ahead) =>
    zulu ? after(ahead).toInstant().toString() : after(ahead).toString({ timeZoneName: 'never' })
}
