import { number } from '../../table.ts'
import { keepPace } from '../constant-rate.ts'
import { limitTarget, type Section } from '../report.ts'
import { inTurn, median } from '../rounds.ts'
import type { World } from '../world.ts'

const rate = 1000
const reads = 0.7
const name = `${number(rate)} requests/s`
const most = 20
/** Percentiles of a thousand need many: measured this many times longer than throughput. */
const longer = 4

/** Latency at a rate that users have, instead of at the limit. */
export async function latency(world: World): Promise<Section> {
  const { url, apiKey } = await world.server()
  const ids = await world.counts('bench:', 1000)
  const run = (seconds: number) => keepPace({ url, apiKey, ids, rate, reads, connections: 64 }, seconds)
  const rounds =
    (await inTurn([{ name, run }], { ...world.pains, seconds: world.pains.seconds * longer })).get(name) ?? []
  const [p50, p99, p999] = (['p50', 'p99', 'p999'] as const).map((one) =>
    median(rounds.map((round) => round[one])),
  ) as [number, number, number]
  const failed = rounds.reduce((sum, round) => sum + round.failed, 0)
  return {
    title: 'Latency',
    text: `A constant ${number(rate)} requests/s over 1,000 counts, ${reads * 100} % reads and the rest keyed increments, fsync always. Measured from the
moment at which each request was due (open loop), about a millisecond of it the generator's own timer.`,
    headers: ['', 'p50 ms', 'p99 ms', 'p99.9 ms', 'failed'],
    rows: [[name, ...[p50, p99, p999].map((value) => number(value, 1)), number(failed)]],
    targets: [limitTarget(`p99 at ${name}`, p99, most, 'ms')],
  }
}
