import { randomBytes } from 'node:crypto'
import { type CountCache, type Fill, openCache } from '@count/core/count-cache'
import { crc16 } from '@count/core/crc16'
import type { CountInfo } from '@count/core/schemas'
import { type RedisCluster, startRedisCluster } from '@count/stack/redis-cluster'
import { redisInfo } from '@count/stack/redis-command'
import type { RedisServer } from '@count/stack/redis-server'
import { testRedis } from '@count/stack/testing'
import { until } from '@count/stack/until'
import { pino } from 'pino'
import { Registry } from 'prom-client'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'

const log = pino({ level: 'silent' })
const opened: CountCache[] = []
/** A busy machine must not make a test of something else see a dead cache; tests of dead ones say 50. */
const open = async (url: string, { metrics = new Registry(), timeoutMs = 5000 } = {}) => {
  const cache = await openCache(url, { log, metrics, timeoutMs })
  opened.push(cache)
  return cache
}
afterEach(() => {
  for (const cache of opened.splice(0)) cache.close()
})
const newId = () => randomBytes(6).toString('hex')

const infoOf = (id: string, revision: number): CountInfo => ({
  id,
  name: `Count ${id} 조회수`,
  description: '',
  unit: 'views',
  tags: ['a'],
  min: null,
  max: null,
  initialValue: 0,
  status: 'active',
  metadata: {},
  revision,
  created: 1,
  createdAt: '2026-11-23T00:00:00.000Z',
  updatedAt: '2026-11-23T00:00:00.000Z',
})

const fillOf = (id: string, looked: number, version: number, revision: number): Fill => ({
  id,
  looked,
  info: { revision, readAt: looked, json: JSON.stringify(infoOf(id, revision)) },
  value: { version, readAt: looked, stored: { created: 1, value: version * 10 } },
  result: `{"id":"${id}","name":"조회수"}`,
})

/** Fills as a reader does and awaits that it is there. */
const keep = (cache: CountCache, id: string, version: number, revision: number) =>
  until('the fill', async () => {
    const entry = (await cache.entries([id])).get(id)
    if (entry) cache.fill(fillOf(id, entry.looked, version, revision))
    return (await cache.results([id]))[0]?.tag === `${version}.${revision}`
  })

const ms = async (work: Promise<unknown>) => {
  const start = performance.now()
  await work
  return performance.now() - start
}

describe('on one server', () => {
  let server: RedisServer
  beforeAll(async () => {
    server = await testRedis({ maxmemoryPolicy: 'allkeys-lru' })
  })
  afterAll(() => server.stop())

  test('answers what it was filled with, in the order asked', async () => {
    const cache = await open(server.url)
    const [a, b, none] = [newId(), newId(), newId()]
    await keep(cache, a, 10, 3)
    await keep(cache, b, 20, 4)
    expect(await cache.results([b, none, a])).toEqual([
      { tag: '20.4', json: `{"id":"${b}","name":"조회수"}` },
      undefined,
      { tag: '10.3', json: `{"id":"${a}","name":"조회수"}` },
    ])
    const entries = await cache.entries([a, none])
    const { looked } = entries.get(none) as { looked: number }
    expect(entries.get(none)).toEqual({ looked, infoFence: 0, valueFence: 0 })
    expect(entries.get(a)).toMatchObject({
      info: { info: infoOf(a, 3) },
      value: { version: 10, created: 1, value: 100 },
      infoFence: 3,
      valueFence: 10,
    })
  })

  test('an info of another shape is a miss', async () => {
    const cache = await open(server.url)
    const id = newId()
    const { looked } = (await cache.entries([id])).get(id) as { looked: number }
    cache.fill({ id, looked, info: { revision: 3, readAt: looked, json: '{"id":7}' } })
    await until('the fill', async () => (await cache.entries([id])).get(id)?.infoFence === 3)
    expect((await cache.entries([id])).get(id)?.info).toBeUndefined()
  })

  test('tells of many changes of one turn in one call, each count with its latest', async () => {
    const cache = await open(server.url)
    const ids = Array.from({ length: 100 }, newId)
    await cache.invalidate([{ id: newId(), version: 1 }])
    const calls = async () =>
      Number((await redisInfo(server, 'commandstats', 'cmdstat_evalsha'))?.match(/calls=(\d+)/)?.[1])
    const before = await calls()
    await Promise.all([
      ...ids.map((id) => cache.invalidate([{ id, version: 12 }])),
      ...ids.map((id) => cache.invalidate([{ id, version: 11, revision: 5 }])),
    ])
    expect((await calls()) - before).toBe(1)
    for (const entry of (await cache.entries(ids)).values())
      expect(entry).toMatchObject({ valueFence: 12, infoFence: 5 })
  })

  test('a reader that read before a change cannot put the old value back after it', async () => {
    const cache = await open(server.url)
    const id = newId()
    const { looked } = (await cache.entries([id])).get(id) as { looked: number }
    await cache.invalidate([{ id, version: 12 }])
    cache.fill(fillOf(id, looked, 11, 3))
    await until('the fill', async () => (await cache.entries([id])).get(id)?.info)
    expect((await cache.entries([id])).get(id)).toMatchObject({ valueFence: 12 })
    expect((await cache.entries([id])).get(id)?.value).toBeUndefined()
    expect(await cache.results([id])).toEqual([undefined])
  })

  test('counts hits and misses by level, without a label per count', async () => {
    const metrics = new Registry()
    const cache = await open(server.url, { metrics })
    const id = newId()
    await keep(cache, id, 10, 3)
    const before = await lookups(metrics)
    await cache.results([id, newId()])
    await cache.entries([id, newId(), newId()])
    const after = await lookups(metrics)
    const grown = Object.fromEntries(
      Object.entries(after).map(([name, value]) => [name, value - (before[name] ?? 0)]),
    )
    expect(grown).toEqual({
      'result hit': 1,
      'result miss': 1,
      'info hit': 1,
      'info miss': 2,
      'value hit': 1,
      'value miss': 2,
    })
  })
})

async function lookups(metrics: Registry): Promise<Record<string, number>> {
  const { values } = (await metrics.getSingleMetric('count_cache_lookups_total')?.get()) ?? { values: [] }
  return Object.fromEntries(values.map(({ labels, value }) => [`${labels.level} ${labels.outcome}`, value]))
}

describe('when its server', () => {
  let server: RedisServer
  beforeAll(async () => {
    server = await testRedis({ maxmemoryPolicy: 'allkeys-lru' })
  })
  afterAll(() => server.stop())

  test('hangs, costs one caller 50 ms and the rest nothing, and is back when it is', async () => {
    const cache = await open(server.url, { timeoutMs: 50 })
    const id = newId()
    await keep(cache, id, 10, 3)
    await server.pause()
    try {
      const first = cache.results([id])
      expect(await ms(first)).toBeLessThan(1000)
      expect(await first).toEqual([undefined])
      expect(cache.healthy()).toBe(false)
      const rest = async () => {
        for (let i = 0; i < 100; i++) {
          await cache.results([id])
          await cache.entries([id])
          await cache.invalidate([{ id, version: 1 }])
        }
      }
      // Were each to wait, fifteen seconds.
      expect(await ms(rest())).toBeLessThan(5000)
    } finally {
      await server.resume()
    }
    await until('the cache to be asked again', () => cache.healthy())
    await until('what it held', async () => (await cache.results([id]))[0]?.tag === '10.3')
  })

  test('hangs, a writer waits 50 ms at most and the cache is told when it is back', async () => {
    const cache = await open(server.url, { timeoutMs: 50 })
    const id = newId()
    await keep(cache, id, 10, 3)
    await server.pause()
    try {
      expect(await ms(cache.invalidate([{ id, version: 11 }]))).toBeLessThan(1000)
      expect(
        await ms(
          cache.invalidate([
            { id, version: 12 },
            { id, revision: 4 },
          ]),
        ),
      ).toBeLessThan(1000)
    } finally {
      await server.resume()
    }
    await until('the cache to be told', async () => (await cache.entries([id])).get(id)?.valueFence === 12)
    expect((await cache.entries([id])).get(id)).toMatchObject({ infoFence: 4 })
    expect(await cache.results([id])).toEqual([undefined])
  })

  test('is killed, is a miss at once; empty when it is back, it is told what changed meanwhile', async () => {
    const cache = await open(server.url, { timeoutMs: 50 })
    const id = newId()
    await keep(cache, id, 10, 3)
    await server.kill('SIGKILL')
    expect(await ms(cache.results([id]))).toBeLessThan(1000)
    expect(await ms(cache.invalidate([{ id, version: 11 }]))).toBeLessThan(1000)
    expect(cache.healthy()).toBe(false)
    await server.restart()
    await until('the cache to be told', async () => (await cache.entries([id])).get(id)?.valueFence === 11)
    expect(cache.healthy()).toBe(true)
  })

  test('is not there at the start, it is found when it comes', async () => {
    await server.kill('SIGKILL')
    const cache = await open(server.url, { timeoutMs: 50 })
    const id = newId()
    expect(await cache.results([id])).toEqual([undefined])
    await server.restart()
    await until('the cache', () => cache.healthy())
    await keep(cache, id, 10, 3)
  })
})

describe('on a cluster', () => {
  let cluster: RedisCluster
  beforeAll(async () => {
    cluster = await startRedisCluster({
      primaries: 3,
      replicas: 1,
      maxmemoryPolicy: 'allkeys-lru',
      args: ['--cluster-node-timeout', '1000'],
    })
  })
  afterAll(() => cluster.stop())
  const nodeOf = (id: string) => Math.floor((3 * (crc16(`c:${id}`) % 16384)) / 16384)
  const idOn = (node: number) => {
    for (;;) {
      const id = newId()
      if (nodeOf(id) === node) return id
    }
  }

  test('keeps and invalidates counts of every node', async () => {
    const cache = await open(cluster.url)
    const ids = Array.from({ length: 30 }, (_, i) => idOn(i % 3))
    for (const id of ids) await keep(cache, id, 10, 3)
    expect((await cache.results(ids)).map((result) => result?.json)).toEqual(
      ids.map((id) => `{"id":"${id}","name":"조회수"}`),
    )
    await cache.invalidate(ids.map((id) => ({ id, version: 11 })))
    expect(await cache.results(ids)).toEqual(ids.map(() => undefined))
    for (const entry of (await cache.entries(ids)).values())
      expect(entry).toMatchObject({ valueFence: 11, infoFence: 3 })
  })

  test('a node that hangs is missed alone, and its replica takes over', async () => {
    const cache = await open(cluster.url, { timeoutMs: 50 })
    const ids = [idOn(0), idOn(1), idOn(2)]
    for (const id of ids) await keep(cache, id, 10, 3)
    const hanging = cluster.primaries[1] as RedisServer
    await hanging.pause()
    try {
      await cache.results(ids)
      const rest = async () => {
        for (let i = 0; i < 100; i++) await cache.results(ids)
      }
      // Were each to wait, five seconds.
      expect(await ms(rest())).toBeLessThan(2500)
      await until('the other nodes alone', async () => {
        const [first, second, third] = await cache.results(ids)
        return first && !second && third
      })
      await until('the replica to take over', async () => (await cache.entries(ids)).size === 3, {
        deadlineMs: 20_000,
      })
      await keep(cache, ids[1] as string, 11, 3)
    } finally {
      await hanging.resume()
    }
  })
})
