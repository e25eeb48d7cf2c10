import { createKeyAuthenticator } from '@count/core/api-keys'
import { openCache } from '@count/core/count-cache'
import { keyUses } from '@count/core/key-access'
import { connectPostgres } from '@count/core/postgres'
import { connectRedis, untilReady } from '@count/core/redis'
import { until } from '@count/stack/until'
import { Registry } from 'prom-client'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { copyKeyUses } from '../src/housekeeping.ts'
import { type Caller, log, openWorld, signIn, type World } from './world.ts'

const path = '/api/v1/admin/api-keys'
let world: World
let admin: Caller
let authenticator: ReturnType<typeof createKeyAuthenticator>
let reader: ReturnType<typeof connectPostgres>
beforeAll(async () => {
  world = await openWorld()
  admin = await signIn(world.app, 'admin')
  // As the other services have it: with the reader's role.
  reader = connectPostgres(world.databases.INFO_REPLICA_DATABASE_URL, { name: 'reader', readOnly: true })
  authenticator = createKeyAuthenticator({ sql: reader, log })
})
afterAll(async () => {
  await authenticator.close()
  await reader.end({ timeout: 1 })
  await world.close()
})

const opens = async (key: string) => (await authenticator.authenticate(`Bearer ${key}`)).ok
const input = {
  name: 'Shop',
  scopes: ['counts:write', 'counts:read', 'counts:read'],
  prefixes: ['shop.'],
  rateLimit: 100,
  expiresAt: '2100-01-01T00:00:00Z',
}

test('a key is shown once, opens what it says, and its secret is stored as a hash only', async () => {
  const reply = await admin.call('POST', path, input)
  expect(reply.status).toBe(201)
  expect(reply.headers.location).toBe(`${path}/${reply.body.id}`)
  expect(reply.headers['cache-control']).toBe('no-store')
  expect(reply.body).toMatchObject({
    name: 'Shop',
    scopes: ['counts:write', 'counts:read'],
    prefixes: ['shop.'],
    rateLimit: 100,
    revokedAt: null,
    lastUsedAt: null,
  })
  const outcome = await authenticator.authenticate(`Bearer ${reply.body.key}`)
  expect(outcome).toMatchObject({ ok: true, key: { id: reply.body.id, prefixes: ['shop.'], rateLimit: 100 } })
  const [row] = await world.sql`select * from api_key where id = ${reply.body.id}`
  const [, , secret = '-'] = reply.body.key.split('_')
  expect(JSON.stringify(row)).not.toContain(secret)
  const list = await admin.call('GET', path)
  expect(JSON.stringify(list.body)).not.toContain(secret)
  expect(list.body.items.map((item) => item.id)).toContain(reply.body.id)
  const [entry] = await world.sql`select action, username, detail from audit where target = ${reply.body.id}`
  expect(entry).toMatchObject({
    action: 'key.create',
    username: 'admin',
    detail: { after: { name: 'Shop' } },
  })
  expect(JSON.stringify(entry)).not.toContain(secret)
})

test('a revoked key stops within two seconds, everywhere and for good', async () => {
  const { id, key } = (await admin.call('POST', path, input)).body
  expect(await opens(key)).toBe(true)
  expect((await admin.call('DELETE', `${path}/${id}`)).status).toBe(204)
  await until('the refusal', async () => !(await opens(key)), { deadlineMs: 2500 })
  expect((await admin.call('DELETE', `${path}/${id}`)).status).toBe(204)
  expect((await admin.call('POST', `${path}/${id}/rotate`)).status).toBe(409)
  expect(await world.sql`select from audit where target = ${id}`).toHaveLength(2)
})

test('a rotated key keeps its id; the old secret ends at once, or after the time it is given', async () => {
  const { id, key } = (await admin.call('POST', path, input)).body
  expect(await opens(key)).toBe(true)
  const first = await admin.call('POST', `${path}/${id}/rotate`)
  expect(first.status).toBe(200)
  expect(first.body.id).toBe(id)
  await until('the new secret', () => opens(first.body.key), { deadlineMs: 2500 })
  expect(await opens(key)).toBe(false)
  const second = await admin.call('POST', `${path}/${id}/rotate`, { overlapSeconds: 60 })
  expect(Date.parse(second.body.previousUntil ?? '') - Date.now()).toBeGreaterThan(55_000)
  expect(first.body.previousUntil).toBeNull()
  await until('the newer secret', () => opens(second.body.key), { deadlineMs: 2500 })
  expect(await opens(first.body.key)).toBe(true)
})

test.for([
  [{ ...input, scopes: [] }, 'scopes'],
  [{ ...input, scopes: ['counts:all'] }, 'scopes.0'],
  [{ ...input, prefixes: [] }, 'prefixes'],
  [{ ...input, prefixes: ['UPPER'] }, 'prefixes.0'],
  [{ ...input, expiresAt: '2020-01-01T00:00:00Z' }, 'expiresAt'],
  [{ ...input, expiresAt: 'tomorrow' }, 'expiresAt'],
  [{ ...input, rateLimit: 0 }, 'rateLimit'],
  [{ ...input, name: '' }, 'name'],
  [{ ...input, id: 'mine' }, 'id'],
] as const)('%o is refused, naming %s', async ([body, field]) => {
  const reply = await admin.call('POST', path, body)
  expect(reply.status).toBe(400)
  expect(reply.body.errors.map((error) => error.path)).toContain(field)
})

test('unknown keys are 404, malformed ids 400; lists page', async () => {
  expect((await admin.call('DELETE', `${path}/0123456789abcdef`)).status).toBe(404)
  expect((await admin.call('POST', `${path}/0123456789abcdef/rotate`)).status).toBe(404)
  expect((await admin.call('DELETE', `${path}/x`)).status).toBe(400)
  const seen: string[] = []
  let cursor: string | null = ''
  while (cursor !== null) {
    const { body } = await admin.call('GET', `${path}?limit=1${cursor ? `&cursor=${cursor}` : ''}`)
    seen.push(...body.items.map((item) => item.id))
    cursor = body.nextCursor
  }
  const all = await world.sql<{ id: string }[]>`select id from api_key order by id`
  expect(seen).toEqual(all.map((row) => row.id))
})

test('the last use is copied from the cache and never goes back', async () => {
  const { id } = (await admin.call('POST', path, input)).body
  const redis = connectRedis(world.cache.url, { name: 'test', log })
  await untilReady(redis, 5000)
  const cache = await openCache(world.cache.url, { log, metrics: new Registry() })
  const service = connectPostgres(world.databases.INFO_DATABASE_URL, { name: 'service' })
  onTestFinished(async () => {
    redis.disconnect()
    cache.close()
    await service.end({ timeout: 1 })
  })
  const lastUse = async () =>
    (await admin.call('GET', path)).body.items.find((item) => item.id === id)?.lastUsedAt
  const [before] = await world.sql`select updated_at from api_key where id = ${id}`
  await redis.hset(keyUses, { [id]: '1790000000000', '0000000000000000': '1', nonsense: 'x' })
  await copyKeyUses(service, cache)
  expect(await lastUse()).toBe('2026-09-21T14:13:20.000Z')
  await redis.hset(keyUses, { [id]: '1780000000000' })
  await copyKeyUses(service, cache)
  expect(await lastUse()).toBe('2026-09-21T14:13:20.000Z')
  const [after] = await world.sql`select updated_at from api_key where id = ${id}`
  expect(after).toEqual(before)
})
