import { number } from '../../table.ts'
import { compare, comparisonTable, connectionCounts, rateOf } from '../compare.ts'
import type { Kind, Measured } from '../load.ts'
import { ratioTarget, type Section } from '../report.ts'
import type { Contender } from '../rounds.ts'
import type { World } from '../world.ts'

const least = 0.9
const names = {
  hot: 'increment, one count',
  few: 'increment, 1,000 counts',
  many: (count: number) => `increment, ${number(count)} counts`,
}

/** One hot count, a thousand, and a million, in one store that holds them all. */
export async function spread(world: World): Promise<Section> {
  const { url } = await world.server()
  const hot = await world.counts('bench:', 1)
  const few = await world.counts('bench:', 1000)
  const many = await world.counts('bench:', world.pains.million)
  const manyName = names.many(many.length)
  let read = 0

  const comparison = await compare(world, (connections) => {
    const load = (name: string, kind: Kind, ids: string[]): Contender<Measured> => ({
      name,
      run: async (seconds) => {
        const measured = await world.send({ url, kind, connections, first: read }, ids, seconds)
        if (kind === 'fresh') read += Math.ceil(measured.rate * (seconds + 1))
        return measured
      },
    })
    return [
      load(names.hot, 'increment', hot),
      load(names.few, 'increment', few),
      load(manyName, 'increment', many),
      load('read, each of them for the first time', 'fresh', many),
    ]
  })

  return {
    title: 'Spread',
    text: `The same store holds ${number(many.length)} counts; what differs is how many of them are written, or read without a cached answer.`,
    ...comparisonTable(comparison, names.few),
    targets: [names.hot, manyName].flatMap((name) =>
      connectionCounts.map((connections) => {
        const rates: [number, number] = [
          rateOf(comparison, name, connections),
          rateOf(comparison, names.few, connections),
        ]
        return ratioTarget(`${name} / ${names.few}, ${connections} connections`, rates, least)
      }),
    ),
  }
}
