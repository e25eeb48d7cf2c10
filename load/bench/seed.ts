import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { crc16 } from '@count/core/crc16'
import { connected } from '@count/core/databases'
import { deploymentKeys, shardKeys } from '@count/core/keys'
import type { StoreAddresses } from '@count/stack/store-addresses'
import { Redis } from 'ioredis'

const script = readFileSync(join(import.meta.dirname, 'seed.lua'), 'utf8')
const sha = createHash('sha1').update(script).digest('hex')

/** Records in one script call, and calls on their way at once. */
const perCall = 500
const atOnce = 8
/** Rows in one chunk of COPY. */
const perChunk = 1000
const columns =
  'id, created, revision, name, description, unit, tags, min, max, initial_value, status, metadata, updated_at, hash'

/** What COPY takes as it is: nothing here may need escaping. */
export interface Described {
  name: string
  tags: string[]
  status: 'active' | 'paused' | 'archived'
}

const plain = (id: string): Described => ({ name: `Benchmark ${id}`, tags: ['bench'], status: 'active' })

/** Ids as wrk.lua draws them: `<prefix><0 … count-1>`. */
export const seededIds = (prefix: string, count: number): string[] =>
  Array.from({ length: count }, (_, n) => `${prefix}${n}`)

/**
 * Makes counts in CountInfoDB and the value store directly, far faster than the API would: as active, unbounded counts of value
 * 0, changed one after another until now. Their ids must be new. `describe` is about their metadata alone.
 */
export async function seedCounts(
  stores: StoreAddresses,
  ids: string[],
  describe: (id: string, n: number) => Described = plain,
): Promise<void> {
  const { VALUE_REDIS_URL, INFO_MIGRATION_URL, INFO_DATABASE_URL } = stores
  const infoUrl = INFO_MIGRATION_URL ?? INFO_DATABASE_URL
  if (!VALUE_REDIS_URL || !infoUrl) throw new Error('seeding needs the addresses of the stores')
  const first = await takeRevisions(infoUrl, ids.length)
  const redis = new Redis(VALUE_REDIS_URL)
  try {
    await Promise.all([insertInfos(infoUrl, ids, first, describe), createRecords(redis, ids, first)])
  } finally {
    redis.disconnect()
  }
}

/** @returns the first of `count` revisions in a row that are ours now */
async function takeRevisions(url: string, count: number): Promise<number> {
  return await connected(url, async (sql) => {
    const [taken] = await sql<{ last: string }[]>`
      select setval('revision_seq', nextval('revision_seq') + ${count}) as last`
    return Number(taken?.last) - count
  })
}

async function insertInfos(
  url: string,
  ids: string[],
  first: number,
  describe: (id: string, n: number) => Described,
): Promise<void> {
  const now = Date.now()
  const row = (id: string, n: number) => {
    const { name, tags, status } = describe(id, n)
    const updatedAt = new Date(now - ids.length + n).toISOString()
    return `${id}\t${first + n}\t${first + n}\t${name}\t\t\t{${tags.join()}}\t\\N\t\\N\t0\t${status}\t{}\t${updatedAt}\t${crc16(id)}\n`
  }
  function* chunks() {
    for (let at = 0; at < ids.length; at += perChunk) {
      const part = ids.slice(at, at + perChunk)
      yield part.map((id, i) => row(id, at + i)).join('')
    }
  }
  await connected(url, async (sql) => {
    await pipeline(
      Readable.from(chunks()),
      await sql.unsafe(`copy count_info (${columns}) from stdin`).writable(),
    )
    await sql`analyze count_info`
  })
}

async function createRecords(redis: Redis, ids: string[], first: number): Promise<void> {
  await redis.script('LOAD', script)
  const shards = Number(await redis.hget(deploymentKeys.settings, 'shards'))
  if (!shards) throw new Error('the value store has no settings')
  const members = new Map<number, { id: string; revision: number }[]>()
  for (const [n, id] of ids.entries()) {
    const shard = crc16(id) % shards
    const list = members.get(shard) ?? []
    if (list.length === 0) members.set(shard, list)
    list.push({ id, revision: first + n })
  }
  let calls: Promise<unknown>[] = []
  for (const [shard, counts] of members) {
    const keys = shardKeys(shard)
    for (let at = 0; at < counts.length; at += perCall) {
      const part = counts.slice(at, at + perCall)
      const names = [keys.clock, keys.revision, ...part.map(({ id }) => keys.count(id))]
      calls.push(redis.evalsha(sha, names.length, ...names, ...part.map(({ revision }) => revision)))
      if (calls.length === atOnce) {
        await Promise.all(calls)
        calls = []
      }
    }
  }
  await Promise.all(calls)
}
