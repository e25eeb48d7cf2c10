import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { text } from 'node:stream/consumers'
import { connectRedis, untilReady } from '@count/core/redis'
import { openTopology } from '@count/core/topology'
import { type ChainableCommander, Redis } from 'ioredis'
import { pino } from 'pino'
import { runTool } from './tool.ts'

const log = pino({ level: 'silent' })
const patienceMs = 10_000
const chunk = 500

/** Asks one server. */
async function ask<T>(url: string, work: (redis: Redis) => Promise<T>): Promise<T> {
  const redis = connectRedis(url, { name: 'backup', log, socketTimeoutMs: 600_000 })
  try {
    await untilReady(redis, patienceMs).catch(() => {
      throw new Error(`the Redis server ${new URL(url).host} does not answer`)
    })
    return await work(redis)
  } finally {
    redis.disconnect()
  }
}

/** Who serves what, in words that change when that does. @throws while slots move or one is not served */
async function layout(topology: ReturnType<typeof openTopology>): Promise<string> {
  await topology.refresh()
  const served = topology.primaries().map((url) =>
    ask(url, async (redis) => {
      if (!topology.cluster) return url
      const nodes = String(await redis.call('CLUSTER', 'NODES'))
      const slots = nodes.match(/^.*myself.* connected(.*)$/m)?.[1] ?? ''
      if (slots.includes('[')) throw new Error('the Cluster is moving slots: take the backup afterwards')
      return `${url}${slots}`
    }),
  )
  return (await Promise.all(served)).join('\n')
}

/**
 * Takes a snapshot (RDB) of each primary, over the wire.
 * @returns the files' names
 * @throws when a Cluster moved slots or changed a primary meanwhile: keys could be in no snapshot
 */
export async function dumpValueStore(urls: string, dir: string): Promise<string[]> {
  const topology = openTopology(urls, log)
  try {
    const before = await layout(topology)
    const names = await Promise.all(
      topology.primaries().map(async (url, n) => {
        const name = `value-${n}.rdb`
        await snapshot(url, join(dir, name))
        return name
      }),
    )
    if ((await layout(topology)) !== before)
      throw new Error('the Cluster changed during the backup: take it again')
    return names
  } finally {
    topology.close()
  }
}

async function snapshot(address: string, file: string): Promise<void> {
  const { hostname, port, username, password, protocol, searchParams } = new URL(address)
  const ca = searchParams.get('ca')
  await runTool(
    'redis-cli',
    [
      ...['-h', hostname.replace(/^\[(.*)\]$/, '$1'), '-p', port || '6379'],
      ...(username ? ['--user', decodeURIComponent(username)] : []),
      ...(protocol === 'rediss:' ? ['--tls', ...(ca ? ['--cacert', ca] : [])] : []),
      ...['--rdb', file],
    ],
    password ? { REDISCLI_AUTH: decodeURIComponent(password) } : {},
  )
}

/** What keeps snapshots from being restored here; undefined when nothing does. */
export async function valueStoreFault(urls: string, overwrite: boolean): Promise<string | undefined> {
  return await atEach(urls, async (redis) => {
    const clients = String(await redis.client('LIST'))
    // Our own way to a Cluster is called as theirs.
    const name = clients.match(/ name=(count-(?!topology )\S+)/)?.[1]
    if (name) return `the value store is in use by ${name}: stop the services`
    return (await redis.dbsize()) > 0 && !overwrite ? 'the value store is not empty' : undefined
  }).then((faults) => faults.find(Boolean))
}

/** Empties every server: also the cache, whose entries would seem newer than what was restored. */
export const emptyRedis = (urls: string): Promise<unknown> => atEach(urls, (redis) => redis.flushall('SYNC'))

async function atEach<T>(urls: string, work: (redis: Redis) => Promise<T>): Promise<T[]> {
  const topology = openTopology(urls, log)
  try {
    await topology.refresh()
    return await Promise.all(topology.primaries().map((url) => ask(url, work)))
  } finally {
    topology.close()
  }
}

/** Which primary recovery has finished on: what is restored must be recovered, also on the primary that it came from. */
const ofRecovery = /^\{s\d+\}:(recovered|recovery)$/

/** Puts every key of the snapshots on the primary that owns it now, however many there are. */
export async function restoreValueStore(urls: string, files: string[]): Promise<void> {
  const topology = openTopology(urls, log)
  const targets = new Map<string, Redis>()
  const targetOf = async (key: string): Promise<Redis> => {
    const url = topology.primary(Number(key.match(/^\{s(\d+)\}:/)?.[1] ?? Number.NaN))
    if (!url) throw new Error(`${key} is no key of a value store`)
    let target = targets.get(url)
    if (!target) {
      target = connectRedis(url, { name: 'restore', log, socketTimeoutMs: 600_000 })
      targets.set(url, target)
    }
    await untilReady(target, patienceMs)
    return target
  }
  try {
    await topology.refresh()
    for (const file of files)
      await readSnapshot(file, async (source, keys) => {
        const groups = new Map<Redis, string[]>()
        for (const key of keys.filter((key) => !ofRecovery.test(key))) {
          const target = await targetOf(key)
          groups.set(target, [...(groups.get(target) ?? []), key])
        }
        await Promise.all([...groups].map(([target, keys]) => copy(source, target, keys)))
      })
  } finally {
    for (const target of targets.values()) target.disconnect()
    topology.close()
  }
}

async function copy(source: Redis, target: Redis, keys: string[]): Promise<void> {
  const reading = source.pipeline()
  for (const key of keys) reading.dumpBuffer(key).pexpiretime(key)
  const read = await answersOf(reading)
  const writing = target.pipeline()
  keys.forEach((key, n) => {
    const [value, expires] = [read[2 * n], Number(read[2 * n + 1])]
    // Absent: it has expired since it was found.
    if (value instanceof Buffer) writing.restore(key, Math.max(expires, 0), value, 'ABSTTL')
  })
  await answersOf(writing)
}

/** @throws the first error */
async function answersOf(pipeline: ChainableCommander): Promise<unknown[]> {
  const answers = (await pipeline.exec()) ?? []
  return answers.map(([error, answer]) => {
    if (error) throw error
    return answer
  })
}

/** Has a redis-server of our own load a snapshot, and hands out its keys. @throws with what it said when it does not load it */
async function readSnapshot(
  file: string,
  handle: (source: Redis, keys: string[]) => Promise<void>,
): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), 'restore-'))
  const socket = join(dir, 'redis.sock')
  const place = ['--dir', dirname(file), '--dbfilename', basename(file), '--unixsocket', socket]
  const settings = ['--port', '0', '--save', '', '--appendonly', 'no', '--loglevel', 'warning']
  const server = spawn('redis-server', [...place, ...settings], { stdio: ['ignore', 'pipe', 'inherit'] })
  const said = text(server.stdout)
  const gone = once(server, 'exit').then(
    async () => new Error(`redis-server does not load ${file}:\n${(await said).trim()}`),
    () => new Error('redis-server is not on PATH'),
  )
  const source = new Redis({
    path: socket,
    maxRetriesPerRequest: null,
    retryStrategy: () => 20,
  })
  source.on('error', () => {})
  try {
    // The client asks nothing before everything is loaded.
    const fault = await Promise.race([gone, source.ping()])
    if (fault instanceof Error) throw fault
    let cursor = '0'
    do {
      const [next, keys] = await source.scan(cursor, 'COUNT', chunk)
      await handle(source, keys)
      cursor = next
    } while (cursor !== '0')
  } finally {
    source.disconnect()
    server.kill('SIGKILL')
    await gone
    await rm(dir, { recursive: true })
  }
}
