import { testRedis } from '@count/stack/testing'
import { until } from '@count/stack/until'
import { Redis } from 'ioredis'
import { pino } from 'pino'
import { describe, expect, onTestFinished, test } from 'vitest'
import { z } from 'zod'
import type { ApiKey, KeyAuthenticator } from '../src/api-keys.ts'
import { jsonSchema, type RoutePlugin } from '../src/http.ts'
import { createRateLimiter, keyAccess, keyUses, reportKeyUses } from '../src/key-access.ts'
import { countId } from '../src/schemas.ts'
import { serverOf } from './server.ts'

const keyOf = (id: string, rest: Partial<ApiKey> = {}): ApiKey => ({
  id,
  name: id,
  scopes: ['counts:read'],
  prefixes: null,
  expiresAt: null,
  rateLimit: null,
  ...rest,
})

/** Knows some headers by heart; others it verifies first, as the real one does. */
function authenticatorOf(keys: Record<string, ApiKey>): KeyAuthenticator {
  const seen = new Set<string>()
  return {
    peek: (header) => (header && seen.has(header) ? keys[header] : undefined),
    authenticate: async (header) => {
      const key = keys[header ?? '']
      if (header === 'away') return { ok: false, problem: 'unavailable' }
      if (!header || !key) return { ok: false, problem: 'unauthorized' }
      seen.add(header)
      return { ok: true, key }
    },
    takeUses: () => new Map([['used', 123]]),
    healthy: () => true,
    close: () => {},
  }
}

const routes: RoutePlugin = async (app) => {
  const params = jsonSchema(z.strictObject({ id: countId }))
  const access = { kind: 'key', scope: 'counts:read' } as const
  app.get('/api/v1/counts/:id', { config: { access }, schema: { params } }, async (request) => ({
    by: request.apiKey?.id,
  }))
  app.post(
    '/api/v1/counts/:id',
    { config: { access: { kind: 'key', scope: 'counts:write' } }, schema: { params } },
    async () => 'written',
  )
}

describe('the guard of external routes', () => {
  const keys = {
    reader: keyOf('reader'),
    shop: keyOf('shop', { prefixes: ['shop.'] }),
    fast: keyOf('fast', { rateLimit: 2 }),
  }
  const build = () =>
    serverOf(routes, { guards: { key: keyAccess(authenticatorOf(keys), async (_id, limit) => limit > 2) } })

  test('lets a key in, the first time and from then on, and tells the route whose it is', async () => {
    const app = await build()
    for (let i = 0; i < 2; i++) {
      const response = await app.inject({ url: '/api/v1/counts/a', headers: { authorization: 'reader' } })
      expect([response.statusCode, response.json()]).toEqual([200, { by: 'reader' }])
    }
  })

  test('answers 401 without a key, 403 without the scope or for a foreign id, 429 over the limit, 503 when keys cannot be known', async () => {
    const app = await build()
    const ask = async (authorization: string | undefined, url: string, method: 'GET' | 'POST' = 'GET') => {
      const headers = authorization ? { authorization } : {}
      const first = await app.inject({ method, url, headers })
      const second = await app.inject({ method, url, headers })
      expect(second.statusCode).toBe(first.statusCode)
      return [first.statusCode, first.headers['www-authenticate'] ?? first.headers['retry-after'] ?? '']
    }
    expect(await ask(undefined, '/api/v1/counts/a')).toEqual([401, 'Bearer'])
    expect(await ask('nobody', '/api/v1/counts/a')).toEqual([401, 'Bearer'])
    expect(await ask('reader', '/api/v1/counts/a', 'POST')).toEqual([403, ''])
    expect(await ask('shop', '/api/v1/counts/shop.a')).toEqual([200, ''])
    expect(await ask('shop', '/api/v1/counts/other')).toEqual([403, ''])
    expect(await ask('shop', '/api/v1/counts/other%2e')).toEqual([403, ''])
    expect(await ask('fast', '/api/v1/counts/a')).toEqual([429, '1'])
    expect(await ask('away', '/api/v1/counts/a')).toEqual([503, '1'])
  })

  test('comes before anything else is looked at', async () => {
    const app = await build()
    const wrong = {
      method: 'POST',
      url: '/api/v1/counts/NO?x=1',
      headers: { 'content-type': 'text/nonsense' },
      payload: '{',
    } as const
    expect((await app.inject(wrong)).statusCode).toBe(401)
    expect(
      (await app.inject({ ...wrong, headers: { ...wrong.headers, authorization: 'reader' } })).statusCode,
    ).toBe(403)
  })
})

async function cacheOf() {
  const server = await testRedis()
  const connect = () => {
    const redis = new Redis(server.url, { enableOfflineQueue: true, maxRetriesPerRequest: 0 })
    redis.on('error', () => {})
    onTestFinished(() => redis.disconnect())
    return redis
  }
  onTestFinished(() => server.stop())
  return { server, connect }
}

describe('a rate limit', () => {
  let last = 0

  /** How many of a burst within one second, each time another, are let through. */
  async function burst(limiters: ReturnType<typeof createRateLimiter>[], id: string) {
    const second = () => Math.floor(Date.now() / 1000)
    await until('the beginning of a second', () => second() > last && Date.now() % 1000 < 50)
    last = second()
    const taken = await Promise.all(
      Array.from({ length: 40 }, (_, i) => (limiters[i % limiters.length] ?? (async () => false))(id, 10)),
    )
    return taken.filter(Boolean).length
  }

  test('is one for all processes, each second anew', async () => {
    const { connect } = await cacheOf()
    const limiters = [createRateLimiter(connect()), createRateLimiter(connect())]
    for (const limiter of limiters) await limiter('warm', 10)
    expect(await burst(limiters, 'a')).toBe(10)
    expect(await burst(limiters, 'a')).toBe(10)
  })

  test('is counted by each process while the cache is away', async () => {
    const { server, connect } = await cacheOf()
    const redis = connect()
    await redis.ping()
    await server.stop()
    expect(await burst([createRateLimiter(redis)], 'a')).toBe(10)
  })
})

test('which keys were used is told to the cache', async () => {
  const { connect } = await cacheOf()
  const redis = connect()
  await reportKeyUses(authenticatorOf({}), redis, pino({ level: 'silent' })).close()
  expect(await redis.hgetall(keyUses)).toEqual({ used: '123' })
})
