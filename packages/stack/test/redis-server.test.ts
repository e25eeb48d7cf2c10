import { existsSync } from 'node:fs'
import { afterEach, expect, test } from 'vitest'
import { startRedisCluster } from '../src/redis-cluster.ts'
import { askRedis } from '../src/redis-command.ts'
import { testRedis } from '../src/testing.ts'

const opened: { stop(): Promise<void> }[] = []

async function open<T extends { stop(): Promise<void> }>(starting: Promise<T>): Promise<T> {
  const server = await starting
  opened.push(server)
  return server
}

afterEach(async () => {
  await Promise.all(opened.splice(0).map((server) => server.stop()))
})

test('a killed server comes back on its port with its data', async () => {
  const server = await open(testRedis({ persistence: 'always', password: 'p"\\ x' }))
  await askRedis(server, 'SET', 'a', '1')
  await server.kill('SIGKILL')
  await expect(askRedis(server, 'GET', 'a')).rejects.toThrow()
  await server.restart()
  expect(await askRedis(server, 'GET', 'a')).toBe('1')
})

test('a server asks for its password', async () => {
  const server = await open(testRedis({ password: 'secret' }))
  await expect(askRedis({ host: server.host, port: server.port }, 'GET', 'a')).rejects.toThrow('NOAUTH')
})

test('a wiped server comes back empty', async () => {
  const server = await open(testRedis({ persistence: 'always' }))
  await askRedis(server, 'SET', 'a', '1')
  await server.wipe()
  expect(await askRedis(server, 'DBSIZE')).toBe('0')
})

test('a paused server is silent until it is resumed', async () => {
  const server = await open(testRedis())
  await server.pause()
  const answer = askRedis(server, 'PING')
  await expect(Promise.race([answer, silence(100)])).resolves.toBe('silence')
  await server.resume()
  expect(await answer).toBe('PONG')
})

test('a replica follows a primary that has a password, and takes no writes', async () => {
  const primary = await open(testRedis({ password: 'one' }))
  await askRedis(primary, 'SET', 'a', '1')
  const replica = await open(testRedis({ replicaOf: primary, password: 'two' }))
  await replica.linked()
  expect(await askRedis(replica, 'GET', 'a')).toBe('1')
  await expect(askRedis(replica, 'SET', 'a', '2')).rejects.toThrow('READONLY')
})

test('a port that is taken is an error which names the reason', async () => {
  const { port } = await open(testRedis())
  await expect(testRedis({ port })).rejects.toThrow('Address already in use')
})

test('a temporary directory goes away with its server', async () => {
  const server = await testRedis()
  await server.stop()
  expect(existsSync(server.dir)).toBe(false)
})

test('a cluster promotes the replica of a killed primary', async () => {
  const cluster = await open(startRedisCluster({ primaries: 3, replicas: 1 }))
  const [first] = cluster.primaries
  const [replica] = cluster.replicas
  expect(cluster.url.split(',')).toHaveLength(6)
  expect(await askRedis(replica as never, 'ROLE')).toMatch(/^slave/)
  await first?.kill('SIGKILL')
  await cluster.healthy()
  expect(await askRedis(replica as never, 'ROLE')).toMatch(/^master/)
})

const silence = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms, 'silence'))
