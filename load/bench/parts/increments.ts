import { compare, comparisonTable, connectionCounts, rateAlone, rateOf } from '../compare.ts'
import type { Measured } from '../load.ts'
import { measureRedis } from '../redis-benchmark.ts'
import { ratioTarget, type Section } from '../report.ts'
import type { Contender } from '../rounds.ts'
import { type Fsync, setFsync, valueStoreOf, type World } from '../world.ts'

const bareName = 'bare Fastify'
const oursName = (fsync: Fsync) => `increment, fsync ${fsync}`
const aims = { always: { 64: 0.45, 256: 0.55 }, everysec: { 64: 0.6, 256: 0.6 } }
const modes = ['always', 'everysec'] as const

/** Single increments, each durable, under an idempotency key of its own. */
export async function increments(world: World): Promise<Section> {
  const server = await world.server()
  const [bare, webdis, plain] = [await world.bare(), await world.webdis(), await world.plain()]
  const ids = await world.counts('bench:', 1000)
  const store = valueStoreOf(server)

  const comparison = await compare(world, (connections) => {
    const ours = (fsync: Fsync): Contender<Measured> => ({
      name: oursName(fsync),
      run: async (seconds) => {
        await setFsync(store, fsync)
        return await world.send({ url: server.url, kind: 'increment', connections }, ids, seconds)
      },
    })
    const viaWebdis = (url: string, fsync: Fsync): Contender<Measured> => ({
      name: `webdis INCR, fsync ${fsync}`,
      run: async (seconds) => {
        await setFsync(plain, fsync)
        return await world.send({ url, kind: 'incr', connections }, ids, seconds)
      },
    })
    const raw = (pipeline: number): Contender<Measured> => ({
      name: `redis-benchmark INCR${pipeline > 1 ? `, ${pipeline} at once` : ''}, fsync always`,
      run: async (seconds) => {
        await setFsync(plain, 'always')
        const rate = await measureRedis(
          { redis: plain, command: 'incr', connections, pipeline, ids: ids.length, signal: world.signal },
          seconds,
        )
        return rateAlone(rate ?? Number.NaN)
      },
    })
    const alone: Contender<Measured> = {
      name: bareName,
      run: (seconds) => world.send({ url: bare, kind: 'increment', connections }, ids, seconds),
    }
    return [
      ...modes.map(ours),
      alone,
      ...(webdis ? modes.map((mode) => viaWebdis(webdis, mode)) : []),
      raw(1),
      raw(16),
    ]
  })
  await setFsync(store, 'always')

  return {
    title: 'Increments',
    text: `One increment a request over 1,000 counts, with API key, idempotency key, history, both queues and the awaited
invalidation of the cache. Bare Fastify: the same route, schemas, hooks and key check with nothing behind them.${webdis ? '' : ' webdis is not installed here.'}`,
    ...comparisonTable(comparison, bareName),
    targets: modes.flatMap((fsync) =>
      connectionCounts.map((connections) => {
        const rates: [number, number] = [
          rateOf(comparison, oursName(fsync), connections),
          rateOf(comparison, bareName, connections),
        ]
        return ratioTarget(
          `${oursName(fsync)} / ${bareName}, ${connections} connections`,
          rates,
          aims[fsync][connections],
        )
      }),
    ),
  }
}
