import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { serviceAccess } from '../src/access.ts'
import type { HealthCheck } from '../src/health.ts'
import { jsonSchema, type RoutePlugin } from '../src/http.ts'
import { createRequestTimes } from '../src/metrics.ts'
import { amountBody, applied, countId } from '../src/schemas.ts'
import { serverOf } from './server.ts'

const away = () => {
  throw new Error('redis://:secret@store is away')
}
const check = (name: string, critical: boolean, run: HealthCheck['check']): HealthCheck => ({
  name,
  critical,
  check: run,
})

describe('health', () => {
  const readyz = async (...checks: HealthCheck[]) => {
    const app = await serverOf(async () => {}, { checks })
    const response = await app.inject('/readyz')
    expect(response.body).not.toContain('secret')
    const metrics = (await app.inject('/metrics')).body
    return { status: response.statusCode, ...response.json(), metrics }
  }

  test('a process that answers is alive whatever is away', async () => {
    const app = await serverOf(async () => {}, { checks: [check('store', true, away)] })
    const response = await app.inject('/livez')
    expect([response.statusCode, response.json()]).toEqual([200, { status: 'ok' }])
  })

  test('is ready with everything there, degraded without what it can do without, unavailable without the rest', async () => {
    expect(
      await readyz(
        check('a', true, () => {}),
        check('b', false, async () => {}),
      ),
    ).toMatchObject({
      status: 'ok',
      services: { test: { a: 'ok', b: 'ok' } },
    })
    expect(
      await readyz(
        check('a', true, () => {}),
        check('b', false, away),
      ),
    ).toMatchObject({ status: 'degraded', services: { test: { b: 'away' } } })
    expect(
      await readyz(
        check('a', true, async () => away()),
        check('b', false, away),
      ),
    ).toMatchObject({ status: 'unavailable' })
  })

  test('what does not answer counts as away, and the metrics say so', async () => {
    const { status, metrics } = await readyz(
      check('a', false, () => new Promise(() => {})),
      check('b', true, () => {}),
    )
    expect(status).toBe('degraded')
    expect(metrics).toContain('dependency_up{service="test",dependency="a"} 0')
    expect(metrics).toContain('dependency_up{service="test",dependency="b"} 1')
  })

  test('an unavailable service answers 503', async () => {
    const app = await serverOf(async () => {}, { checks: [check('a', true, away)] })
    expect((await app.inject('/readyz')).statusCode).toBe(503)
  })
})

const routes: RoutePlugin = async (app) => {
  const params = jsonSchema(z.strictObject({ id: countId }))
  app.post(
    '/api/v1/counts/:id/increment',
    {
      config: { access: { kind: 'service' }, problems: ['unknown-count', 'count-paused', 'out-of-bounds'] },
      schema: {
        operationId: 'increment',
        params,
        body: jsonSchema(amountBody),
        response: { 200: jsonSchema(applied, 'output') },
      },
    },
    async () => ({ id: 'a', value: 1, version: 1, delta: 1, secret: 'x' }),
  )
  app.put(
    '/api/v1/value',
    {
      config: { access: { kind: 'public' } },
      schema: { body: jsonSchema(z.strictObject({ value: z.int() })) },
    },
    async (_request, reply) => reply.code(204).send(),
  )
  app.get('/api/v1/stream', { config: { access: { kind: 'public' }, longLived: true } }, async () => 'stream')
}
const service = { guards: { service: serviceAccess('0123456789abcdef') } }

describe('metrics', () => {
  test('count requests by route pattern, method and status, those that were refused too, streams not', async () => {
    const app = await serverOf(routes, service)
    const headers = { authorization: 'Bearer 0123456789abcdef' }
    for (const id of ['a', 'b', 'A'])
      await app.inject({ method: 'POST', url: `/api/v1/counts/${id}/increment`, headers })
    await app.inject({ method: 'POST', url: '/api/v1/counts/a/increment' })
    await app.inject('/api/v1/stream')
    const { body } = await app.inject('/metrics')
    const count = (status: number) =>
      new RegExp(`count{method="POST",route="/api/v1/counts/:id/increment",status="${status}"} (\\d+)`).exec(
        body,
      )?.[1]
    expect([200, 400, 401].map(count)).toEqual(['2', '1', '1'])
    expect(body).not.toContain('/api/v1/stream')
    expect(body).toContain('nodejs_eventloop_lag_p99_seconds')
  })

  test('fill each bucket with all that was no slower', () => {
    const times = createRequestTimes()
    const observe = times.route('GET', '/a')
    for (const ms of [0.5, 1, 1.5, 30, 20_000]) observe(200, ms)
    const lines = times.text().split('\n')
    const bucket = (le: string) => lines.find((line) => line.includes(`le="${le}"`))?.split(' ')[1]
    expect(['0.001', '0.0025', '0.025', '0.05', '10', '+Inf'].map(bucket)).toEqual([
      '2',
      '3',
      '3',
      '4',
      '4',
      '5',
    ])
    expect(lines).toContain('http_request_duration_seconds_sum{method="GET",route="/a",status="200"} 20.033')
    expect(lines).toContain('http_request_duration_seconds_count{method="GET",route="/a",status="200"} 5')
  })
})

describe('the API document', () => {
  const document = z.object({
    openapi: z.string(),
    paths: z.record(
      z.string(),
      z.record(
        z.string(),
        z.object({
          security: z.array(z.unknown()).optional(),
          requestBody: z.object({ required: z.boolean() }).optional(),
          responses: z.record(
            z.string(),
            z.object({ description: z.string(), content: z.record(z.string(), z.unknown()).optional() }),
          ),
        }),
      ),
    ),
    components: z.object({
      schemas: z.object({ Problem: z.object({ required: z.array(z.string()) }) }),
      securitySchemes: z.object({ key: z.unknown() }),
    }),
  })
  const read = async () => {
    const app = await serverOf(routes, service)
    const response = await app.inject('/openapi.json')
    expect(response.headers['content-type']).toMatch(/^application\/json/)
    return document.parse(response.json())
  }

  test('names every status that a route can answer, problems with their schema, and who may call', async () => {
    const { openapi, paths, components } = await read()
    const increment = paths['/api/v1/counts/{id}/increment']?.post
    expect(openapi).toBe('3.1.0')
    expect(Object.keys(increment?.responses ?? {})).toEqual([
      '200',
      '400',
      '401',
      '404',
      '409',
      '413',
      '415',
      '500',
    ])
    expect(increment?.responses[409]).toEqual({
      description: expect.stringMatching(/count-paused.*out-of-bounds/),
      content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
    })
    expect(increment?.security).toEqual([{ service: [] }])
    expect(components.schemas.Problem.required).toEqual(['type', 'title', 'status'])
  })

  test('says which bodies may be absent', async () => {
    const { paths } = await read()
    expect(paths['/api/v1/counts/{id}/increment']?.post?.requestBody?.required).toBe(false)
    expect(paths['/api/v1/value']?.put?.requestBody?.required).toBe(true)
    expect(paths['/api/v1/value']?.put?.security).toEqual([])
  })

  test('leaves out what is not for callers', async () => {
    const { paths } = await read()
    expect(Object.keys(paths)).toEqual(['/api/v1/counts/{id}/increment', '/api/v1/value', '/api/v1/stream'])
  })

  test('is drawn at /docs by scripts and styles of its own server alone', async () => {
    const app = await serverOf(routes, service)
    const page = await app.inject('/docs/')
    expect(page.headers['content-security-policy']).toContain(
      "default-src 'none'; script-src 'self'; style-src 'self'",
    )
    const links = [...page.body.matchAll(/(?:src|href)="([^"]+)"/g)].map((match) => match[1] ?? '')
    expect(links.length).toBeGreaterThan(3)
    for (const link of links) {
      expect(link).toMatch(/^\.\/static\//)
      expect((await app.inject(`/docs/${link}`)).statusCode).toBe(200)
    }
    expect(page.body).not.toMatch(/<script>|<style|style=|onload/)
  })

  test('a reply is cut down to what the document says', async () => {
    const app = await serverOf(routes, service)
    const headers = { authorization: 'Bearer 0123456789abcdef' }
    const response = await app.inject({ method: 'POST', url: '/api/v1/counts/a/increment', headers })
    expect(response.json()).toEqual({ id: 'a', value: 1, version: 1, delta: 1 })
  })
})
