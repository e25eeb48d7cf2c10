import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import type { FastifyInstance, InjectOptions } from 'fastify'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { within } from '../src/away.ts'
import { jsonSchema, Refusal, type RoutePlugin, refuse } from '../src/http.ts'
import { problem, problemDocument } from '../src/problem.ts'
import { amountBody, countId, limit } from '../src/schemas.ts'
import { createContext, createServer } from '../src/service.ts'
import { partsOf } from './server.ts'

const open = { config: { access: { kind: 'public' } } } as const

const routes: RoutePlugin = async (app) => {
  const params = jsonSchema(z.strictObject({ id: countId }))
  app.post(
    '/api/v1/counts/:id/increment',
    { ...open, schema: { params, body: jsonSchema(amountBody) } },
    async (request) => ({
      id: request.params.id,
      amount: request.body.amount,
    }),
  )
  const deep = z.strictObject({
    operations: z.array(z.strictObject({ id: countId })),
    meta: z.record(z.string(), z.unknown()).optional(),
  })
  app.post('/api/v1/deep', { ...open, schema: { body: jsonSchema(deep) } }, async (request) => request.body)
  const querystring = jsonSchema(
    z.strictObject({ limit, count: z.array(countId).optional(), strong: z.boolean().optional() }),
  )
  app.get('/api/v1/list', { ...open, schema: { querystring } }, async (request) => request.query)
  const headers = jsonSchema(z.object({ 'idempotency-key': z.string().max(3).optional() }))
  app.put('/api/v1/keyed', { ...open, schema: { headers } }, async (request) => ({
    key: request.headers['idempotency-key'],
  }))
  app.delete('/api/v1/keyed', open, async (_request, reply) => reply.code(204).send())
  app.get('/api/v1/fails/:how', open, async (request, reply) => {
    const { how } = z.object({ how: z.string() }).parse(request.params)
    if (how === 'bug') throw new TypeError('password=hunter2')
    if (how === 'client-like') throw Object.assign(new Error('secret'), { statusCode: 500 })
    if (how === 'away') throw Object.assign(new Error('connect'), { code: 'ECONNREFUSED' })
    if (how === 'slow') await within(1, 'the store', new Promise(() => {}))
    if (how === 'refusal') throw new Refusal(problem('forbidden'), { 'x-why': 'because' })
    return refuse(reply, problem('too-many-requests', { detail: 'slower' }), { 'retry-after': '7' })
  })
  app.get('/', open, async () => 'page')
}

let app: FastifyInstance
beforeAll(async () => {
  app = await createServer(createContext('test', 'silent'), [partsOf(routes)])
})
afterAll(() => app.close())

async function ask(options: InjectOptions) {
  const response = await app.inject(options)
  return {
    status: response.statusCode,
    headers: response.headers,
    body: response.body,
    json: () => response.json(),
  }
}

/** The problem of an answer that must be one. */
async function problemOf(options: InjectOptions) {
  const { status, headers, body } = await ask(options)
  expect(headers['content-type']).toMatch(/^application\/problem\+json/)
  const document = problemDocument.parse(JSON.parse(body))
  expect(document.status).toBe(status)
  return { ...document, name: document.type.replace('urn:count:problem:', ''), headers }
}

const json = { 'content-type': 'application/json' }
const increment = { method: 'POST', url: '/api/v1/counts/a/increment' } as const

describe('a body', () => {
  test('gets its defaults filled in', async () => {
    expect((await ask({ ...increment, payload: {} })).json()).toEqual({ id: 'a', amount: 1 })
    expect((await ask({ ...increment, payload: { amount: 5 } })).json()).toEqual({ id: 'a', amount: 5 })
  })

  test('may be absent where nothing in it is needed, in each of the ways a client leaves it out', async () => {
    expect((await ask(increment)).json()).toEqual({ id: 'a', amount: 1 })
    expect((await ask({ ...increment, headers: json })).json()).toEqual({ id: 'a', amount: 1 })
    expect((await ask({ ...increment, headers: json, payload: '' })).json()).toEqual({ id: 'a', amount: 1 })
  })

  test('may not be absent where something is needed', async () => {
    expect(await problemOf({ method: 'POST', url: '/api/v1/deep' })).toMatchObject({
      name: 'invalid-request',
    })
  })

  test('is not coerced', async () => {
    const { errors } = await problemOf({ ...increment, payload: { amount: '5' } })
    expect(errors).toEqual([{ path: 'amount', message: 'must be integer' }])
    for (const payload of ['null', '[]', '"a"', '1', 'true']) {
      expect(await problemOf({ ...increment, headers: json, payload })).toMatchObject({ status: 400 })
    }
  })

  test('must be within the limits of its fields', async () => {
    for (const amount of [0, -1, 1.5, 2 ** 52, null]) {
      expect((await problemOf({ ...increment, payload: { amount } })).errors?.[0]?.path).toBe('amount')
    }
    expect((await ask({ ...increment, payload: { amount: 2 ** 52 - 1 } })).status).toBe(200)
  })

  test('that is wrong in several places is told each of them by its path', async () => {
    const payload = { operations: [{ id: 'a' }, { id: 'A' }, { idd: 'c' }], extra: 1 }
    const { errors } = await problemOf({ method: 'POST', url: '/api/v1/deep', payload })
    expect(errors?.map((error) => error.path).sort()).toEqual([
      'extra',
      'operations.1.id',
      'operations.2.id',
      'operations.2.idd',
    ])
  })

  test('that is wrong in a thousand places is told the first hundred', async () => {
    const payload = { operations: Array.from({ length: 1000 }, () => ({ id: '' })) }
    expect((await problemOf({ method: 'POST', url: '/api/v1/deep', payload })).errors).toHaveLength(100)
  })

  test('that is no JSON, of another type or too large says so', async () => {
    expect(await problemOf({ ...increment, headers: json, payload: '{' })).toMatchObject({
      status: 400,
      detail: 'The body is not valid JSON',
    })
    expect(await problemOf({ ...increment, headers: json, payload: '{"__proto__":{}}' })).toMatchObject({
      status: 400,
    })
    expect(
      await problemOf({
        method: 'POST',
        url: '/api/v1/deep',
        headers: json,
        payload: '{"operations":[],"meta":{"__proto__":{"a":1}}}',
      }),
    ).toMatchObject({ status: 400 })
    for (const type of ['text/plain', 'application/xml', 'nonsense']) {
      expect(
        await problemOf({ ...increment, headers: { 'content-type': type }, payload: '1' }),
      ).toMatchObject({ status: 415 })
    }
    expect(await problemOf({ ...increment, payload: { pad: 'x'.repeat(2 ** 20) } })).toMatchObject({
      status: 413,
    })
  })
})

describe('query, path and headers', () => {
  test('are text, so numbers, lists and truths are read from it', async () => {
    expect((await ask({ url: '/api/v1/list' })).json()).toEqual({ limit: 100 })
    expect((await ask({ url: '/api/v1/list?limit=7&count=a&strong=true' })).json()).toEqual({
      limit: 7,
      count: ['a'],
      strong: true,
    })
    expect((await ask({ url: '/api/v1/list?count=a&count=b' })).json()).toEqual({
      limit: 100,
      count: ['a', 'b'],
    })
  })

  test('are refused where they are wrong', async () => {
    for (const query of [
      'limit=x',
      'limit=',
      'limit=0',
      'limit=1001',
      'limit=1&limit=2',
      'count=A',
      'strong=maybe',
    ]) {
      expect(await problemOf({ url: `/api/v1/list?${query}` })).toMatchObject({
        status: 400,
        detail: 'The query is not valid',
      })
    }
    expect((await problemOf({ method: 'POST', url: '/api/v1/counts/A/increment' })).errors?.[0]?.path).toBe(
      'id',
    )
    expect(
      (await problemOf({ method: 'PUT', url: '/api/v1/keyed', headers: { 'Idempotency-Key': 'long' } }))
        .errors?.[0]?.path,
    ).toBe('idempotency-key')
  })

  test('know no unknown parameters, also where a route takes none', async () => {
    expect((await problemOf({ url: '/api/v1/list?limits=1' })).errors).toEqual([
      { path: 'limits', message: expect.any(String) },
    ])
    expect((await problemOf({ ...increment, url: `${increment.url}?x=1` })).errors?.[0]?.path).toBe('x')
    expect((await problemOf({ url: '/api/v1/list?__proto__=1' })).status).toBe(400)
    expect((await ask({ url: '/?utm_source=mail' })).status).toBe(200)
  })

  test('that cannot be decoded, or are too long, are a bad request', async () => {
    expect(await problemOf({ url: '/api/v1/fails/%' })).toMatchObject({ status: 400 })
    expect(await problemOf({ url: `/api/v1/fails/${'a'.repeat(385)}` })).toMatchObject({ status: 400 })
    const id = '.'.repeat(127)
    expect(
      (await ask({ method: 'POST', url: `/api/v1/counts/a${id.replaceAll('.', '%2e')}/increment` })).json(),
    ).toEqual({ id: `a${id}`, amount: 1 })
  })
})

describe('a path', () => {
  test('that nobody serves is 404, with another method 405 and Allow', async () => {
    expect(await problemOf({ url: '/api/v1/nothing' })).toMatchObject({ name: 'not-found' })
    expect(
      await problemOf({ method: 'POST', url: '/api/v1/nothing', headers: json, payload: '{}' }),
    ).toMatchObject({ name: 'not-found' })
    const broken = { headers: json, payload: '{' }
    expect(await problemOf({ method: 'POST', url: '/api/v1/nothing', ...broken })).toMatchObject({
      status: 404,
    })
    expect(await problemOf({ method: 'POST', url: '/api/v1/keyed', ...broken })).toMatchObject({
      status: 405,
    })
    const { headers, name } = await problemOf({ method: 'PATCH', url: '/api/v1/keyed?x=1' })
    expect({ name, allow: headers.allow }).toEqual({ name: 'method-not-allowed', allow: 'PUT, DELETE' })
    expect((await problemOf({ method: 'POST', url: '/api/v1/list', payload: {} })).headers.allow).toBe(
      'GET, HEAD',
    )
    expect((await problemOf({ method: 'OPTIONS', url: increment.url })).headers.allow).toBe('POST')
  })

  test('answers HEAD like GET, and DELETE with an empty JSON body', async () => {
    expect(await ask({ method: 'HEAD', url: '/api/v1/list' })).toMatchObject({ status: 200, body: '' })
    expect(await ask({ method: 'DELETE', url: '/api/v1/keyed', headers: json })).toMatchObject({
      status: 204,
    })
  })
})

describe('what goes wrong inside', () => {
  test('is 500 and leaks nothing', async () => {
    for (const how of ['bug', 'client-like']) {
      const { headers, ...document } = await problemOf({ url: `/api/v1/fails/${how}` })
      expect(document).toEqual({ ...problem('internal'), name: 'internal' })
    }
  })

  test('is 503 with Retry-After when a store is away', async () => {
    for (const how of ['away', 'slow']) {
      const { name, headers } = await problemOf({ url: `/api/v1/fails/${how}` })
      expect({ name, retry: headers['retry-after'] }).toEqual({ name: 'unavailable', retry: '1' })
    }
  })

  test('may be a refusal with headers of its own', async () => {
    expect((await problemOf({ url: '/api/v1/fails/refusal' })).headers['x-why']).toBe('because')
    expect(await problemOf({ url: '/api/v1/fails/refuse' })).toMatchObject({
      name: 'too-many-requests',
      detail: 'slower',
      headers: { 'retry-after': '7' },
    })
  })
})

test('what is no HTTP gets a problem too, and the connection ends', async () => {
  const { port } = new URL(await app.listen({ port: 0, host: '127.0.0.1' }))
  const send = async (bytes: string) => {
    const socket = connect(Number(port), '127.0.0.1')
    socket.write(bytes)
    return text(socket)
  }
  expect(await send('GET / nonsense\r\n\r\n')).toMatch(
    /^HTTP\/1.1 400 .*application\/problem\+json.*"status":400/s,
  )
  expect(await send(`GET / HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(160 * 1024)}\r\n\r\n`)).toMatch(
    /^HTTP\/1.1 431 .*"status":431/s,
  )
})
