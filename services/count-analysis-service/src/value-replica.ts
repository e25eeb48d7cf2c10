import { Unavailable, within } from '@count/core/away'
import { type PastRecord, pastOf, type Window } from '@count/core/history'
import { untilReady } from '@count/core/redis'
import { DeploymentMismatch, openValueStore, type ValueStore } from '@count/core/value-store'
import type { Redis } from 'ioredis'
import type { Logger } from 'pino'
import type { AnalysisConfig } from './config.ts'

export type ValueReplica = Awaited<ReturnType<typeof openValueReplica>>

/** Counts read in one script call: few enough that nobody waits long behind it. */
const perCall = 25
const connectMs = 500
/** At a deployment's first start the replica gets its settings a moment after the primary. */
const firstMs = 2000
const answerMs = 3000
const what = 'the value replica'

/**
 * The copy of the value store that analyses are read from: the replica that is named, a Cluster's own replicas, else the
 * primary. It may be away when this opens; what reads then rejects with Unavailable.
 *
 * @throws DeploymentMismatch when SHARDS or TIME_ZONE contradict what the store was set up with
 */
export async function openValueReplica(config: AnalysisConfig, log: Logger) {
  const { VALUE_REPLICA_REDIS_URL, ...settings } = config
  // A replica named stands for the whole store here: the primary gets no connection at all.
  const from = { ...settings, VALUE_REDIS_URL: VALUE_REPLICA_REDIS_URL ?? config.VALUE_REDIS_URL }
  let opening: Promise<ValueStore> | undefined

  function store(waitMs = 0): Promise<ValueStore> {
    opening ??= openValueStore(from, { log, waitMs }).catch((error: Error) => {
      opening = undefined
      throw error instanceof DeploymentMismatch ? error : new Unavailable(`${what}: ${error.message}`)
    })
    return opening
  }

  /** A Cluster's replica of the shard, else the one server there is. */
  function serverOf(store: ValueStore, shard: number): Redis {
    const replica = store.replica(shard)
    // A Cluster's nodes hear of a new replica one after the other.
    if (!replica) void store.refresh()
    return replica ?? store.primary(shard, 'replica')
  }

  async function ask<T>(store: ValueStore, shard: number, query: (redis: Redis) => Promise<T>): Promise<T> {
    try {
      const redis = serverOf(store, shard)
      await untilReady(redis, connectMs)
      return await within(answerMs, what, query(redis))
    } catch (error) {
      // A shard that has moved, or a replica that was promoted, is found by the next call.
      void store.refresh()
      throw new Unavailable(`${what}: ${error instanceof Error ? error.message : error}`)
    }
  }

  /**
   * Records with all their changes since the window's first bucket, each of one instant; absent where there is none.
   * Rejects with Unavailable.
   */
  async function pasts(ids: readonly string[], window: Window): Promise<Map<string, PastRecord>> {
    const opened = await store()
    const query = pastOf(opened, window)
    const found = new Map<string, PastRecord>()
    const calls = [...Map.groupBy(ids, opened.shardOf)].flatMap(([shard, members]) =>
      chunks(members, perCall).map(async (part) => {
        const records = await ask(opened, shard, (redis) => query(redis, shard, part))
        part.forEach((id, i) => {
          const record = records[i]
          if (record) found.set(id, record)
        })
      }),
    )
    await Promise.all(calls)
    return found
  }

  /** Rejects when a server does not answer, or is a replica that has lost its primary. */
  async function check(): Promise<void> {
    const opened = await store()
    const servers = new Map([...Array(opened.shards).keys()].map((shard) => [serverOf(opened, shard), shard]))
    await Promise.all(
      Array.from(servers.values(), async (shard) => {
        const info = await ask(opened, shard, (redis) => redis.info('replication'))
        if (/^master_link_status:down/m.test(info)) throw new Unavailable(`${what} has lost its primary`)
      }),
    )
  }

  await store(firstMs).catch((error: Error) => {
    if (error instanceof DeploymentMismatch) throw error
    log.warn({ reason: error.message }, 'store away')
  })
  return {
    pasts,
    check,
    /** The zone that the store counts its days in. */
    zone: async (): Promise<string> => (await store()).zone,
    close: async () => await (await opening?.catch(() => undefined))?.close(),
  }
}

const chunks = <T>(items: readonly T[], size: number): T[][] =>
  Array.from({ length: Math.ceil(items.length / size) }, (_, n) => items.slice(n * size, (n + 1) * size))
