import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdtemp, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connected } from '@count/core/databases'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { commandLine, isRunning } from '../src/process-identity.ts'
import { askRedis, redisInfo } from '../src/redis-command.ts'
import { openStack, type Stack } from '../src/stack.ts'
import type { StoreAddresses } from '../src/store-addresses.ts'
import { testRedis } from '../src/testing.ts'
import { until } from '../src/until.ts'

let dataDir: string
let lines: string[]
const stacks: Stack[] = []
const children: ChildProcess[] = []

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'data-'))
  await chmod(dataDir, 0o711)
  lines = []
})

afterEach(async () => {
  await Promise.all(stacks.splice(0).map((stack) => stack.close()))
  for (const child of children.splice(0)) {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGTERM')
      await once(child, 'exit')
    }
  }
})

async function open(env: Record<string, string> = {}): Promise<Stack> {
  const log = { info: (line: string) => lines.push(line), warn: (line: string) => lines.push(line) }
  const stack = await openStack({ dataDir, env: { STACK: 'local', ...env }, kafka: false, log })
  stacks.push(stack)
  return stack
}

/** Opens the stack in a process of its own. */
async function openElsewhere(): Promise<{ child: ChildProcess; addresses: StoreAddresses }> {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'open-stack.ts'), dataDir], {
    stdio: 'pipe',
  })
  children.push(child)
  const [line] = await once(child.stdout, 'data')
  return { child, addresses: JSON.parse(String(line)) }
}

const pidOf = async (name: string) => Number(await readFile(join(dataDir, 'run', `${name}.pid`), 'utf8'))

function redisOf(url: string | undefined) {
  const { hostname: host, port, password } = new URL(url as string)
  return { host, port: Number(port), password }
}

/** Every process at work below the data directory. */
async function servers(): Promise<string[]> {
  const pids = (await readdir('/proc')).map(Number).filter((pid) => pid > 0)
  return pids.map(commandLine).filter((line) => line.includes(`${dataDir}/`))
}

test('a start on an empty directory brings every store up, and tells no one else the addresses', async () => {
  const { addresses } = await open()
  expect(await askRedis(redisOf(addresses.VALUE_REDIS_URL), 'CONFIG', 'GET', 'appendfsync')).toBe(
    'appendfsync,always',
  )
  expect(await askRedis(redisOf(addresses.CACHE_REDIS_URL), 'CONFIG', 'GET', 'maxmemory-policy')).toMatch(
    'allkeys-lru',
  )
  await until('the replica to be linked', async () => {
    return (
      (await redisInfo(redisOf(addresses.VALUE_REPLICA_REDIS_URL), 'replication', 'master_link_status')) ===
      'up'
    )
  })
  const [row] = await connected(
    addresses.INFO_DATABASE_URL as string,
    (sql) => sql`SELECT current_user AS role`,
  )
  expect(row).toEqual({ role: 'info_service' })
  for (const file of ['stores.json', 'stack.json']) {
    expect((await stat(join(dataDir, file))).mode & 0o777).toBe(0o600)
  }
  expect(JSON.parse(await readFile(join(dataDir, 'stores.json'), 'utf8'))).toEqual(addresses)
})

test('a restart keeps data and addresses', async () => {
  const first = await open()
  await askRedis(redisOf(first.addresses.VALUE_REDIS_URL), 'SET', 'a', '1')
  await connected(
    first.addresses.INFO_MIGRATION_URL as string,
    (sql) => sql`CREATE TABLE kept AS SELECT 7 AS n`,
  )
  await first.close()
  expect(await servers()).toEqual([])
  const second = await open()
  expect(second.addresses).toEqual(first.addresses)
  expect(await askRedis(redisOf(second.addresses.VALUE_REDIS_URL), 'GET', 'a')).toBe('1')
  const rows = await connected(second.addresses.INFO_DATABASE_URL as string, (sql) => sql`SELECT n FROM kept`)
  expect(rows[0]).toEqual({ n: 7 })
})

test('after kill -9 a new start ends what was left running, and keeps data and addresses', async () => {
  const { child, addresses } = await openElsewhere()
  await askRedis(redisOf(addresses.VALUE_REDIS_URL), 'SET', 'a', '1')
  const before = await pidOf('value')
  child.kill('SIGKILL')
  await once(child, 'exit')
  expect(isRunning(before)).toBe(true)

  const stack = await open()
  expect(stack.addresses).toEqual(addresses)
  expect(await askRedis(redisOf(addresses.VALUE_REDIS_URL), 'GET', 'a')).toBe('1')
  expect(isRunning(before)).toBe(false)
  expect(await servers()).toHaveLength(4)
  expect(lines.join()).toContain('left running')
})

test('a second start on the same directory is refused, and names the first', async () => {
  const { child } = await openElsewhere()
  await expect(open()).rejects.toThrow(`in use by another server (process ${child.pid})`)
  expect(await servers()).not.toHaveLength(0)
})

test('a process that is none of ours, but in a pid file, is left alone', async () => {
  const stranger = await testRedis()
  await (await open()).close()
  await writeFile(join(dataDir, 'run/value.pid'), String(stranger.pid))
  await open()
  expect(await askRedis(stranger, 'PING')).toBe('PONG')
  await stranger.stop()
})

test('a port that a stranger took is chosen anew', async () => {
  const first = await open()
  await first.close()
  const { port } = redisOf(first.addresses.CACHE_REDIS_URL)
  const stranger = await testRedis({ port })
  const second = await open()
  expect(redisOf(second.addresses.CACHE_REDIS_URL).port).not.toBe(port)
  expect(second.addresses.VALUE_REDIS_URL).toBe(first.addresses.VALUE_REDIS_URL)
  await stranger.stop()
})

test.each(['value', 'cache', 'postgres'])(
  'a killed %s store comes back on its address with its data',
  async (name) => {
    const { addresses } = await open()
    await askRedis(redisOf(addresses.VALUE_REDIS_URL), 'SET', 'a', '1')
    const before = await pidOf(name)
    process.kill(before, 'SIGKILL')
    await until('another process', async () => (await pidOf(name)) !== before)
    const select = () => connected(addresses.ARCHIVE_DATABASE_URL as string, (sql) => sql`SELECT 1 AS one`)
    expect((await until('PostgreSQL', select))[0]).toEqual({ one: 1 })
    await until('the cache', () => askRedis(redisOf(addresses.CACHE_REDIS_URL), 'PING'))
    expect(await until('the value', () => askRedis(redisOf(addresses.VALUE_REDIS_URL), 'GET', 'a'))).toBe('1')
  },
)

test('a store whose address is given is not started', async () => {
  const given = await testRedis()
  const { addresses } = await open({ VALUE_REDIS_URL: given.url, KAFKA_BROKERS: 'bus:9092' })
  expect(addresses).toMatchObject({ VALUE_REDIS_URL: given.url, KAFKA_BROKERS: 'bus:9092' })
  expect(addresses.VALUE_REPLICA_REDIS_URL).toBeUndefined()
  expect((await servers()).filter((line) => line.includes('redis'))).toHaveLength(1)
  await given.stop()
})

test('a start that fails stops what it had started', async () => {
  await writeFile(join(dataDir, 'postgres'), 'no directory')
  await expect(open()).rejects.toThrow()
  expect(await servers()).toEqual([])
})
