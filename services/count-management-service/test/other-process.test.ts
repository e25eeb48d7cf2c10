import { openCache } from '@count/core/count-cache'
import { openValueStore } from '@count/core/value-store'
import { until } from '@count/stack/until'
import { Registry } from 'prom-client'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { entryOf } from '../src/audit.ts'
import { findCount, nextRevision } from '../src/count-rows.ts'
import { createLifecycle } from '../src/lifecycle.ts'
import { openProcesses } from './processes.ts'
import { type Caller, log, openWorld, signIn, type World } from './world.ts'

const admin = '/api/v1/admin'
const any = { 'if-match': '*' }
/** From the administrator's answer, or the commit whose process died. */
const promised = { deadlineMs: 2000 }
let world: World
let caller: Caller
let processes: ReturnType<typeof openProcesses>
let writer: { url: string }
let key: { id: string; key: string }
beforeAll(async () => {
  world = await openWorld()
  caller = await signIn(world.app, 'admin')
  processes = openProcesses(world)
  writer = await processes.start('count-write-service')
  key = await newKey()
})
afterAll(async () => {
  await processes.end()
  await world.close()
})

const newKey = async () =>
  (await caller.call('POST', `${admin}/api-keys`, { name: 'Shop', scopes: ['counts:write'] })).body

/** What the other process answers to an increment. */
const increment = async (id: string, bearer = key.key) =>
  (
    await fetch(`${writer.url}/api/v1/counts/${id}/increment`, {
      method: 'POST',
      headers: { authorization: `Bearer ${bearer}` },
    })
  ).status

async function accepted(id: string): Promise<string> {
  await caller.call('POST', `${admin}/counts`, { id, name: 'x' })
  await until('the first increment', async () => (await increment(id)) === 200)
  return id
}

test('a process that only writes stops accepting a revoked key', async () => {
  const id = await accepted('revoked')
  const other = await newKey()
  await until('the key', async () => (await increment(id, other.key)) === 200)
  expect((await caller.call('DELETE', `${admin}/api-keys/${other.id}`)).status).toBe(204)
  await until('its end', async () => (await increment(id, other.key)) === 401, promised)
  expect(await increment(id)).toBe(200)
})

test.for([
  ['paused', 'PATCH', { status: 'paused' }, 409],
  ['archived', 'PATCH', { status: 'archived' }, 409],
  ['deleted', 'DELETE', undefined, 404],
] as const)('it stops accepting a count that is %s', async ([id, method, body, status]) => {
  await accepted(id)
  expect((await caller.call(method, `${admin}/counts/${id}`, body, any)).status).toBeLessThan(300)
  await until('the end', async () => (await increment(id)) === status, promised)
})

test('a count deleted while it is incremented keeps what was acknowledged, and nothing after', async () => {
  const id = await accepted('busy')
  let counted = 1
  const counting = Promise.all(
    Array.from({ length: 8 }, async () => {
      for (;;) {
        const status = await increment(id)
        if (status === 404) return
        expect(status).toBe(200)
        counted++
      }
    }),
  )
  await until('some increments', () => counted > 100)
  expect((await caller.call('DELETE', `${admin}/counts/${id}`, undefined, any)).status).toBe(204)
  // What was on its way when the deletion was answered had been counted before it, or was refused.
  await counting
  const [trashed] = (await caller.call('GET', `${admin}/trash?q=${id}`)).body.items
  expect(trashed?.value).toBe(counted)
  await caller.call('POST', `${admin}/trash/${id}/${trashed?.created}/restore`)
  await until('its life', async () => (await increment(id)) === 200)
  expect((await caller.call('GET', `${admin}/counts/${id}`)).body.value).toBe(counted + 1)
})

test.for([
  ['updated', 409],
  ['deleted', 404],
] as const)(
  'also one that was %s by a process that died between commit and script, while another one lives',
  async ([kind, status]) => {
    const id = await accepted(`orphan-${kind}`)
    const { lifecycle, close } = await openLifecycle()
    // As CountManager commits it; nobody runs the script.
    await world.sql.begin(async (tx) => {
      const before = await findCount(tx, id, true)
      if (!before) throw new Error('no such count')
      const info = { ...before, revision: await nextRevision(tx), status: 'paused' as const }
      const audit = entryOf({ username: 'dead', address: 'test' }, 'count.update', id)
      if (kind === 'deleted') await tx`update count_info set deleted_at = now() where id = ${id}`
      await lifecycle.enqueue(tx, { kind, info, ...(kind === 'updated' ? { audit } : {}) })
    })
    await until('the end', async () => (await increment(id)) === status, promised)
    await until(
      'the outbox',
      async () =>
        (await world.sql`select from lifecycle_outbox where id = ${id} and done_at is null`).length === 0,
    )
    await close()
  },
)

async function openLifecycle() {
  const store = await openValueStore({ VALUE_REDIS_URL: world.value.url }, { log })
  const cache = await openCache(world.cache.url, { log, metrics: new Registry() })
  return {
    lifecycle: createLifecycle({ sql: world.sql, store, cache }),
    async close() {
      cache.close()
      await store.close()
    },
  }
}
