import { openCache } from '@count/core/count-cache'
import type { EventBus } from '@count/core/event-bus'
import type { CountEvent } from '@count/core/events'
import { shardKeys } from '@count/core/keys'
import { connectPostgres } from '@count/core/postgres'
import { openValueStore, StoreUnavailable, type ValueStore } from '@count/core/value-store'
import { until } from '@count/stack/until'
import { Registry } from 'prom-client'
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { entryOf } from '../src/audit.ts'
import { findCount, nextRevision } from '../src/count-rows.ts'
import { createLifecycle } from '../src/lifecycle.ts'
import { startOutbox } from '../src/lifecycle-outbox.ts'
import { type Caller, log, openWorld, signIn, type World } from './world.ts'

const path = '/api/v1/admin/counts'
const any = { 'if-match': '*' }
let world: World
let editor: Caller
beforeEach(async () => {
  world = await openWorld()
  editor = await signIn(world.app, 'editor')
})
afterEach(() => world.close())

const keysOf = (store: ValueStore, id: string) => store.keys(store.shardOf(id))

/** A lifecycle of its own, as a process that dies at a chosen moment has one. */
async function another() {
  const sql = connectPostgres(world.databases.INFO_DATABASE_URL, { name: 'another', max: 4 })
  const store = await openValueStore({ VALUE_REDIS_URL: world.value.url }, { log })
  const cache = await openCache(world.cache.url, { log, metrics: new Registry() })
  onTestFinished(async () => {
    cache.close()
    await store.close()
    await sql.end({ timeout: 1 })
  })
  const lifecycle = createLifecycle({ sql, store, cache })
  return { sql, store, lifecycle }
}

const outbox = async () =>
  await world.sql<{ kind: string; id: string; outcome: string | null; done: boolean }[]>`
    select kind, id, outcome, done_at is not null as done from lifecycle_outbox order by revision`

const allDone = () => until('the outbox', async () => (await outbox()).every((row) => row.done))

/** The events on the bus, which is a Redis Stream here. */
async function events(): Promise<CountEvent[]> {
  const entries = await world.redis.xrange('count:events', '-', '+')
  return entries.map(([, [, text]]) => JSON.parse(text ?? ''))
}

const actor = { username: 'dead', address: 'test' }

describe('events', () => {
  test('each change of a life is published once, in order, with CountInfo, value and version', async () => {
    await editor.call('POST', path, { id: 'a', name: 'A', initialValue: 5 })
    const { revision } = (await editor.call('PATCH', `${path}/a`, { name: 'B' }, any)).body
    await editor.call('DELETE', `${path}/a`, undefined, any)
    await until('the events', async () => (await events()).length === 3)
    const [created, updated, deleted] = await events()
    expect(created).toMatchObject({
      type: 'count.created',
      subject: 'a',
      data: { id: 'a', name: 'A', value: 5 },
    })
    expect(updated).toMatchObject({ type: 'count.updated', data: { name: 'B', revision, value: 5 } })
    expect(deleted).toMatchObject({ type: 'count.deleted', id: `a:${deleted?.data.version}` })
    const versions = [created, updated, deleted].map((event) => event?.data.version)
    expect(versions).toEqual([...versions].sort())
    await allDone()
  })

  test('several processes publish each once and in order per count', async () => {
    await world.open()
    await world.open()
    const ids = Array.from({ length: 10 }, (_, i) => `c${i}`)
    await Promise.all(
      ids.map(async (id) => {
        await editor.call('POST', path, { id, name: '0' })
        for (const name of ['1', '2', '3']) await editor.call('PATCH', `${path}/${id}`, { name }, any)
      }),
    )
    await allDone()
    const all = await events()
    expect(all).toHaveLength(40)
    for (const id of ids) {
      expect(
        all.filter((event) => event.subject === id).map((event) => 'name' in event.data && event.data.name),
      ).toEqual(['0', '1', '2', '3'])
    }
  })

  test('a bus that is away gets them when it is back, and one that failed gets them again', async () => {
    const { sql, lifecycle } = await another()
    // The service's own worker must not take them.
    await world.sql`create table held as select * from lifecycle_outbox`
    const sent: CountEvent[] = []
    let healthy = false
    let failures = 2
    const bus: EventBus = {
      healthy: () => healthy,
      subscribe: async () => ({ close: async () => undefined }),
      close: async () => undefined,
      async publish(events) {
        if (failures-- > 0) throw new Error('the bus failed, as this test wants')
        sent.push(...events)
      },
    }
    await sql`insert into lifecycle_outbox (revision, id, created, kind, info, outcome, value, version)
      values (1000000, 'x', 1000000, 'created', '{"id": "x"}', 'applied', 1, 1), (1000001, 'x', 1000000, 'updated', '{"id": "x"}', 'applied', 1, 2)`
    const worker = startOutbox({ sql, lifecycle, bus, log })
    healthy = true
    await until(
      'the events',
      () => sent.length === 2 || outbox().then((rows) => rows.every((row) => row.done)),
    )
    await worker.close()
    await allDone()
  })
})

describe('what a crash leaves is brought to its end', () => {
  test('between the commit of a creation and its script', async () => {
    const { sql, store, lifecycle } = await another()
    await sql.begin(async (tx) => {
      const revision = await nextRevision(tx)
      await tx`insert into count_info (id, created, revision, name, description, unit, tags, initial_value, status, metadata, hash)
        values ('dead', ${revision}, ${revision}, 'x', '', '', '{}', 9, 'active', '{}', 0)`
      const info = await findCount(tx, 'dead')
      if (info) await lifecycle.enqueue(tx, { kind: 'created', info })
    })
    await until(
      'the record',
      async () => (await world.redis.hget(keysOf(store, 'dead').count('dead'), 'v')) === '9',
    )
    await until('the event', async () => (await events()).some((event) => event.type === 'count.created'))
    await allDone()
  })

  test.for(['before its script', 'between its script and its row'])('of an update %s', async (moment) => {
    const { sql, store, lifecycle } = await another()
    await editor.call('POST', path, { id: 'a', name: 'A' })
    const keys = keysOf(store, 'a')
    const revision = await sql.begin(async (tx) => {
      const before = await findCount(tx, 'a', true)
      if (!before) throw new Error('no such count')
      const info = { ...before, revision: await nextRevision(tx), name: 'B', max: 10 }
      await lifecycle.enqueue(tx, { kind: 'updated', info, audit: entryOf(actor, 'count.update', 'a') })
      // The script ran, and its process died before it could write down so.
      if (moment !== 'before its script')
        await world.redis.hset(keys.count('a'), 'u', '10', 'r', String(info.revision))
      return info.revision
    })
    await until('the row', async () => (await editor.call('GET', `${path}/a`)).body.revision === revision)
    expect((await editor.call('GET', `${path}/a`)).body).toMatchObject({ name: 'B', max: 10 })
    expect(await world.redis.hmget(keys.count('a'), 'u', 'r')).toEqual(['10', String(revision)])
    expect(await world.sql`select from audit where username = 'dead'`).toHaveLength(1)
    await allDone()
  })

  test('an update that its record refuses leaves nothing', async () => {
    const { sql, lifecycle } = await another()
    await editor.call('POST', path, { id: 'a', name: 'A', initialValue: 50 })
    const before = (await editor.call('GET', `${path}/a`)).body
    await sql.begin(async (tx) => {
      const info = await findCount(tx, 'a', true)
      if (!info) throw new Error('no such count')
      const change = { ...info, revision: await nextRevision(tx), max: 49 }
      await lifecycle.enqueue(tx, {
        kind: 'updated',
        info: change,
        audit: entryOf(actor, 'count.update', 'a'),
      })
    })
    await until('the refusal', async () => (await outbox()).length === 1)
    expect((await editor.call('GET', `${path}/a`)).body).toEqual(before)
    expect(await world.sql`select from audit where username = 'dead'`).toHaveLength(0)
  })

  test('the next editor waits for what is on its way, and is judged by it', async () => {
    const { sql, lifecycle } = await another()
    await editor.call('POST', path, { id: 'a', name: 'A' })
    const { headers } = await editor.call('GET', `${path}/a`)
    const begun = Promise.withResolvers<void>()
    const go = Promise.withResolvers<void>()
    const revision = await sql.begin(async (tx) => {
      const info = await findCount(tx, 'a', true)
      if (!info) throw new Error('no such count')
      const change = { ...info, revision: await nextRevision(tx), name: 'B' }
      await lifecycle.enqueue(tx, {
        kind: 'updated',
        info: change,
        audit: entryOf(actor, 'count.update', 'a'),
      })
      return change.revision
    })
    // Another process has it in hand.
    const holder = sql.begin(async (tx) => {
      await tx`select from lifecycle_outbox where revision = ${revision} for update`
      begun.resolve()
      await go.promise
    })
    await begun.promise
    const second = editor.call('PATCH', `${path}/a`, { name: 'C' }, { 'if-match': String(headers.etag) })
    const early = await Promise.race([
      second,
      new Promise<string>((resolve) => setTimeout(resolve, 300, 'waits')),
    ])
    // Either it waits, or a worker had settled it before the holder came.
    expect(early === 'waits' || (typeof early === 'object' && early.status === 412)).toBe(true)
    go.resolve()
    await holder
    expect((await second).status).toBe(412)
    expect((await editor.call('GET', `${path}/a`)).body.name).toBe('B')
  })

  test('between the commit of a removal and its script, and the id can begin a new life meanwhile', async () => {
    const { sql, store, lifecycle } = await another()
    await editor.call('POST', path, { id: 'a', name: 'A', initialValue: 1 })
    await sql.begin(async (tx) => {
      const info = await findCount(tx, 'a', true)
      if (!info) throw new Error('no such count')
      const revision = await nextRevision(tx)
      await tx`update count_info set deleted_at = now(), revision = ${revision} where id = 'a'`
      await lifecycle.enqueue(tx, { kind: 'deleted', info: { ...info, revision } })
    })
    const again = await editor.call('POST', path, { id: 'a', name: 'again', initialValue: 2 })
    expect(again.status).toBe(201)
    await allDone()
    expect(await world.redis.hget(keysOf(store, 'a').count('a'), 'v')).toBe('2')
    expect((await events()).map((event) => event.type)).toEqual([
      'count.created',
      'count.deleted',
      'count.created',
    ])
  })
})

describe('while the value store is away', () => {
  test('creating is refused and nothing is made; it works again when the store is back', async () => {
    await editor.call('POST', path, { id: 'before', name: 'x' })
    await world.value.kill('SIGKILL')
    const reply = await editor.call('POST', path, { id: 'a', name: 'A' })
    expect(reply.status).toBe(503)
    expect(reply.headers['retry-after']).toBe('1')
    expect((await editor.call('GET', `${path}/a`)).status).toBe(404)
    expect(await world.sql`select from audit where target = 'a'`).toHaveLength(0)
    expect((await editor.call('PATCH', `${path}/before`, { name: 'y' }, any)).status).toBe(503)
    expect((await editor.call('DELETE', `${path}/before`, undefined, any)).status).toBe(503)
    expect((await editor.call('PUT', `${path}/before/value`, { value: 1, reason: 'x' })).status).toBe(503)
    const list = await editor.call('GET', path)
    expect(list.body.items).toMatchObject([{ id: 'before', name: 'x', value: null }])
    await world.value.restart()
    await world.recover()
    await until(
      'the store',
      async () => (await editor.call('POST', path, { id: 'a', name: 'A' })).status === 201,
    )
    expect((await editor.call('GET', `${path}/before`)).body).toMatchObject({ name: 'x', value: 0 })
  })

  test('a creation that the store lost in the middle is taken back whole', async () => {
    const { store } = await another()
    // The script cannot answer: the keys of its shard are of another type.
    const keys = keysOf(store, 'a')
    await world.redis.set('freeze', '1')
    await world.value.pause()
    const reply = await editor.call('POST', path, { id: 'a', name: 'A', initialValue: 3 })
    expect(reply.status).toBe(503)
    await world.value.resume()
    expect((await editor.call('GET', `${path}/a`)).status).toBe(404)
    await allDone()
    expect(await world.redis.exists(keys.count('a'))).toBe(0)
    const again = await editor.call('POST', path, { id: 'a', name: 'A', initialValue: 4 })
    expect(again.status).toBe(201)
    await allDone()
    expect((await editor.call('GET', `${path}/a`)).body).toMatchObject({ value: 4 })
    const actions = (
      await world.sql<{ action: string }[]>`select action from audit where target = 'a' order by id`
    ).map((row) => row.action)
    expect(actions).toEqual(['count.create', 'count.create-cancelled', 'count.create'])
  })

  test('a shard that waits for recovery takes no change', async () => {
    await world.redis.del(...[0, 1, 2, 3].map((shard) => shardKeys(shard).recovered))
    const { app } = await world.open()
    const fresh = await signIn(app, 'editor')
    expect((await fresh.call('POST', path, { id: 'a', name: 'A' })).status).toBe(503)
    await expect((await another()).lifecycle.reachable('a')).rejects.toThrow(StoreUnavailable)
  })
})

test('what the cache knew of a count is out of date before the change is answered', async () => {
  const cache = await openCache(world.cache.url, { log, metrics: new Registry() })
  onTestFinished(() => cache.close())
  const created = (await editor.call('POST', path, { id: 'a', name: 'A' })).body
  const fences = async () => (await cache.entries(['a'])).get('a')
  expect(await fences()).toMatchObject({ infoFence: created.revision })
  const { revision } = (await editor.call('PATCH', `${path}/a`, { name: 'B' }, any)).body
  expect(await fences()).toMatchObject({ infoFence: revision })
  await editor.call('PUT', `${path}/a/value`, { value: 5, reason: 'x' })
  const corrected = Number(
    await world.redis.hget(
      Array.from({ length: 4 }, (_, n) => shardKeys(n))
        .map((keys) => keys.count('a'))
        .at(0) ?? '',
      't',
    ),
  )
  expect((await fences())?.valueFence).toBeGreaterThanOrEqual(corrected)
})
