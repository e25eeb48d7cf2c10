import type { Flight } from './flights.ts'
import type { CountWithPast } from './history.ts'

const hourMs = 3_600_000
const weekMs = 7 * 24 * hourMs
/** The busiest airports, each a count of its own beside the one of all. */
const airports = 10

/**
 * Departures by hour, from all airports and from each of the busiest, moved by whole weeks so that the last one was before
 * now: weekdays and hours stay what they were. The clocks of the data are taken for UTC's.
 */
export function departuresByHour(flights: readonly Flight[], now: number): CountWithPast[] {
  const departures = flights.map(({ origin, date }) => ({
    origin: origin.toLowerCase(),
    at: Date.parse(`${date.replaceAll('/', '-').replace(' ', 'T')}:00Z`),
  }))
  const last = Math.max(...departures.map(({ at }) => at))
  const shift = Math.floor((now - last) / weekMs) * weekMs
  const byHour = (some: { at: number }[]) =>
    Array.from(
      Map.groupBy(some, ({ at }) => Math.floor((at + shift) / hourMs) * hourMs),
      ([at, { length }]) => ({ at, delta: length }),
    ).sort((a, b) => a.at - b.at)

  const busiest = Array.from(Map.groupBy(departures, ({ origin }) => origin))
    .sort(([, a], [, b]) => b.length - a.length)
    .slice(0, airports)
  const tags = ['departures']
  return [
    { id: 'departures:all', name: 'Departures', unit: 'flights', tags, changes: byHour(departures) },
    ...busiest.map(([origin, some]) => ({
      id: `departures:${origin}`,
      name: `Departures from ${origin.toUpperCase()}`,
      unit: 'flights',
      tags: [...tags, 'departures-by-airport'],
      changes: byHour(some),
    })),
  ]
}
