import { askRedis, type RedisAddress } from '@count/stack/redis-command'
import { startRedis } from '@count/stack/redis-server'
import { abortedAtEnd, keep } from '../closing.ts'
import { type Server, startServer } from '../server.ts'
import { startBare } from './bare-server.ts'
import type { Generator, Load, Measured } from './load.ts'
import { seedCounts, seededIds } from './seed.ts'
import { startWebdis } from './webdis.ts'

/** How long and how often everything is measured. */
export interface Pains {
  rounds: number
  /** of one measurement */
  seconds: number
  soakSeconds: number
  /** how many counts "a million" is */
  million: number
}

export type World = ReturnType<typeof openWorld>

/** What the parts of the benchmark share. Each thing is started when it is first asked for, and stopped by `closing`. */
export function openWorld(closing: AsyncDisposableStack, pains: Pains, generator: Generator) {
  const once = <T>(start: () => Promise<T>) => {
    let started: Promise<T> | undefined
    return () => {
      started ??= start()
      return started
    }
  }
  const server = once(() => startServer(closing))
  const plain = once(() => keep(closing, startRedis({ persistence: 'always' }), (redis) => redis.stop()))
  const bare = once(async () => startBare(closing, (await server()).apiKey))
  const webdis = once(async () => startWebdis(closing, await plain()))
  const seeded = new Map<string, Promise<string[]>>()

  /** The ids of `count` counts of this prefix, made when they are first asked for. */
  function counts(prefix: string, count: number): Promise<string[]> {
    const name = `${prefix}${count}:`
    let ids = seeded.get(name)
    if (!ids) {
      ids = make(name, count)
      seeded.set(name, ids)
    }
    return ids
  }

  async function make(name: string, count: number): Promise<string[]> {
    const start = performance.now()
    const ids = seededIds(name, count)
    await seedCounts((await server()).stores, ids)
    if (count > 10_000)
      process.stderr.write(`  made ${count} counts in ${Math.round((performance.now() - start) / 1000)} s\n`)
    return ids
  }

  /** Loads a server; the counts must have been made when it is the real one. */
  async function send(
    load: Pick<Load, 'url' | 'kind' | 'connections' | 'first'>,
    ids: string[],
    seconds: number,
  ): Promise<Measured> {
    const prefix = (ids[0] ?? '0').slice(0, -1)
    return await generator.send(
      { ...load, apiKey: (await server()).apiKey, prefix, ids: ids.length },
      seconds,
    )
  }

  return { pains, signal: abortedAtEnd(closing), server, plain, bare, webdis, counts, send }
}

export type Fsync = 'always' | 'everysec'

/** Says when a Redis forces its log to disk, from now on. */
export async function setFsync(redis: RedisAddress, mode: Fsync): Promise<void> {
  await askRedis(redis, 'CONFIG', 'SET', 'appendfsync', mode)
}

export function valueStoreOf({ stores }: Server): RedisAddress {
  if (!stores.VALUE_REDIS_URL) throw new Error('stores.json names no value store')
  const { hostname: host, port, password } = new URL(stores.VALUE_REDIS_URL)
  return { host, port: Number(port), password: decodeURIComponent(password) || undefined }
}
