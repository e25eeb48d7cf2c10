import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { type ChildServer, spawnServer } from '../src/child-server.ts'
import { freePort } from '../src/ports.ts'
import { until } from '../src/until.ts'
import { startWholeSystem, type WholeSystem } from './whole-system.ts'

const patience = 240_000
const token = 'a-service-token-of-tests'
const id = 'shop.stock'
const told = z.object({ data: z.object({ state: z.string(), value: z.number() }) })

let system: WholeSystem
let second: ChildServer
const received: z.output<typeof told>['data'][] = []
const receiver = createServer(async (request, response) => {
  received.push(told.parse(JSON.parse(await text(request))).data)
  response.writeHead(204).end()
})

beforeAll(async () => {
  receiver.listen(0, '127.0.0.1')
  await once(receiver, 'listening')
  system = await startWholeSystem({ SERVICE_TOKEN: token, WEBHOOK_ALLOW_PRIVATE: 'true' })
  const port = await freePort()
  const service = join(import.meta.dirname, '../../../services/dashboard-update-service')
  second = await spawnServer({
    command: process.execPath,
    args: [join(service, 'src/server.ts')],
    cwd: service,
    logFile: join(system.dir, 'second.log'),
    env: {
      ...z
        .record(z.string(), z.string())
        .parse(JSON.parse(await readFile(join(system.dataDir, 'stores.json'), 'utf8'))),
      PATH: process.env.PATH,
      SERVICE_TOKEN: token,
      MANAGEMENT_URL: system.url,
      PROVISION_URL: system.url,
      HOST: '127.0.0.1',
      PORT: String(port),
    },
  })
  await second.ready(async () => (await fetch(`http://127.0.0.1:${port}/readyz`)).ok, 60_000)
}, patience)
afterAll(async () => {
  await second?.stop('SIGTERM', 15_000)
  await system?.stop()
  receiver.close()
})

async function change(kind: 'increment' | 'decrement', amount: number): Promise<void> {
  const response = await fetch(`${system.url}/api/v1/counts/${id}/${kind}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${system.apiKey}`, 'content-type': 'application/json' },
    body: JSON.stringify({ amount }),
  })
  expect(response.status).toBe(200)
}

test('a threshold that is crossed calls the webhook once, and once when it is over, though two processes judge it', {
  timeout: patience,
}, async () => {
  await system.post(
    '/api/v1/admin/counts',
    { id, name: 'Stock', initialValue: 10 },
    z.object({ id: z.literal(id) }),
  )
  const address = z.object({ port: z.int() }).parse(receiver.address())
  await system.post(
    '/api/v1/alerts',
    {
      name: 'Stock is low',
      count: id,
      condition: { kind: 'below', at: 5 },
      webhook: { url: `http://127.0.0.1:${address.port}/hook` },
    },
    z.object({ id: z.string() }),
  )
  await change('decrement', 6)
  await until('the alert', () => received.length > 0, { deadlineMs: 60_000 })
  await change('increment', 6)
  await until('its end', () => received.some(({ state }) => state === 'closed'), { deadlineMs: 60_000 })
  expect(received.map(({ state, value }) => [state, value])).toEqual([
    ['open', 4],
    ['closed', 10],
  ])
})
