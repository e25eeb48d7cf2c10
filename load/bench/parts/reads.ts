import { compare, comparisonTable, connectionCounts, rateAlone, rateOf } from '../compare.ts'
import type { Kind, Measured } from '../load.ts'
import { measureRedis } from '../redis-benchmark.ts'
import { ratioTarget, type Section } from '../report.ts'
import type { Contender } from '../rounds.ts'
import type { World } from '../world.ts'

const bareName = 'bare Fastify'
const cachedName = 'read, cached'
const least = 0.75

/** Reads that the cache answers, and such as it must not answer. */
export async function reads(world: World): Promise<Section> {
  const server = await world.server()
  const [bare, webdis, plain] = [await world.bare(), await world.webdis(), await world.plain()]
  const ids = await world.counts('bench:', 1000)

  const comparison = await compare(world, (connections) => {
    const read = (name: string, url: string, kind: Kind): Contender<Measured> => ({
      name,
      run: (seconds) => world.send({ url, kind, connections }, ids, seconds),
    })
    const raw: Contender<Measured> = {
      name: 'redis-benchmark GET',
      run: async (seconds) =>
        rateAlone(
          (await measureRedis(
            { redis: plain, command: 'get', connections, pipeline: 1, ids: ids.length, signal: world.signal },
            seconds,
          )) ?? Number.NaN,
        ),
    }
    return [
      read(cachedName, server.url, 'read'),
      read('read, consistency=strong', server.url, 'strong'),
      read(bareName, bare, 'read'),
      ...(webdis ? [read('webdis GET', webdis, 'get')] : []),
      raw,
    ]
  })

  return {
    title: 'Reads',
    text: `One count a request, of 1,000. Strong reads ask the value store's primary and PostgreSQL each time. Reads of counts
that are in no cache yet are under Spread.`,
    ...comparisonTable(comparison, bareName),
    targets: connectionCounts.map((connections) => {
      const rates: [number, number] = [
        rateOf(comparison, cachedName, connections),
        rateOf(comparison, bareName, connections),
      ]
      return ratioTarget(`${cachedName} / ${bareName}, ${connections} connections`, rates, least)
    }),
  }
}
