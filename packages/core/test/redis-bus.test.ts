import { randomUUID } from 'node:crypto'
import type { RedisServer } from '@count/stack/redis-server'
import { testRedis } from '@count/stack/testing'
import { until } from '@count/stack/until'
import type { Redis } from 'ioredis'
import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { openEventBus } from '../src/event-bus.ts'
import { connectRedis, untilReady } from '../src/redis.ts'
import { streamLength } from '../src/redis-bus.ts'
import { change, changes, collector, eventBusContract } from './event-bus-contract.ts'

const log = pino({ level: 'silent' })
const settings = { EVENT_PARTITIONS: 3, EVENT_RETENTION: 3600, log }

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
  eventBusContract(async (name) => openEventBus({ ...settings, redis, name }))

  test('is cut at 100,000 events', async () => {
    const name = randomUUID()
    const bus = openEventBus({ ...settings, redis, name })
    onTestFinished(() => bus.close())
    for (let from = 1; from <= streamLength + 5000; from += 5000)
      await bus.publish(changes('a', from, from + 4999))
    const length = await redis.xlen(name)
    expect(length).toBeGreaterThanOrEqual(streamLength)
    expect(length).toBeLessThanOrEqual(streamLength + 200)
  })

  test('leaves out what is no event and goes on', async () => {
    const name = randomUUID()
    const bus = openEventBus({ ...settings, redis, name })
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
    const bus = openEventBus({ ...settings, redis: connection })
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
    const bus = openEventBus({ ...settings, redis: connection })
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
