import { number } from '../table.ts'
import type { Measured } from './load.ts'
import { type Contender, inTurn, median } from './rounds.ts'
import type { World } from './world.ts'

export const connectionCounts = [64, 256] as const
export type Connections = (typeof connectionCounts)[number]

/** name → connections → median of the rounds */
export type Comparison = Map<string, Map<Connections, Measured>>

/** Measures contenders in turn at 64 and at 256 connections. */
export async function compare(
  { pains }: World,
  contenders: (connections: Connections) => Contender<Measured>[],
): Promise<Comparison> {
  const comparison: Comparison = new Map()
  for (const connections of connectionCounts) {
    for (const [name, rounds] of await inTurn(contenders(connections), pains)) {
      const byConnections = comparison.get(name) ?? new Map<Connections, Measured>()
      byConnections.set(connections, middleOf(rounds))
      comparison.set(name, byConnections)
    }
  }
  return comparison
}

const middleOf = (rounds: Measured[]): Measured => ({
  rate: median(rounds.map((one) => one.rate)),
  failed: rounds.reduce((sum, one) => sum + one.failed, 0),
  p50: median(rounds.map((one) => one.p50)),
  p99: median(rounds.map((one) => one.p99)),
  p999: median(rounds.map((one) => one.p999)),
})

/** The rate of one contender; NaN for one that was not measured. */
export const rateOf = (comparison: Comparison, name: string, connections: Connections): number =>
  comparison.get(name)?.get(connections)?.rate ?? Number.NaN

/** Where the answers are a program's own, without latencies. */
export const rateAlone = (rate: number): Measured => ({
  rate,
  failed: 0,
  p50: Number.NaN,
  p99: Number.NaN,
  p999: Number.NaN,
})

const orDash = (value: number, digits: number) => (Number.isNaN(value) ? '–' : number(value, digits))

/** Rows of rate, its ratio to `base`, p50 and p99 at each number of connections, and failures. */
export function comparisonTable(
  comparison: Comparison,
  base: string,
): { headers: string[]; rows: string[][] } {
  const headers = [
    '',
    ...connectionCounts.flatMap((c) => [`${c}: per s`, `× ${base}`, 'p50 ms', 'p99 ms']),
    'failed',
  ]
  const rows = [...comparison].map(([name, byConnections]) => {
    const all = [...byConnections.values()]
    const cells = connectionCounts.flatMap((connections) => {
      const measured = byConnections.get(connections) ?? rateAlone(Number.NaN)
      const ratio = measured.rate / rateOf(comparison, base, connections)
      return [orDash(measured.rate, 0), orDash(ratio, 2), orDash(measured.p50, 1), orDash(measured.p99, 1)]
    })
    return [name, ...cells, number(all.reduce((sum, one) => sum + one.failed, 0))]
  })
  return { headers, rows }
}
