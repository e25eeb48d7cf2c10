import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { z } from 'zod'
import { countOf } from './flights.ts'

/** What moves a count when: `amount` is signed. */
export interface Movement {
  /** ms since the first morning */
  at: number
  id: string
  amount: 1 | -1
}

const flights = z
  .array(
    z.object({
      date: z.string().describe('2001/01/01 06:02, as departed'),
      delay: z.number().describe('minutes'),
      distance: z.number().describe('miles'),
      origin: z.string(),
      destination: z.string(),
    }),
  )
  .min(1)

/** Counts of the live demo beside those of every airport. */
export const totals = {
  departed: 'flights-live:departed',
  late: 'flights-live:late',
  airborne: 'flights-live:airborne',
} as const

/** The data begins at night, when next to nothing flies: that is gone through at once. */
const nightMs = 5 * 3_600_000
/** Later than this is late, as the US Department of Transportation counts it; in minutes. */
const lateFrom = 15
/** The data has no time of arrival: half an hour on the ground and climbing, then 450 miles an hour. */
const arrivalOf = (departure: number, miles: number) => departure + (30 + (miles / 450) * 60) * 60_000

/** Every departure and arrival of the data set, in the order of time. */
export async function readMovements(): Promise<Movement[]> {
  const library = dirname(createRequire(import.meta.url).resolve('vega-datasets'))
  const known = flights.parse(JSON.parse(await readFile(join(library, '../data/flights-20k.json'), 'utf8')))
  const departures = known.map(({ date, ...flight }) => ({
    ...flight,
    departed: Date.parse(`${date.replaceAll('/', '-').replace(' ', 'T')}Z`),
  }))
  const first =
    nightMs + departures.reduce((least, { departed }) => Math.min(least, departed), Number.POSITIVE_INFINITY)
  const movements = departures.flatMap(({ departed, delay, distance, origin, destination }): Movement[] => {
    const at = departed - first
    const landed = arrivalOf(at, distance)
    return [
      { at, id: countOf('origin', origin), amount: 1 },
      { at, id: totals.departed, amount: 1 },
      { at, id: totals.airborne, amount: 1 },
      ...(delay >= lateFrom ? [{ at, id: totals.late, amount: 1 as const }] : []),
      { at: landed, id: countOf('destination', destination), amount: 1 },
      { at: landed, id: totals.airborne, amount: -1 },
    ]
  })
  return movements.sort((a, b) => a.at - b.at)
}
