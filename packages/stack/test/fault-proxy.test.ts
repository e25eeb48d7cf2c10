import { Redis } from 'ioredis'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { type FaultProxy, startFaultProxy } from '../src/fault-proxy.ts'
import { askRedis } from '../src/redis-command.ts'
import type { RedisServer } from '../src/redis-server.ts'
import { testRedis } from '../src/testing.ts'
import { until } from '../src/until.ts'

let server: RedisServer
let proxy: FaultProxy
let client: Redis

beforeAll(async () => {
  server = await testRedis()
})
afterAll(() => server.stop())

beforeEach(async () => {
  await askRedis(server, 'FLUSHALL')
  proxy = await startFaultProxy({ targetHost: server.host, targetPort: server.port })
  client = new Redis({
    port: proxy.port,
    retryStrategy: null,
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
  })
  client.on('error', () => {})
  await client.ping()
})
afterEach(async () => {
  client.disconnect()
  await proxy.close()
})

const stored = () => askRedis(server, 'GET', 'n')

test('without a fault everything passes', async () => {
  const text = 'x'.repeat(1_000_000)
  await client.set('n', text)
  expect(await client.get('n')).toBe(text)
  expect(proxy.faults).toBe(0)
})

test('a dropped reply closes the connection after the command ran', async () => {
  proxy.setReplyFault({ drop: 1 })
  await expect(client.incr('n')).rejects.toThrow()
  expect(await stored()).toBe('1')
  expect(proxy.faults).toBe(1)
})

test('a cut resets the connection after the command ran', async () => {
  proxy.setReplyFault({ cut: 1 })
  await expect(client.incr('n')).rejects.toThrow()
  expect(await stored()).toBe('1')
})

test('delayed replies keep their order when the delay ends', async () => {
  proxy.setReplyFault({ delayMs: 100 })
  const begin = performance.now()
  const first = client.incr('n')
  await until('the command to run', async () => (await stored()) === '1')
  proxy.setReplyFault({})
  expect(await Promise.all([first, client.incr('n')])).toEqual([1, 2])
  expect(performance.now() - begin).toBeGreaterThan(99)
})

test('a held request runs after its connection has gone', async () => {
  proxy.holdRequests(true)
  const lost = client.incr('n')
  client.disconnect()
  await expect(lost).rejects.toThrow()
  expect(await stored()).toBe('null')
  proxy.holdRequests(false)
  await until('the late command to run', async () => (await stored()) === '1')
})

test('a black hole is silent, and passes everything on at its end', async () => {
  proxy.blackhole(true)
  const answer = client.incr('n')
  expect(await stored()).toBe('null')
  proxy.blackhole(false)
  expect(await answer).toBe(1)
})

test('cutting all ends open connections and takes new ones', async () => {
  proxy.cutAll()
  await until('the connection to end', () => client.status === 'end')
  expect(await askRedis({ host: proxy.host, port: proxy.port }, 'PING')).toBe('PONG')
})
