import { openCache } from '@count/core/count-cache'
import type { EventBus } from '@count/core/event-bus'
import type { CountEvent } from '@count/core/events'
import { deploymentKeys, shardKeys } from '@count/core/keys'
import { connectPostgres } from '@count/core/postgres'
import { openValueStore, StoreUnavailable, type ValueStore } from '@count/core/value-store'
import { until } from '@count/stack/until'
import { Registry } from 'prom-client'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { entryOf } from '../src/audit.ts'
import { findCount, nextRevision } from '../src/count-rows.ts'
import { createLifecycle } from '../src/lifecycle.ts'
import { startOutbox } from '../src/lifecycle-outbox.ts'
import { type Caller, log, openWorld, signIn, type World } from './world.ts'

const path = '/api/v1/admin/counts'
const any = { 'if-match': '*' }
let world: World
let editor: Caller
beforeAll(async () => {
  world = await openWorld()
  editor = await signIn(world.app, 'editor')
})
afterEach(async () => {
  for (const close of closing.splice(0)) await close()
})
afterAll(() => world.close())
/** What a test opened, to be closed before its stores. */
const closing: (() => Promise<unknown>)[] = []

const keysOf = (store: ValueStore, id: string) => store.keys(store.shardOf(id))

/** A lifecycle of its own, as a process that dies at a chosen moment has one. */
async function another() {
  const sql = connectPostgres(world.databases.INFO_DATABASE_URL, { name: 'another', max: 4 })
  const store = await openValueStore({ VALUE_REDIS_URL: world.value.url }, { log })
  const cache = await openCache(world.cache.url, { log, metrics: new Registry() })
  closing.push(async () => {
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
async function events(id: string): Promise<CountEvent[]> {
  const entries = await world.redis.xrange(deploymentKeys.events, '-', '+')
  const all: CountEvent[] = entries.map(([, [, text]]) => JSON.parse(text ?? ''))
  return all.filter((event) => event.subject === id)
}

let made = 0
const newId = () => `count-${++made}`

const actor = { username: 'dead', address: 'test' }

describe('events', () => {
  test('each change of a life is published once, in order, with CountInfo, value and version', async () => {
    const id = newId()
    await editor.call('POST', path, { id, name: 'A', initialValue: 5 })
    const { revision } = (await editor.call('PATCH', `${path}/${id}`, { name: 'B' }, any)).body
    await editor.call('DELETE', `${path}/${id}`, undefined, any)
    await until('the events', async () => (await events(id)).length === 3)
    const [created, updated, deleted] = await events(id)
    expect(created).toMatchObject({
      type: 'count.created',
      subject: id,
      data: { id, name: 'A', value: 5 },
    })
    expect(updated).toMatchObject({ type: 'count.updated', data: { name: 'B', revision, value: 5 } })
    expect(deleted).toMatchObject({ type: 'count.deleted', id: `${id}:${deleted?.data.version}` })
    const versions = [created, updated, deleted].map((event) => event?.data.version)
    expect(versions).toEqual([...versions].sort())
    await allDone()
  })

  test('several processes publish each once and in order per count', async () => {
    const processes = [await world.open(), await world.open()]
    for (const { close } of processes) closing.push(close)
    const ids = Array.from({ length: 10 }, (_, i) => `c${i}`)
    await Promise.all(
      ids.map(async (id) => {
        await editor.call('POST', path, { id, name: '0' })
        for (const name of ['1', '2', '3']) await editor.call('PATCH', `${path}/${id}`, { name }, any)
      }),
    )
    await allDone()
    for (const id of ids) {
      const names = (await events(id)).map((event) => 'name' in event.data && event.data.name)
      expect(names).toEqual(['0', '1', '2', '3'])
    }
  })
})

describe('what a crash leaves is brought to its end', () => {
  test('between the commit of a creation and its script', async () => {
    const id = newId()
    const { sql, store, lifecycle } = await another()
    await sql.begin(async (tx) => {
      const revision = await nextRevision(tx)
      await tx`insert into count_info (id, created, revision, name, description, unit, tags, initial_value, status, metadata, hash)
        values (${id}, ${revision}, ${revision}, 'x', '', '', '{}', 9, 'active', '{}', 0)`
      const info = await findCount(tx, id)
      if (info) await lifecycle.enqueue(tx, { kind: 'created', info })
    })
    await until('the record', async () => (await world.redis.hget(keysOf(store, id).count(id), 'v')) === '9')
    await until('the event', async () => (await events(id)).some((event) => event.type === 'count.created'))
    await allDone()
  })

  test.for(['before its script', 'between its script and its row'])('of an update %s', async (moment) => {
    const id = newId()
    const { sql, store, lifecycle } = await another()
    await editor.call('POST', path, { id, name: 'A' })
    const keys = keysOf(store, id)
    const revision = await sql.begin(async (tx) => {
      const before = await findCount(tx, id, true)
      if (!before) throw new Error('no such count')
      const info = { ...before, revision: await nextRevision(tx), name: 'B', max: 10 }
      await lifecycle.enqueue(tx, { kind: 'updated', info, audit: entryOf(actor, 'count.update', id) })
      // The script ran, and its process died before it could write down so.
      if (moment !== 'before its script')
        await world.redis.hset(keys.count(id), 'u', '10', 'r', String(info.revision))
      return info.revision
    })
    await until('the row', async () => (await editor.call('GET', `${path}/${id}`)).body.revision === revision)
    expect((await editor.call('GET', `${path}/${id}`)).body).toMatchObject({ name: 'B', max: 10 })
    expect(await world.redis.hmget(keys.count(id), 'u', 'r')).toEqual(['10', String(revision)])
    expect(await world.sql`select from audit where username = 'dead' and target = ${id}`).toHaveLength(1)
    await allDone()
  })

  test('an update that its record refuses leaves nothing', async () => {
    const id = newId()
    const { sql, lifecycle } = await another()
    await editor.call('POST', path, { id, name: 'A', initialValue: 50 })
    const before = (await editor.call('GET', `${path}/${id}`)).body
    await sql.begin(async (tx) => {
      const info = await findCount(tx, id, true)
      if (!info) throw new Error('no such count')
      const change = { ...info, revision: await nextRevision(tx), max: 49 }
      await lifecycle.enqueue(tx, {
        kind: 'updated',
        info: change,
        audit: entryOf(actor, 'count.update', id),
      })
    })
    await allDone()
    expect((await editor.call('GET', `${path}/${id}`)).body).toEqual(before)
    expect(await world.sql`select from audit where username = 'dead' and target = ${id}`).toHaveLength(0)
  })

  test('the next editor waits for what is on its way, and is judged by it', async () => {
    const id = newId()
    const { sql, lifecycle } = await another()
    await editor.call('POST', path, { id, name: 'A' })
    const { headers } = await editor.call('GET', `${path}/${id}`)
    const begun = Promise.withResolvers<void>()
    const go = Promise.withResolvers<void>()
    const revision = await sql.begin(async (tx) => {
      const info = await findCount(tx, id, true)
      if (!info) throw new Error('no such count')
      const change = { ...info, revision: await nextRevision(tx), name: 'B' }
      await lifecycle.enqueue(tx, {
        kind: 'updated',
        info: change,
        audit: entryOf(actor, 'count.update', id),
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
    const second = editor.call('PATCH', `${path}/${id}`, { name: 'C' }, { 'if-match': String(headers.etag) })
    let answered = false
    void second.then(() => {
      answered = true
    })
    // It waits for the holder, unless a worker had settled the change before that one came.
    const waits = async () =>
      (await sql`select from pg_stat_activity where wait_event_type = 'Lock'`).length > 0
    await until('the second editor', async () => answered || (await waits()))
    go.resolve()
    await holder
    expect((await second).status).toBe(412)
    expect((await editor.call('GET', `${path}/${id}`)).body.name).toBe('B')
  })

  test('between the commit of a removal and its script, and the id can begin a new life meanwhile', async () => {
    const id = newId()
    const { sql, store, lifecycle } = await another()
    await editor.call('POST', path, { id, name: 'A', initialValue: 1 })
    await sql.begin(async (tx) => {
      const info = await findCount(tx, id, true)
      if (!info) throw new Error('no such count')
      const revision = await nextRevision(tx)
      await tx`update count_info set deleted_at = now(), revision = ${revision} where id = ${id}`
      await lifecycle.enqueue(tx, { kind: 'deleted', info: { ...info, revision } })
    })
    const again = await editor.call('POST', path, { id, name: 'again', initialValue: 2 })
    expect(again.status).toBe(201)
    await allDone()
    expect(await world.redis.hget(keysOf(store, id).count(id), 'v')).toBe('2')
    expect((await events(id)).map((event) => event.type)).toEqual([
      'count.created',
      'count.deleted',
      'count.created',
    ])
  })
})

test('a creation that is still under way somewhere cannot come after the removal', async () => {
  const id = newId()
  const { sql, store, lifecycle } = await another()
  await editor.call('POST', path, { id, name: 'A' })
  const info = await findCount(sql, id)
  if (!info) throw new Error('no such count')
  // As if its script had never run.
  await world.redis.del(keysOf(store, id).count(id))
  expect((await editor.call('DELETE', `${path}/${id}`, undefined, any)).status).toBe(204)
  expect(await lifecycle.complete(info)).toEqual({ outcome: 'superseded' })
  expect(await world.redis.exists(keysOf(store, id).count(id))).toBe(0)
})

describe('while the value store is away', () => {
  test('creating is refused and nothing is made; it works again when the store is back', async () => {
    const id = newId()
    await editor.call('POST', path, { id: 'before', name: 'x' })
    await world.value.kill('SIGKILL')
    const reply = await editor.call('POST', path, { id, name: 'A' })
    expect(reply.status).toBe(503)
    expect(reply.headers['retry-after']).toBe('1')
    expect((await editor.call('GET', `${path}/${id}`)).status).toBe(404)
    // Refused at once, or taken back where the loss was noticed only in the middle.
    const actions = (await world.sql`select action from audit where target = ${id} order by id`).map(
      (row) => row.action,
    )
    expect([[], ['count.create', 'count.create-cancelled']]).toContainEqual(actions)
    expect((await editor.call('PATCH', `${path}/before`, { name: 'y' }, any)).status).toBe(503)
    expect((await editor.call('DELETE', `${path}/before`, undefined, any)).status).toBe(503)
    expect((await editor.call('PUT', `${path}/before/value`, { value: 1, reason: 'x' })).status).toBe(503)
    const list = await editor.call('GET', path)
    expect(list.body.items.find((item) => item.id === 'before')).toMatchObject({ name: 'x', value: null })
    await world.value.restart()
    await world.recover()
    await until('the store', async () => (await editor.call('POST', path, { id, name: 'A' })).status === 201)
    expect((await editor.call('GET', `${path}/before`)).body).toMatchObject({ name: 'x', value: 0 })
  })

  test('a creation that the store lost in the middle is taken back whole', async () => {
    const id = newId()
    const { store } = await another()
    const keys = keysOf(store, id)
    // A first life, so that the connection stands and the service finds nothing amiss before it begins.
    await editor.call('POST', path, { id, name: 'A' })
    await editor.call('DELETE', `${path}/${id}`, undefined, any)
    await allDone()
    await world.value.pause()
    const reply = await editor.call('POST', path, { id, name: 'A', initialValue: 3 })
    expect(reply.status).toBe(503)
    await world.value.resume()
    expect((await editor.call('GET', `${path}/${id}`)).status).toBe(404)
    await allDone()
    expect(await world.redis.exists(keys.count(id))).toBe(0)
    const again = await editor.call('POST', path, { id, name: 'A', initialValue: 4 })
    expect(again.status).toBe(201)
    await allDone()
    expect((await editor.call('GET', `${path}/${id}`)).body).toMatchObject({ value: 4 })
    const actions = (
      await world.sql<{ action: string }[]>`select action from audit where target = ${id} order by id`
    ).map((row) => row.action)
    expect(actions.slice(2)).toEqual(['count.create', 'count.create-cancelled', 'count.create'])
  })

  test('a shard that waits for recovery takes no change', async () => {
    const id = newId()
    await world.redis.del(...[0, 1, 2, 3].map((shard) => shardKeys(shard).recovered))
    const { app, close } = await world.open()
    closing.push(close)
    const fresh = await signIn(app, 'editor')
    expect((await fresh.call('POST', path, { id, name: 'A' })).status).toBe(503)
    await expect((await another()).lifecycle.reachable(id)).rejects.toThrow(StoreUnavailable)
    await world.recover()
  })
})

test('what the cache knew of a count is out of date before the change is answered', async () => {
  const id = newId()
  const cache = await openCache(world.cache.url, { log, metrics: new Registry() })
  closing.push(async () => cache.close())
  const created = (await editor.call('POST', path, { id, name: 'A' })).body
  const fences = async () => (await cache.entries([id])).get(id)
  expect(await fences()).toMatchObject({ infoFence: created.revision })
  const { revision } = (await editor.call('PATCH', `${path}/${id}`, { name: 'B' }, any)).body
  expect(await fences()).toMatchObject({ infoFence: revision })
  const { version } = (await editor.call('PUT', `${path}/${id}/value`, { value: 5, reason: 'x' })).body
  expect(await fences()).toMatchObject({ valueFence: version })
})

// The last one, as it ends the service's own worker.
test('a bus that failed gets them again, in order; one that is away is not asked', async () => {
  const { sql, lifecycle } = await another()
  const sent: string[] = []
  let healthy = false
  let asked = 0
  const bus: EventBus = {
    healthy: () => healthy,
    subscribe: async () => ({ close: async () => undefined }),
    close: async () => undefined,
    async publish(events) {
      if (asked++ === 0) throw new Error('the bus failed, as this test wants')
      sent.push(...events.map((event) => event.type))
    },
  }
  // The service's own worker has ended, as drain ends it.
  await world.end()
  const worker = startOutbox({ sql, lifecycle, bus, log })
  closing.unshift(worker.close)
  await sql`insert into lifecycle_outbox (revision, id, created, kind, info, outcome, value, version)
    values (1000000, 'x', 1000000, 'created', '{"id": "x"}', 'applied', 1, 1),
      (1000001, 'x', 1000000, 'updated', '{"id": "x"}', 'applied', 1, 2)`
  worker.wake()
  await until(
    'a round',
    async () => (await sql`select from pg_stat_activity where query like '%outcome is null%'`).length > 0,
  )
  expect(asked).toBe(0)
  healthy = true
  worker.wake()
  await allDone()
  expect(sent).toEqual(['count.created', 'count.updated'])
  expect(asked).toBe(3)
})
