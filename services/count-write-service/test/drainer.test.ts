import { setTimeout as delay } from 'node:timers/promises'
import { connectRedis, untilReady } from '@count/core/redis'
import { openValueStore, type ValueStore } from '@count/core/value-store'
import type { RedisServer } from '@count/stack/redis-server'
import { testRedis } from '@count/stack/testing'
import { until } from '@count/stack/until'
import type { Redis } from 'ioredis'
import { pino } from 'pino'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type Drainer, type Entry, openDrainer } from '../src/drainer.ts'

const log = pino({ level: 'silent' })
let server: RedisServer
let store: ValueStore
let redis: Redis
const drainers: Drainer[] = []

beforeEach(async () => {
  server = await testRedis()
  store = await openValueStore(
    { VALUE_REDIS_URL: server.url, SHARDS: 1 },
    {
      log,
      recover: async (shard, redis, replid) => void (await redis.set(store.keys(shard).recovered, replid)),
    },
  )
  redis = connectRedis(server.url, { name: 'test', log })
  await untilReady(redis, 1000)
})
afterEach(async () => {
  for (const drainer of drainers.splice(0)) await drainer.close(0)
  redis.disconnect()
  await store.close()
  await server.stop()
})

function start(handle: (entries: Entry[]) => Promise<void>, leaseMs = 200) {
  const drainer = openDrainer({
    name: 'test',
    store,
    queue: (keys) => keys.changes,
    handle: (_shard, entries) => handle(entries),
    pauseMs: 5,
    leaseMs,
    chunk: 10,
    ack: 'local',
    log,
  })
  drainers.push(drainer)
  drainer.start()
  return drainer
}

const { queue, claimed } = { queue: '{s0}:changes', claimed: '{s0}:changes:claimed' }

test('hands every entry over once, in chunks, and empties the claim', async () => {
  await redis.hset(queue, Object.fromEntries(Array.from({ length: 25 }, (_, n) => [`id${n} 1`, 'x'])))
  const seen: number[] = []
  const fields = new Set<string>()
  start(async (entries) => {
    seen.push(entries.length)
    for (const [field] of entries) fields.add(field)
  })
  await until('the claim to be acknowledged', async () => (await redis.exists(queue, claimed)) === 0)
  expect(seen).toEqual([10, 10, 5])
  expect(fields.size).toBe(25)
})

test('what was not handed over comes again, identical, before anything newer', async () => {
  await redis.hset(queue, 'a 1', 'first')
  const seen: Entry[][] = []
  start(async (entries) => {
    seen.push(entries)
    if (seen.length === 1) await redis.hset(queue, 'a 1', 'second')
    if (seen.length < 3) throw new Error('the bus is away')
  })
  await until('both to be handed over', () => seen.length === 4)
  expect(seen).toEqual([...Array(3).fill([['a 1', 'first']]), [['a 1', 'second']]])
})

test('a drain is followed by a rest twice its length, poked or not', async () => {
  const tookMs = 40
  const drains: { began: number; ended: number }[] = []
  await redis.hset(queue, 'a 1', 'x')
  const drainer = start(async () => {
    const began = performance.now()
    await redis.hset(queue, 'a 1', 'x')
    await delay(tookMs)
    drains.push({ began, ended: performance.now() })
  })
  await until('a second drain', () => {
    drainer.poke(0)
    return drains.length > 1
  })
  const [first, second] = drains as [(typeof drains)[number], (typeof drains)[number]]
  expect(second.began - first.ended).toBeGreaterThan(2 * tookMs - 5)
})

test('a drainer that wakes after its lease has ended does not remove its successor’s claim', async () => {
  await redis.hset(queue, 'a 1', 'x')
  const first = Promise.withResolvers<void>()
  const second = Promise.withResolvers<void>()
  let firstCalls = 0
  let secondCalls = 0
  start(async () => {
    firstCalls++
    await first.promise
  })
  await until('the first to hold the claim', () => firstCalls === 1)
  start(async () => {
    secondCalls++
    if (secondCalls > 1) return
    await second.promise
    throw new Error('the bus is away')
  }, 60_000)
  await until('the second to take over', () => secondCalls === 1)
  first.resolve()
  await until('the first to have tried to claim again', async () => {
    const calls = await redis.info('commandstats')
    return Number(/cmdstat_evalsha:calls=(\d+)/.exec(calls)?.[1]) > 6
  })
  expect(await redis.hgetall(claimed)).toEqual({ 'a 1': 'x' })
  second.resolve()
  await until(
    'the second to hand it over after all',
    async () => secondCalls === 2 && (await redis.exists(claimed)) === 0,
  )
  expect(firstCalls).toBe(1)
})
