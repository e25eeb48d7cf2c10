import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { type ChildServer, spawnServer } from '../src/child-server.ts'
import { freePort } from '../src/ports.ts'
import { until } from '../src/until.ts'
import { startOtlpReceiver } from './otlp-receiver.ts'
import { startWholeSystem, type WholeSystem } from './whole-system.ts'

const patience = 240_000
const provisionService = join(
  import.meta.dirname,
  '../../../services/dashboard-provision-service/src/server.ts',
)
const traceId = '4bf92f3577b34da6a3ce929d0e0e4736'
const caller = '00f067aa0ba902b7'

let collector: Awaited<ReturnType<typeof startOtlpReceiver>>
let system: WholeSystem
let provision: ChildServer
beforeAll(async () => {
  collector = await startOtlpReceiver()
  const port = await freePort()
  const provisionUrl = `http://127.0.0.1:${port}`
  const shared = {
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    SERVICE_TOKEN: 'a-service-token-of-a-test',
    LOG_LEVEL: 'debug',
  }
  system = await startWholeSystem({ ...shared, PROVISION_URL: provisionUrl })
  provision = await spawnServer({
    command: process.execPath,
    args: [provisionService],
    cwd: system.dir,
    logFile: join(system.dir, 'provision.log'),
    env: {
      ...z
        .record(z.string(), z.string())
        .parse(JSON.parse(await readFile(join(system.dataDir, 'stores.json'), 'utf8'))),
      ...shared,
      PATH: process.env.PATH,
      HOST: '127.0.0.1',
      PORT: String(port),
      MANAGEMENT_URL: system.url,
    },
  })
  await provision.ready(async () => (await fetch(`${provisionUrl}/readyz`)).ok, 60_000)
}, patience)
afterAll(async () => {
  await provision?.stop('SIGTERM', 15_000)
  await system?.stop()
  await collector?.stop()
})

test('a collector is told of one trace through two services, and their log lines name it', async () => {
  const board = await system.post(
    '/api/v1/dashboards',
    { name: 'Traced', panels: [] },
    z.object({ id: z.string() }),
  )
  const leave = new AbortController()
  const stream = await fetch(`${system.url}/api/v1/dashboards/${board.id}/stream`, {
    headers: {
      cookie: `count_session=${system.session.cookie}`,
      traceparent: `00-${traceId}-${caller}-01`,
    },
    signal: leave.signal,
  })
  expect(stream.status).toBe(200)
  leave.abort()
  const told = () => collector.spans.filter((span) => span.traceId === traceId)
  await until('the spans', () => told().length === 3)
  const [outer, call, inner] = ['GET /api/v1/dashboards/:id/stream', 'GET', 'GET /internal/dashboards'].map(
    (name) => told().find((span) => span.name === name),
  )

  expect(outer).toMatchObject({
    service: 'count',
    parentSpanId: caller,
    kind: 2,
    failed: false,
    attributes: {
      'http.request.method': 'GET',
      'http.route': '/api/v1/dashboards/:id/stream',
      'http.response.status_code': 200,
      'url.path': `/api/v1/dashboards/${board.id}/stream`,
      'url.scheme': 'http',
    },
  })
  expect(call).toMatchObject({
    service: 'count',
    parentSpanId: outer?.spanId,
    kind: 3,
    failed: false,
    attributes: { 'server.address': '127.0.0.1', 'http.response.status_code': 200 },
  })
  expect(inner).toMatchObject({
    service: 'dashboard-provision-service',
    parentSpanId: call?.spanId,
    kind: 2,
    attributes: { 'http.route': '/internal/dashboards', 'http.response.status_code': 200 },
  })
  const log = await readFile(join(system.dir, 'provision.log'), 'utf8')
  expect(log).toContain(`"trace_id":"${traceId}","span_id":"${inner?.spanId}"`)
})

test('neither the token of a share link nor what nobody called for is told of', async () => {
  const token = 'a-token-of-a-share-link'
  for (const path of ['/livez', '/readyz', '/metrics', `/api/v1/dashboards/shared/${token}`])
    await fetch(system.url + path)
  const route = '/api/v1/dashboards/shared/:token'
  await until('the span', () => collector.spans.some(({ attributes }) => attributes['http.route'] === route))
  expect(JSON.stringify(collector.spans)).not.toContain(token)
  const routes = collector.spans.map(({ attributes }) => attributes['http.route'])
  expect(routes).not.toContain('/readyz')
  // services ask for sessions each second, for no request
  expect(routes).not.toContain('/internal/sessions')
})
