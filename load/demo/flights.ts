import { readFile } from 'node:fs/promises'
import { z } from 'zod'
import { dataFile } from './vega-data.ts'

const flights = z
  .array(
    z.object({
      origin: z.string(),
      destination: z.string(),
      date: z.string().describe('2001/01/01 06:02, as departed'),
    }),
  )
  .min(1)

/** One call to make. `key` names the increment within a run; a repetition bears the same. */
export interface Increment {
  id: string
  key: string
}

export type Side = 'origin' | 'destination'
export type Flight = z.output<typeof flights>[number]

/** The 20,000 flights of early 2001 in npm's vega-datasets (US Bureau of Transportation Statistics). */
export async function readFlights(): Promise<Flight[]> {
  return flights.parse(JSON.parse(await readFile(dataFile('flights-20k.json'), 'utf8')))
}

export const countOf = (side: Side, airport: string): string => `flights:${side}:${airport.toLowerCase()}`

/** The answer that every count must give, made from the flights alone: count id → flights. */
export function tallyOf(flights: Flight[]): Map<string, number> {
  const tally = new Map<string, number>()
  const add = (id: string) => tally.set(id, (tally.get(id) ?? 0) + 1)
  for (const { origin, destination } of flights) {
    add(countOf('origin', origin))
    add(countOf('destination', destination))
  }
  return tally
}

/** A repetition comes within this many calls of its first, some at the same moment. */
const reach = 2000

/** Two increments a flight, and a random third of them once more somewhat later, in the order to send them. */
export function callsOf(flights: Flight[], random: () => number): { calls: Increment[]; repeated: number } {
  const increments = flights.flatMap(({ origin, destination }, i) => [
    { id: countOf('origin', origin), key: `${i}-origin` },
    { id: countOf('destination', destination), key: `${i}-destination` },
  ])
  const placed = increments.map((increment, at) => ({ increment, at }))
  const again = shuffled(placed, random).slice(0, Math.round(placed.length / 3))
  placed.push(...again.map(({ increment, at }) => ({ increment, at: at + random() * reach })))
  placed.sort((a, b) => a.at - b.at)
  return { calls: placed.map(({ increment }) => increment), repeated: again.length }
}

/** Fisher–Yates. */
function shuffled<T>(items: T[], random: () => number): T[] {
  const all = [...items]
  for (let i = all.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1))
    ;[all[i], all[j]] = [all[j] as T, all[i] as T]
  }
  return all
}
