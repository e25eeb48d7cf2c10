import { type ShardKeys, shardKeys } from '@count/core/keys'
import { callScript, type ScriptName } from '@count/core/scripts'
import { openValueStore, type ValueStore } from '@count/core/value-store'
import { startRedisCluster } from '@count/stack/redis-cluster'
import { testRedis } from '@count/stack/testing'
import type { Redis } from 'ioredis'
import { pino } from 'pino'
import { afterAll, beforeAll, expect } from 'vitest'

const log = pino({ level: 'silent' })

interface Engine {
  url: string
  stop(): Promise<void>
}

/** What every promise of the scripts is tried on; for `describe.each`. */
export const engines: { name: string; start: () => Promise<Engine> }[] = [
  { name: 'one server', start: () => testRedis() },
  { name: 'a cluster of three', start: () => startRedisCluster({ primaries: 3, replicas: 0 }) },
]

/** The value, and when it expires (ms since 1970; −1: never), of every key of a shard, by its name without hash tag. */
export type Dump = Record<string, [value: string | string[] | Record<string, string>, expires: number]>

/** One shard of a value store, recovered and empty, nobody else's. */
export interface Callable {
  keys: ShardKeys
  /** To the primary that owns the shard. */
  redis: Redis
  replid: string
  /** Runs a script as a user that may touch the keys named and no others. */
  call(name: ScriptName, keys: readonly string[], args: readonly (string | number)[]): Promise<unknown>
  dump(): Promise<Dump>
}

export interface ScriptShard extends Callable {
  /** The same shard, its calls not confined: each is sent at once, whatever else is under way. */
  racing: Callable
}

/** Starts a server or cluster for the tests of a `describe`, reached as a service reaches it; gives each test its own shard. */
export function scriptStore(start: () => Promise<Engine>) {
  let engine: Engine
  let store: ValueStore
  let next = 0
  const confined = new Map<Redis, Redis>()

  beforeAll(async () => {
    engine = await start()
    const recover = async (shard: number, redis: Redis, replid: string) => {
      await redis.set(shardKeys(shard).recovered, replid)
    }
    store = await openValueStore({ VALUE_REDIS_URL: engine.url }, { log, recover })
  })
  afterAll(async () => {
    for (const redis of confined.values()) redis.disconnect()
    await store.close()
    await engine.stop()
  })

  /** A connection whose user has no right to any key but those that `allow` named last. */
  async function confine(redis: Redis) {
    const user = async (...rules: string[]) => {
      await redis.call('ACL', ['SETUSER', 'script', 'on', 'nopass', '+@all', 'resetkeys', ...rules])
    }
    let own = confined.get(redis)
    if (!own) {
      await user()
      own = redis.duplicate({ username: 'script', password: 'any', lazyConnect: true })
      confined.set(redis, own)
      await own.connect()
    }
    return { own, allow: (keys: readonly string[]) => user(...keys.map((key) => `~${key}`)) }
  }

  async function shard(): Promise<ScriptShard> {
    const number = next++
    const { redis, replid } = await store.epoch(number)
    const { own, allow } = await confine(redis)
    let last: Promise<unknown> = Promise.resolve()
    const racing: Callable = {
      keys: store.keys(number),
      redis,
      replid,
      call: (name, keys, args) => callScript(redis, name, keys, args),
      dump: () => dump(redis, `{s${number}}:`),
    }
    return {
      ...racing,
      racing,
      call(name, keys, args) {
        const called = last.then(() => allow(keys)).then(() => callScript(own, name, keys, args))
        last = called.catch(() => {})
        return called
      },
    }
  }
  return { shard }
}

/** Expects that no key of the shard changes while `call` runs, not even in its expiry. */
export async function unchanged<T>(shard: Callable, call: () => Promise<T>): Promise<T> {
  const before = await shard.dump()
  const result = await call()
  expect(await shard.dump()).toEqual(before)
  return result
}

async function dump(redis: Redis, tag: string): Promise<Dump> {
  const names = (await redis.keys(`${tag}*`)).sort()
  const read = async (key: string): Promise<[string, Dump[string]]> => {
    const [type, expires] = await Promise.all([redis.type(key), redis.pexpiretime(key)])
    return [key.slice(tag.length), [await contents(redis, key, type), expires]]
  }
  return Object.fromEntries(await Promise.all(names.map(read)))
}

async function contents(redis: Redis, key: string, type: string): Promise<Dump[string][0]> {
  if (type === 'hash') return redis.hgetall(key)
  if (type === 'set') return (await redis.smembers(key)).sort()
  return (await redis.get(key)) ?? ''
}
