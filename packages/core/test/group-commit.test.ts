import { testRedis } from '@count/stack/testing'
import { pino } from 'pino'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type GroupCommit, openGroupCommit } from '../src/group-commit.ts'
import { callScript } from '../src/scripts.ts'
import { openValueStore, type ValueStore } from '../src/value-store.ts'
import { openZone } from '../src/zone.ts'

const log = pino({ level: 'silent' })
let redis: Awaited<ReturnType<typeof testRedis>>
let store: ValueStore
let writer: GroupCommit

/** Opens a shard as recovery would, without an archive. */
async function recover(shard: number, connection: import('ioredis').Redis, replid: string) {
  await connection.set(store.keys(shard).recovered, replid)
}

beforeAll(async () => {
  redis = await testRedis()
  store = await openValueStore({ VALUE_REDIS_URL: redis.url }, { log, recover })
  writer = openGroupCommit(store, { log, zone: openZone('UTC'), ack: 'local', idempotencyTtlMs: 60_000 })
})
afterAll(async () => {
  await writer.close()
  await store.close()
  await redis.stop()
})

async function create(id: string, { value = 0, min = '', max = '' } = {}) {
  const shard = store.shardOf(id)
  const keys = store.keys(shard)
  const records = [keys.count(id), keys.history(id), keys.gone(id), keys.goneHistory(id)]
  await callScript(
    await store.writable(shard),
    'count_create',
    [...records, keys.clock, keys.dirty.queue, keys.revision],
    [id, 1, 1, 'active', min, max, value, ''],
  )
}

test('concurrent increments all count, in few calls', async () => {
  await create('a')
  const outcomes = await Promise.all(
    Array.from({ length: 500 }, () =>
      writer.apply({ operations: [{ id: 'a', kind: 'increment', amount: 2 }] }),
    ),
  )
  expect(outcomes.flat().every((outcome) => outcome.word === 'ok')).toBe(true)
  const values = outcomes.flat().map((outcome) => outcome.value)
  expect(Math.max(...values)).toBe(1000)
  expect(new Set(values).size).toBe(500)
})

test('a hundred callers on a count that may not fall below 0 take exactly what is there', async () => {
  await create('stock', { value: 50, min: '0' })
  const outcomes = await Promise.all(
    Array.from({ length: 100 }, () =>
      writer.apply({ operations: [{ id: 'stock', kind: 'decrement', amount: 1 }] }),
    ),
  )
  const words = outcomes.flat().map((outcome) => outcome.word)
  expect(words.filter((word) => word === 'ok')).toHaveLength(50)
  expect(words.filter((word) => word === 'bounds')).toHaveLength(50)
})

test('a repeated call under the same key adds nothing and gets the first answer', async () => {
  await create('k')
  const request = {
    operations: [{ id: 'k', kind: 'increment' as const, amount: 5 }],
    idempotency: { scope: 'x k1', content: 'i5' },
  }
  const [first, second] = await Promise.all([writer.apply(request), writer.apply(request)])
  expect([first[0]?.replayed, second[0]?.replayed].sort()).toEqual([false, true])
  expect(second[0]).toMatchObject({ value: 5, delta: 5 })
  const [other] = await writer.apply({ ...request, idempotency: { scope: 'x k1', content: 'i6' } })
  expect(other?.word).toBe('reused')
})

test('a missing count refuses the whole request until it is final', async () => {
  await create('here')
  const operations = [
    { id: 'here', kind: 'increment' as const, amount: 1 },
    { id: 'nowhere', kind: 'increment' as const, amount: 1 },
  ].filter((operation) => store.shardOf(operation.id) === store.shardOf('nowhere'))
  const words = (await writer.apply({ operations })).map((outcome) => outcome.word)
  expect(words.at(-1)).toBe('missing')
})
