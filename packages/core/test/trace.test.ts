import { setTimeout as delay } from 'node:timers/promises'
import { until } from '@count/stack/until'
import { pino } from 'pino'
import { Registry } from 'prom-client'
import { expect, test } from 'vitest'
import { createServer } from '../src/service.ts'
import { traced, traceOf, traceparent } from '../src/trace.ts'

const trace = '4bf92f3577b34da6a3ce929d0e0e4736'
const span = '00f067aa0ba902b7'
const given = { headers: { traceparent: `00-${trace}-${span}-01` } }

test('a request belongs to the trace that its traceparent names, else to one of its own', () => {
  expect(traceOf(given)).toBe(trace)
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
    expect(traceOf(request)).toMatch(/^[0-9a-f]{32}$/)
    expect(traceOf(request)).not.toBe(trace)
    expect(traceOf(request)).toBe(traceOf(request))
  }
})

test('what is sent for a request bears its trace, anything else one of its own, each a span of its own', async () => {
  const sent = await traced(given, async () => {
    await delay(1)
    return [traceparent(), traceparent()]
  })
  expect(sent[0]).toMatch(new RegExp(`^00-${trace}-[0-9a-f]{16}-01$`))
  expect(sent[1]).not.toBe(sent[0])
  expect(traceparent()).not.toContain(trace)
})

test('log lines of a request tell its trace', async () => {
  const lines: { msg: string; trace: string }[] = []
  const log = pino({ level: 'debug' }, { write: (line) => void lines.push(JSON.parse(line)) })
  const app = await createServer({ log, metrics: new Registry(), fetch }, [
    {
      name: 'test',
      checks: [],
      close: async () => {},
      plugin: async (routes) => {
        routes.get('/fails', { config: { access: { kind: 'public' } } }, () => {
          throw new Error('it was told to')
        })
      },
    },
  ])
  expect((await app.inject({ url: '/fails', headers: given.headers })).statusCode).toBe(500)
  await until('both lines', () => lines.length === 2)
  expect(lines.map(({ msg, trace }) => [msg, trace])).toEqual([
    ['request failed', trace],
    ['request', trace],
  ])
  await app.close()
})
