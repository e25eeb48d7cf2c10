import type { Redis } from 'ioredis'
import type { Logger } from 'pino'
import type { Registry } from 'prom-client'
import { within } from './away.ts'
import { counterOf } from './counters.ts'
import { untilReady } from './redis.ts'
import { watchReplicas } from './replica-freshness.ts'
import type { ValueStore } from './value-store.ts'

/** A count's record, as much of it as reading needs. */
export interface CountRecord {
  value: number
  version: number
  /** Revision of the CountInfo that this life began with. */
  created: number
}

/** A record wanted: `fence` is the lowest version that will do, `created` the life it must belong to, if known. */
export interface Ask {
  id: string
  fence: number
  created?: number
}

/** `missing`: the primary has no such record. `away`: whoever could say does not answer. */
export type Found<T> = T | 'missing' | 'away'

/** Reads records of one shard in one go, in order. */
export type Query<T extends CountRecord> = (
  redis: Redis,
  shard: number,
  ids: string[],
) => Promise<(T | undefined)[]>

export type ReadingStore = Pick<ValueStore, 'shards' | 'shardOf' | 'keys' | 'primary' | 'replica' | 'refresh'>
export type Records = Awaited<ReturnType<typeof openRecords>>

/** A replica that takes longer is passed over. */
const replicaMs = 250
const primaryMs = 1500
/** What a connection that is being made is given. */
const connectMs = 200

/**
 * Reads records from the value store: from the replica where that will do (CA-016), else from the primary. A replica that is
 * away, unlinked, over a second behind, that lacks the record or has an older one than the fence, does not do; only when the
 * primary is away too is it asked after all, and believed where it is not below the fence.
 */
export async function openRecords(store: ReadingStore, { metrics, log }: { metrics: Registry; log: Logger }) {
  const connected = readiness(connectMs)
  await Promise.allSettled(
    [...Array(store.shards).keys()].map(async (shard) => connected(store.primary(shard, 'read'))),
  )
  const freshness = await watchReplicas(store)
  const reads = counterOf(metrics, 'count_records_read_total', 'Records asked of the value store', ['server'])
  const asked = { replica: reads.labels('replica'), primary: reads.labels('primary') }

  /** Of every shard its own asks; the answers come back in the order of `asks`. */
  async function find<T extends CountRecord>(
    asks: readonly Ask[],
    query: Query<T>,
    strong = false,
  ): Promise<Found<T>[]> {
    const answers: Found<T>[] = new Array(asks.length).fill('away')
    const shards = Map.groupBy(asks.keys(), (place) => store.shardOf((asks[place] as Ask).id))
    await Promise.all(
      Array.from(shards, async ([shard, places]) => {
        const found = await findInShard(
          shard,
          places.map((place) => asks[place] as Ask),
          query,
          strong,
        )
        places.forEach((place, i) => {
          answers[place] = found[i] as Found<T>
        })
      }),
    )
    return answers
  }

  async function findInShard<T extends CountRecord>(
    shard: number,
    asks: Ask[],
    query: Query<T>,
    strong: boolean,
  ) {
    const answers: Found<T>[] = new Array(asks.length).fill('away')
    const replica = strong ? undefined : replicaOf(shard)
    const left = () => [...asks.keys()].filter((place) => answers[place] === 'away')

    async function tryReplica(redis: Redis) {
      const places = left()
      const found = await ask(redis, replicaMs, places)
      places.forEach((place, i) => {
        const record = found[i]
        if (record && will(record, asks[place] as Ask)) answers[place] = record
      })
    }
    async function ask(redis: Redis, ms: number, places: number[]): Promise<(T | undefined)[]> {
      asked[redis === replica ? 'replica' : 'primary'].inc(places.length)
      const ids = places.map((place) => (asks[place] as Ask).id)
      await connected(redis)
      return within(ms, 'the value store', query(redis, shard, ids))
    }

    const askPrimary = (places: number[]) =>
      ask(store.primary(shard, 'read'), primaryMs, places).catch(async (error: Error) => {
        if (!error.message.startsWith('MOVED')) throw error
        await store.refresh()
        return ask(store.primary(shard, 'read'), primaryMs, places)
      })

    if (replica && freshness.fresh(replica)) await tryReplica(replica).catch(() => {})
    const places = left()
    if (places.length === 0) return answers
    try {
      const found = await askPrimary(places)
      places.forEach((place, i) => {
        answers[place] = found[i] ?? 'missing'
      })
    } catch (error) {
      void store.refresh()
      log.debug({ error, shard }, 'the primary does not answer')
      if (replica) await tryReplica(replica).catch(() => {})
    }
    return answers
  }

  function replicaOf(shard: number): Redis | undefined {
    try {
      return store.replica(shard)
    } catch {
      return undefined
    }
  }

  return { find, close: () => freshness.close() }
}

/** Awaits connections that are being made; all who wait for the same one wait together. */
function readiness(waitMs: number): (redis: Redis) => Promise<void> {
  const waits = new Map<Redis, Promise<void>>()
  return (redis) => {
    if (redis.status === 'ready') return Promise.resolve()
    let wait = waits.get(redis)
    if (!wait) {
      wait = untilReady(redis, waitMs).finally(() => waits.delete(redis))
      waits.set(redis, wait)
    }
    return wait
  }
}

const will = (record: CountRecord, { fence, created }: Ask) =>
  record.version >= fence && (created === undefined || record.created === created)

/** Values alone. */
export const recordsOf =
  (store: ReadingStore): Query<CountRecord> =>
  async (redis, shard, ids) => {
    const keys = store.keys(shard)
    const pipeline = redis.pipeline()
    for (const id of ids) pipeline.hmget(keys.count(id), 'v', 't', 'c')
    const replies = (await pipeline.exec()) ?? []
    return replies.map(([error, reply]) => {
      if (error) throw error
      const [value, version, created] = Array.isArray(reply) ? reply : []
      if (typeof created !== 'string') return undefined
      return { value: Number(value), version: Number(version), created: Number(created) }
    })
  }
