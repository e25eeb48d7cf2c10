import { describe, expect, test } from 'vitest'
import { type Access, type Guards, protect, serviceAccess } from '../src/access.ts'
import type { RoutePlugin } from '../src/http.ts'
import { createContext, createServer } from '../src/service.ts'
import { partsOf, serverOf } from './server.ts'

const withAccess =
  (access?: Access): RoutePlugin =>
  async (app) => {
    app.post('/internal/thing', { config: access && { access } }, async () => 'served')
  }
const build = (access?: Access, guards: Guards = {}) =>
  createServer(createContext('test', 'silent'), [partsOf(withAccess(access), { guards })])

const token = '0123456789abcdef'

describe('a route', () => {
  test('that does not say who may call it keeps the server from starting', async () => {
    await expect(build()).rejects.toThrow('POST /internal/thing does not say who may call it')
  })

  test('that names an access which nothing enforces keeps the server from starting', async () => {
    for (const access of [
      { kind: 'service' },
      { kind: 'key', scope: 'counts:read' },
      { kind: 'session', role: 'admin' },
    ] as const) {
      await expect(build(access)).rejects.toThrow('POST /internal/thing is guarded by nothing')
    }
    await expect(
      build({ kind: 'key', scope: 'counts:read' }, { service: serviceAccess(token) }),
    ).rejects.toThrow('guarded by nothing')
  })

  test('is not guarded by the guards of another part', async () => {
    const guarded = {
      ...partsOf(async () => {}),
      plugin: async (app: Parameters<typeof protect>[0]) => protect(app, { service: serviceAccess(token) }),
    }
    const parts = [guarded, partsOf(withAccess({ kind: 'service' }))]
    await expect(createServer(createContext('test', 'silent'), parts)).rejects.toThrow('guarded by nothing')
  })
})

describe('between services', () => {
  const service = { guards: { service: serviceAccess(token) } }
  const bearer = (text: string) => ({ authorization: `Bearer ${text}` })

  test('the token opens, and nothing else does', async () => {
    const app = await serverOf(withAccess({ kind: 'service' }), service)
    const ask = (headers: Record<string, string>) =>
      app.inject({ method: 'POST', url: '/internal/thing', headers })
    expect((await ask(bearer(token))).body).toBe('served')
    for (const headers of [
      {},
      bearer(''),
      bearer(`${token}0`),
      bearer(token.slice(1)),
      { authorization: token },
    ]) {
      const response = await ask(headers)
      expect(response.statusCode).toBe(401)
      expect(response.headers['www-authenticate']).toBe('Bearer')
    }
  })

  test('a caller without the token hears 401 before its body is looked at', async () => {
    const app = await serverOf(withAccess({ kind: 'service' }), service)
    const broken = {
      method: 'POST',
      url: '/internal/thing?x=1',
      headers: { 'content-type': 'application/json' },
      payload: '{',
    } as const
    expect((await app.inject(broken)).statusCode).toBe(401)
  })

  test('the HEAD that Fastify adds to a GET is guarded like it', async () => {
    const app = await serverOf(async (app) => {
      app.get('/internal/thing', { config: { access: { kind: 'service' } } }, async () => 'secret')
    }, service)
    expect((await app.inject({ method: 'HEAD', url: '/internal/thing' })).statusCode).toBe(401)
  })
})
