import { createApiKey } from '@count/core/api-keys'
import { readConfig } from '@count/core/config'
import { createContext, createServer, type ServiceParts } from '@count/core/service'
import { until } from '@count/stack/until'
import type { FastifyInstance } from 'fastify'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openReadingStores } from '../../../packages/core/test/reading-stores.ts'
import { openRead } from '../src/app.ts'
import { readSettings } from '../src/config.ts'

const token = 'a-service-token-of-the-tests'
let stores: Awaited<ReturnType<typeof openReadingStores>>
let parts: ServiceParts
let app: FastifyInstance
let reader: string
let limited: string

beforeAll(async () => {
  stores = await openReadingStores({ timeZone: 'Asia/Seoul' })
  const config = readConfig(readSettings, {
    CACHE_REDIS_URL: stores.cacheServer.url,
    VALUE_REDIS_URL: stores.primaryServer.url,
    TIME_ZONE: 'Asia/Seoul',
    INFO_DATABASE_URL: stores.databases.INFO_REPLICA_DATABASE_URL,
    SERVICE_TOKEN: token,
  })
  const context = createContext('count-read-service', 'silent')
  parts = await openRead(config, context)
  app = await createServer(context, [parts])
  reader = await newKey(['counts:read'])
  limited = await newKey(['counts:read'], ['own.', 'shared.x'])
})
afterAll(async () => {
  await app.close()
  await parts.close()
  await stores.close()
})

async function newKey(scopes: string[], prefixes: string[] | null = null): Promise<string> {
  const { id, key, hash } = createApiKey()
  await stores.sql`insert into api_key (id, name, secret_hash, scopes, prefixes) values (${id}, 'test', ${hash}, ${scopes}, ${prefixes})`
  return key
}

async function get(
  url: string,
  { key = reader, headers = {} }: { key?: string; headers?: Record<string, string> } = {},
) {
  const reply = await app.inject({ url, headers: { authorization: `Bearer ${key}`, ...headers } })
  return {
    status: reply.statusCode,
    headers: reply.headers,
    text: reply.body,
    body: reply.body ? reply.json() : undefined,
  }
}
/** Reads a count until its answer is cached. */
const toCache = (id: string) =>
  until('the cached result', async () => {
    await get(`/api/v1/counts/${id}`)
    return (await stores.cache.results([id]))[0]
  })
const internal = (url: string) => get(url, { key: token })

describe('GET /api/v1/counts/{id}', () => {
  test('answers the count with its ETag, from the stores and from the cache alike', async () => {
    const id = stores.newId()
    const revision = await stores.create(id, { name: '조회수 👀', unit: '회', tags: ['a'], initialValue: 40 })
    const version = await stores.write(id, 2)
    const first = await get(`/api/v1/counts/${id}`)
    expect(first.status).toBe(200)
    expect(first.headers.etag).toBe(`"${version}.${revision}"`)
    expect(first.headers['content-type']).toBe('application/json; charset=utf-8')
    expect(first.body).toEqual({
      id,
      name: '조회수 👀',
      unit: '회',
      tags: ['a'],
      value: 42,
      version,
      updatedAt: new Date(version / 1000).toISOString(),
    })
    await toCache(id)
    const second = await get(`/api/v1/counts/${id}`)
    expect(second.text).toBe(first.text)
    expect(second.headers.etag).toBe(first.headers.etag)
    expect(second.headers['content-length']).toBe(String(Buffer.byteLength(first.text)))
  })

  test('answers 304 to whoever has it already', async () => {
    const id = stores.newId()
    await stores.create(id)
    const etag = String((await get(`/api/v1/counts/${id}`)).headers.etag)
    for (const known of [etag, `W/${etag}`, `"other", ${etag}`, `"a",W/${etag} , "b"`, '*']) {
      const reply = await get(`/api/v1/counts/${id}`, { headers: { 'if-none-match': known } })
      expect({ known, status: reply.status, text: reply.text, etag: reply.headers.etag }).toEqual({
        known,
        status: 304,
        text: '',
        etag,
      })
    }
    for (const other of ['"other"', 'nonsense', etag.slice(1, -1), etag.replace('.', '')]) {
      expect((await get(`/api/v1/counts/${id}`, { headers: { 'if-none-match': other } })).status).toBe(200)
    }
    await stores.cache.invalidate([{ id, version: await stores.write(id) }])
    expect((await get(`/api/v1/counts/${id}`, { headers: { 'if-none-match': etag } })).status).toBe(200)
  })

  test('reads past the cache when asked for strong consistency', async () => {
    const id = stores.newId()
    await stores.create(id)
    await toCache(id)
    await stores.write(id, 5)
    expect((await get(`/api/v1/counts/${id}?consistency=strong`)).body.value).toBe(5)
  })

  test('refuses what it cannot answer, each with its problem', async () => {
    const half = stores.newId()
    await stores.insert(half)
    const unavailable = await get(`/api/v1/counts/${half}`)
    expect([unavailable.status, unavailable.headers['retry-after']]).toEqual([503, '1'])
    const unknown = await get('/api/v1/counts/no-such-count')
    expect([unknown.status, unknown.body.type]).toEqual([404, 'urn:count:problem:unknown-count'])
    expect(unknown.headers['content-type']).toMatch(/^application\/problem\+json/)
    for (const url of [
      '/api/v1/counts/UPPER',
      `/api/v1/counts/${half}?consistency=weak`,
      `/api/v1/counts/${half}?x=1`,
      '/api/v1/counts?tag=%00',
    ]) {
      expect((await get(url)).status).toBe(400)
    }
    expect((await app.inject({ url: `/api/v1/counts/${half}` })).statusCode).toBe(401)
    expect((await get(`/api/v1/counts/${half}`, { key: limited })).status).toBe(403)
    expect((await get(`/api/v1/counts/${half}`, { key: await newKey(['counts:write']) })).status).toBe(403)
    expect((await get(`/api/v1/counts/${half}`, { key: token })).status).toBe(401)
  })
})

describe('GET /api/v1/counts', () => {
  const prefix = 'shared.'
  const ids = Array.from(
    { length: 25 },
    (_, i) => `${prefix}${i % 2 ? 'x' : 'y'}${String(i).padStart(2, '0')}`,
  ).sort()
  beforeAll(async () => {
    for (const [i, id] of ids.entries())
      await stores.create(id, { initialValue: i, tags: i % 5 ? ['plain'] : ['fifth', 'plain'] })
  })
  const idsOf = (body: { items: { id: string }[] }) => body.items.map(({ id }) => id)
  async function pages(query: string, key = reader) {
    const found: string[] = []
    let cursor = ''
    for (;;) {
      const { status, body } = await get(`/api/v1/counts?${query}${cursor}`, { key })
      expect(status).toBe(200)
      found.push(...idsOf(body))
      if (body.nextCursor === null) return found
      cursor = `&cursor=${body.nextCursor}`
    }
  }

  test('by ids keeps their order and tells which it does not know', async () => {
    const [a, b] = [ids[3] as string, ids[1] as string]
    const known = await get(`/api/v1/counts?ids=${a},${b},${a}`)
    expect(known.body).toEqual({
      items: [
        expect.objectContaining({ id: a, value: 3 }),
        expect.objectContaining({ id: b, value: 1 }),
        expect.objectContaining({ id: a }),
      ],
      nextCursor: null,
    })
    const half = stores.newId()
    await stores.insert(half)
    const mixed = await get(`/api/v1/counts?ids=${a},no-such-count,${half},${b}`)
    expect(mixed.status).toBe(200)
    expect(idsOf(mixed.body)).toEqual([a, b])
    expect(mixed.body.problems).toEqual([
      expect.objectContaining({ id: 'no-such-count', status: 404 }),
      expect.objectContaining({ id: half, status: 503 }),
    ])
    expect(await get('/api/v1/counts?ids=no-such-count')).toMatchObject({ status: 200, body: { items: [] } })
    expect((await get(`/api/v1/counts?ids=${half}`)).status).toBe(503)
  })

  test('by prefix and tag comes in pages that hold each count once', async () => {
    expect(await pages(`prefix=${prefix}&limit=7`)).toEqual(ids)
    expect(await pages(`prefix=${prefix}&limit=25`)).toEqual(ids)
    expect(await pages(`prefix=${prefix}x&limit=5`)).toEqual(ids.filter((id) => id.startsWith('shared.x')))
    expect(await pages(`prefix=${prefix}&tag=fifth&limit=2`)).toEqual(ids.filter((_, i) => i % 5 === 0))
    expect(await pages('tag=no-such-tag')).toEqual([])
    const { body } = await get(`/api/v1/counts?prefix=${prefix}&limit=2`)
    expect(body.items[1]).toMatchObject({ id: ids[1], value: 1, unit: 'views', tags: ['plain'] })
  })

  test('a key limited to prefixes lists its own and may not name others', async () => {
    const own = ids.filter((id) => id.startsWith('shared.x'))
    expect(await pages('limit=4', limited)).toEqual(own)
    expect(await pages(`prefix=${prefix}&limit=4`, limited)).toEqual(own)
    expect(await pages('prefix=shared.y', limited)).toEqual([])
    expect((await get(`/api/v1/counts?ids=${own[0]}`, { key: limited })).status).toBe(200)
    expect((await get(`/api/v1/counts?ids=${own[0]},${ids.at(-1)}`, { key: limited })).status).toBe(403)
  })

  test.each([
    ['cursor=garbage', 'cursor'],
    ['limit=0', 'limit'],
    ['limit=1001', 'limit'],
    ['limit=ten', 'limit'],
    ['ids=', 'ids'],
    ['ids=a,,b', 'ids'],
    ['ids=A', 'ids'],
    [`ids=${Array(1001).fill('a').join()}`, 'ids'],
    ['ids=a&prefix=b', 'prefix'],
    ['ids=a&limit=5', 'limit'],
    ['prefix=UPPER', 'prefix'],
    ['tag=', 'tag'],
    ['unknown=1', 'unknown'],
  ])('?%s is refused', async (query, path) => {
    for (const reply of [await get(`/api/v1/counts?${query}`), await internal(`/internal/counts?${query}`)]) {
      expect(reply.status).toBe(400)
      expect(reply.body.errors[0].path).toBe(path)
    }
  })

  test('a thousand ids are one answer', async () => {
    const many = Array.from({ length: 1000 }, (_, i) => ids[i % ids.length] as string)
    expect(idsOf((await get(`/api/v1/counts?ids=${many.join()}`)).body)).toEqual(many)
  })

  test('/internal/counts tells other services what counts are called', async () => {
    const [a, b] = [ids[3] as string, ids[1] as string]
    const named = await internal(`/internal/counts?ids=${a},no-such-count,${b}`)
    expect(idsOf(named.body)).toEqual([a, b])
    expect(named.body.items[0]).toMatchObject({
      name: `Count ${a}`,
      unit: 'views',
      tags: ['plain'],
      status: 'active',
      metadata: {},
    })
    expect(named.body.problems).toEqual([expect.objectContaining({ id: 'no-such-count', status: 404 })])
    const page = await internal(`/internal/counts?prefix=${prefix}&tag=fifth&limit=3`)
    expect(idsOf(page.body)).toHaveLength(3)
    expect(
      idsOf(
        (await internal(`/internal/counts?prefix=${prefix}&tag=fifth&cursor=${page.body.nextCursor}`)).body,
      ),
    ).toHaveLength(2)
    expect((await get('/internal/counts')).status).toBe(401)
    expect((await app.inject({ url: '/internal/counts' })).statusCode).toBe(401)
  })
})

describe('GET /api/v1/counts/{id}/history', () => {
  test('answers a series of local days with the open one last', async () => {
    const id = stores.newId()
    await stores.create(id, { initialValue: 10 })
    await stores.write(id, 5)
    const { status, body } = await get(`/api/v1/counts/${id}/history?granularity=day`)
    expect(status).toBe(200)
    expect(body).toMatchObject({ id, granularity: 'day', zone: 'Asia/Seoul', measure: 'change' })
    expect(body.points).toHaveLength(30)
    for (const { at } of body.points) expect(at).toMatch(/^\d{4}-\d\d-\d\dT15:00:00\.000Z$/)
    expect(body.points.at(-1)).toEqual({ at: expect.any(String), value: 5, partial: true })
    expect(body.points[0]).toEqual({ at: expect.any(String), value: 0 })
    const levels = await get(`/api/v1/counts/${id}/history?granularity=day&measure=value`)
    expect([levels.body.points[0].value, levels.body.points.at(-1).value]).toEqual([10, 15])
  })

  test('defaults to the last 24 hours, takes any offset, and no more than is kept', async () => {
    const id = stores.newId()
    await stores.create(id)
    const usual = await get(`/api/v1/counts/${id}/history`)
    expect(usual.body).toMatchObject({ granularity: 'hour', measure: 'change' })
    expect(usual.body.points).toHaveLength(24)
    const day = encodeURIComponent('2020-01-01T00:00:00+09:00')
    const kept = { minute: 2880, hour: 2160 }
    for (const [granularity, points] of Object.entries(kept)) {
      expect(
        (await get(`/api/v1/counts/${id}/history?granularity=${granularity}&from=${day}`)).body.points,
      ).toHaveLength(points)
    }
    const days = await get(`/api/v1/counts/${id}/history?granularity=day&from=${day}&to=2020-01-31T15:00:00Z`)
    expect(days.body.points).toHaveLength(31)
    expect(days.body.points[0].at).toBe('2019-12-31T15:00:00.000Z')
  })

  test.each([
    ['granularity=week', 'granularity'],
    ['measure=sum', 'measure'],
    ['from=yesterday', 'from'],
    ['from=2026-02-30T00:00:00Z', 'from'],
    ['from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z', 'from'],
    ['limit=5', 'limit'],
  ])('?%s is refused', async (query, path) => {
    const id = stores.newId()
    await stores.create(id)
    const { status, body } = await get(`/api/v1/counts/${id}/history?${query}`)
    expect(status).toBe(400)
    expect(body.errors[0].path).toBe(path)
  })

  test('refuses unknown counts and foreign ones', async () => {
    expect((await get('/api/v1/counts/no-such-count/history')).status).toBe(404)
    expect((await get('/api/v1/counts/no-such-count/history', { key: limited })).status).toBe(403)
  })
})

describe('the service', () => {
  test('documents its routes and tells how it is', async () => {
    const document = (await app.inject({ url: '/openapi.json' })).json()
    for (const path of ['/api/v1/counts/{id}', '/api/v1/counts', '/api/v1/counts/{id}/history']) {
      expect(Object.keys(document.paths)).toContain(path)
    }
    const ready = await app.inject({ url: '/readyz' })
    expect([ready.statusCode, ready.json().status]).toEqual([200, 'ok'])
    expect((await app.inject({ url: '/metrics' })).body).toMatch(
      /count_cache_lookups_total\{level="result",outcome="hit"\} [1-9]/,
    )
  })

  test('reads on without its cache, and says that it is degraded', async () => {
    const id = stores.newId()
    await stores.create(id, { initialValue: 3 })
    await stores.cacheServer.pause()
    try {
      expect((await get(`/api/v1/counts/${id}`)).body.value).toBe(3)
      const degraded = async () => (await app.inject({ url: '/readyz' })).json().status === 'degraded'
      await until('readyz to say so', degraded)
      expect((await get(`/api/v1/counts/${id}`)).body.value).toBe(3)
    } finally {
      await stores.cacheServer.resume()
    }
    await until('the cache', async () => (await app.inject({ url: '/readyz' })).json().status === 'ok')
    await toCache(id)
  })
})
