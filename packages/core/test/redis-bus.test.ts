import { randomUUID } from 'node:crypto'
import { moveSlot, startRedisCluster } from '@count/stack/redis-cluster'
import type { RedisServer } from '@count/stack/redis-server'
import { testRedis } from '@count/stack/testing'
import { until } from '@count/stack/until'
import type { Redis } from 'ioredis'
import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { crc16 } from '../src/crc16.ts'
import { openEventBus } from '../src/event-bus.ts'
import { connectRedis, untilReady } from '../src/redis.ts'
import { streamLength } from '../src/redis-bus.ts'
import { openValueStore } from '../src/value-store.ts'
import { change, changes, collector, eventBusContract } from './event-bus-contract.ts'

const log = pino({ level: 'silent' })
const settings = { EVENT_PARTITIONS: 3, EVENT_RETENTION: 3600, log }

/** A stream that stays where it is. */
const at = (redis: Redis) => ({ primary: () => redis, refresh: async () => {} })

async function connected(server: RedisServer): Promise<Redis> {
  const redis = connectRedis(server.url, { name: 'test', log })
  await untilReady(redis, 5000)
  return redis
}

let server: RedisServer
let redis: Redis
beforeAll(async () => {
  server = await testRedis({ persistence: 'always' })
  redis = await connected(server)
})
afterAll(async () => {
  redis.disconnect()
  await server.stop()
})

describe('a Redis Stream', () => {
  eventBusContract(async (name) => openEventBus({ ...settings, stream: at(redis), name }))

  test('is cut at 100,000 events', async () => {
    const name = randomUUID()
    const bus = openEventBus({ ...settings, stream: at(redis), name })
    onTestFinished(() => bus.close())
    for (let from = 1; from <= streamLength + 5000; from += 5000)
      await bus.publish(changes('a', from, from + 4999))
    const length = await redis.xlen(name)
    expect(length).toBeGreaterThanOrEqual(streamLength)
    expect(length).toBeLessThanOrEqual(streamLength + 200)
  })

  test('leaves out what is no event and goes on', async () => {
    const name = randomUUID()
    const bus = openEventBus({ ...settings, stream: at(redis), name })
    onTestFinished(() => bus.close())
    const seen = collector()
    await bus.subscribe({}, seen.take)
    await redis.xadd(name, '*', 'event', '{"type":"count.changed"}')
    await redis.xadd(name, '*', 'other', 'not json')
    await bus.publish([change('a', 1)])
    await until('the event', () => seen.has('a', 1))
    expect(seen.events).toHaveLength(1)
  })
})

describe('while Redis is away', () => {
  test('publishing is refused at once, subscriptions go on afterwards, and nothing acknowledged is lost', async () => {
    const own = await testRedis({ persistence: 'always' })
    const connection = await connected(own)
    const bus = openEventBus({ ...settings, stream: at(connection) })
    onTestFinished(async () => {
      await bus.close()
      connection.disconnect()
      await own.stop()
    })
    const [sole, grouped] = [collector(), collector()]
    await bus.subscribe({}, sole.take)
    await bus.subscribe({ group: 'g', from: 'earliest' }, grouped.take)
    let n = 0
    const publish = async () => {
      // As a publisher must: the same event until it is acknowledged.
      n++
      await until(`event ${n}`, () => bus.publish([change('a', n)]).then(() => true))
    }
    for (let i = 0; i < 20; i++) await publish()
    await own.kill('SIGKILL')
    await until('the loss to be noticed', () => !bus.healthy())
    await expect(bus.publish([change('a', n + 1)])).rejects.toThrow()
    await own.restart()
    for (let i = 0; i < 20; i++) await publish()
    expect(bus.healthy()).toBe(true)
    await until('all of them', () => sole.has('a', 40) && grouped.has('a', 40))
    const expected = Array.from({ length: 40 }, (_, i) => i + 1)
    expect(sole.versions('a')).toEqual(expected)
    expect(grouped.versions('a')).toEqual(expected)
  })

  test('a full store refuses a publish whole', async () => {
    const own = await testRedis({ maxmemory: '10mb', maxmemoryPolicy: 'noeviction' })
    const connection = await connected(own)
    const bus = openEventBus({ ...settings, stream: at(connection) })
    onTestFinished(async () => {
      await bus.close()
      connection.disconnect()
      await own.stop()
    })
    await connection.config('SET', 'maxmemory', '1')
    await expect(bus.publish(changes('a', 1, 10))).rejects.toThrow(/OOM|EXECABORT/)
    await connection.config('SET', 'maxmemory', '0')
    expect(await connection.xlen('count:events')).toBe(0)
  })
})

test('on a Cluster publishing and reading follow the stream, to another node and through a failover', {
  timeout: 120_000,
}, async () => {
  const cluster = await startRedisCluster({
    primaries: 3,
    replicas: 1,
    args: ['--cluster-node-timeout', '1000'],
  })
  onTestFinished(() => cluster.stop())
  const store = await openValueStore({ VALUE_REDIS_URL: cluster.url, SHARDS: 4 }, { log })
  const bus = openEventBus({ ...settings, stream: store.stream })
  onTestFinished(async () => {
    await bus.close()
    await store.close()
  })
  const seen = collector()
  await bus.subscribe({}, seen.take)
  const publish = (n: number) =>
    until(`event ${n}`, () => bus.publish([change('a', n)]).then(() => true), { deadlineMs: 60_000 })

  await publish(1)
  await until('the first', () => seen.has('a', 1))
  await moveSlot(cluster.primaries, crc16('s0') % 16384)
  await publish(2)
  await until('what came after the move', () => seen.has('a', 2))

  const owner = store.primary(0, 'events').options.port
  await cluster.primaries.find(({ port }) => port === owner)?.kill('SIGKILL')
  await publish(3)
  await until('what came after the failover', () => seen.has('a', 3), { deadlineMs: 60_000 })
  expect(seen.versions('a')).toEqual([1, 2, 3])
  expect(store.primary(0, 'events').options.port).not.toBe(owner)
})
