/** An IANA time zone's calendar days: what daily history buckets are cut by. */
export interface Zone {
  /** As given, e.g. `America/New_York`. */
  name: string
  /**
   * What the writing scripts cut days with: seconds east of UTC in force at `atMs`, and from `changesAt` (seconds since
   * 1970) on, `next`. Where no change is known, `changesAt` lies beyond any clock.
   */
  offsets(atMs: number): { offset: number; changesAt: number; next: number }
  /** The local civil day of an instant, numbered from 1970-01-01 = 0. */
  dayOf(atMs: number): number
  /** The first instant (ms since 1970) of a local day: not always midnight, nor 24 hours before the next. */
  dayStart(day: number): number
}

const epoch = new Temporal.PlainDate(1970, 1, 1)
/** The last second a Date can name: stands for "never". */
const never = 8_640_000_000_000

/**
 * Opens the zone that a deployment counts its days in.
 *
 * @throws RangeError when `name` is no IANA time zone
 */
export function openZone(name: string): Zone {
  const at = (ms: number) => Temporal.Instant.fromEpochMilliseconds(ms).toZonedDateTimeISO(name)
  const offsetOf = (time: Temporal.ZonedDateTime) => Math.trunc(time.offsetNanoseconds / 1e9)

  // The offset holds for months: it is looked up once between two changes.
  let known = span(Date.now())
  function span(atMs: number) {
    const time = at(Math.floor(atMs))
    // One millisecond later, so that a transition that `atMs` itself stands on counts as past.
    const start = at(Math.floor(atMs) + 1).getTimeZoneTransition('previous')
    const change = time.getTimeZoneTransition('next')
    const offset = offsetOf(time)
    return {
      fromMs: start?.epochMilliseconds ?? Number.NEGATIVE_INFINITY,
      offset,
      changesAt: change ? change.epochMilliseconds / 1000 : never,
      next: change ? offsetOf(change) : offset,
    }
  }

  function offsets(atMs: number) {
    if (atMs < known.fromMs || atMs >= known.changesAt * 1000) known = span(atMs)
    const { offset, changesAt, next } = known
    return { offset, changesAt, next }
  }

  const dayOf = (atMs: number) => Math.floor((atMs / 1000 + offsets(atMs).offset) / 86_400)

  return {
    name,
    offsets,
    dayOf,
    dayStart(day) {
      // Away from changes of the clock, midnight is where it looks; a calendar costs a hundred times as much.
      const midnight = day * 86_400_000
      const guess = midnight - offsets(midnight).offset * 1000
      if (dayOf(guess) === day && dayOf(guess - 1) === day - 1) return guess
      return epoch.add({ days: day }).toZonedDateTime(name).epochMilliseconds
    },
  }
}
