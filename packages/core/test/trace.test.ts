import { setTimeout as delay } from 'node:timers/promises'
import { until } from '@count/stack/until'
import { pino } from 'pino'
import { Registry } from 'prom-client'
import { expect, onTestFinished, test } from 'vitest'
import { createServer } from '../src/service.ts'
import { spanOf, traced, tracedFetch, traceparent } from '../src/trace.ts'
import { partsOf } from './server.ts'

const trace = '4bf92f3577b34da6a3ce929d0e0e4736'
const span = '00f067aa0ba902b7'
const given = { headers: { traceparent: `00-${trace}-${span}-01` } }

test('a request belongs to the trace that its traceparent names, else to one of its own', () => {
  expect(spanOf(given)).toMatchObject({ traceId: trace, sampled: true })
  expect(spanOf(given).spanId).not.toBe(span)
  for (const header of [
    undefined,
    '',
    'garbage',
    `00-${'0'.repeat(32)}-${span}-01`,
    `00-${trace}-${'0'.repeat(16)}-01`,
    `00-${trace.toUpperCase()}-${span}-01`,
    `ff-${trace}-${span}-01`,
    `00-${trace}-${span}-01-more`,
  ]) {
    const request = { headers: { traceparent: header } }
    const own = spanOf(request)
    expect(own.traceId).toMatch(/^[0-9a-f]{32}$/)
    expect(own.traceId).not.toBe(trace)
    expect(own.sampled).toBe(false)
    expect(spanOf(request)).toBe(own)
  }
})

test('a call made for a request bears its trace, any other one of its own that nobody is told of', async () => {
  const sent: string[] = []
  const fetch = tracedFetch(async (_url, init) => {
    sent.push(`${init?.headers?.traceparent} ${init?.headers?.accept}`)
    return new Response()
  })
  const call = () => fetch('http://other', { headers: { accept: 'any' } })
  await traced(given, async () => {
    await delay(1)
    await call()
  })
  await traced({ headers: { traceparent: `00-${trace}-${span}-fe` } }, call)
  await call()
  expect(sent[0]).toBe(`00-${trace}-${spanOf(given).spanId}-01 any`)
  expect(sent[1]).toMatch(new RegExp(`^00-${trace}-[0-9a-f]{16}-00 any$`))
  expect(sent[2]).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-00 any$/)
  expect(sent[2]).not.toContain(trace)
  expect(traceparent()).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/)
})

test('log lines of a request tell its trace and the id of its own', async () => {
  const lines: { msg: string; trace_id: string; span_id: string }[] = []
  const log = pino({ level: 'debug' }, { write: (line) => void lines.push(JSON.parse(line)) })
  const app = await createServer({ log, metrics: new Registry(), fetch }, [
    partsOf(async (routes) => {
      routes.get('/fails', { config: { access: { kind: 'public' } } }, () => {
        throw new Error('it was told to')
      })
    }),
  ])
  onTestFinished(() => app.close())
  expect((await app.inject({ url: '/fails', headers: given.headers })).statusCode).toBe(500)
  await until('both lines', () => lines.length === 2)
  expect(lines.map(({ msg, trace_id }) => [msg, trace_id])).toEqual([
    ['request failed', trace],
    ['request', trace],
  ])
  expect(lines[0]?.span_id).toMatch(/^[0-9a-f]{16}$/)
  expect(lines[0]?.span_id).toBe(lines[1]?.span_id)
})
