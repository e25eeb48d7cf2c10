import { setTimeout as delay } from 'node:timers/promises'
import type { Redis } from 'ioredis'
import { within } from './away.ts'
import { untilReady } from './redis.ts'
import type { ValueStore } from './value-store.ts'

const everyMs = 250
const answerMs = 200
/** How far behind its primary a replica may be and still be read. */
const maxBehindMs = 1000

export interface ReplicaFreshness {
  /** Whether the replica has everything that its primary had a second ago. */
  fresh(replica: Redis): boolean
  close(): void
}

type Store = Pick<ValueStore, 'shards' | 'primary' | 'replica' | 'refresh'>

/**
 * Watches how far the replicas are behind (CA-016): what a primary had written at a moment (its replication offset), the
 * replica must have a second later. One that is away, unlinked, or whose primary cannot be asked is not fresh.
 * The first look is taken before it resolves.
 */
export async function watchReplicas(store: Store): Promise<ReplicaFreshness> {
  const ended = new AbortController()
  const primaries = new Map<Redis, { at: number; offset: number; replid: string }[]>()
  /** When (performance.now()) the primary had what the replica has now. */
  const reached = new Map<Redis, number>()

  /** Each replica with its primary; a Cluster moves them. */
  function pairs(): Map<Redis, Redis> {
    const found = new Map<Redis, Redis>()
    for (let shard = 0; shard < store.shards; shard++) {
      try {
        const replica = store.replica(shard)
        if (replica && !found.has(replica)) found.set(replica, store.primary(shard, 'read'))
      } catch {
        // No node serves the shard: its replica stays unknown.
      }
    }
    return found
  }

  async function compare(replica: Redis, primary: Redis): Promise<void> {
    const at = performance.now()
    const [of, there] = await Promise.all([replication(primary), replication(replica)])
    const samples = (primaries.get(primary) ?? []).filter(
      (sample) => sample.at >= at - maxBehindMs && sample.replid === of?.master_replid,
    )
    if (of?.role === 'master') {
      samples.push({ at, offset: Number(of.master_repl_offset), replid: of.master_replid ?? '' })
    } else void store.refresh()
    primaries.set(primary, samples)
    const linked = there?.master_link_status === 'up' && there.master_replid === of?.master_replid
    const last = linked
      ? samples.findLast(({ offset }) => Number(there.slave_repl_offset) >= offset)
      : undefined
    if (last) reached.set(replica, last.at)
    else reached.delete(replica)
  }

  async function look(): Promise<void> {
    const found = pairs()
    for (const known of reached.keys()) if (!found.has(known)) reached.delete(known)
    await Promise.all(Array.from(found, ([replica, primary]) => compare(replica, primary)))
  }

  async function watch(): Promise<void> {
    while (!ended.signal.aborted) {
      await delay(everyMs, undefined, { ref: false, signal: ended.signal }).catch(() => {})
      if (!ended.signal.aborted) await look()
    }
  }

  await look()
  void watch()
  return {
    fresh: (replica) => performance.now() - (reached.get(replica) ?? Number.NEGATIVE_INFINITY) <= maxBehindMs,
    close: () => ended.abort(),
  }
}

/** The fields of INFO replication; undefined when the server does not answer. */
async function replication(redis: Redis): Promise<Record<string, string> | undefined> {
  try {
    await untilReady(redis, answerMs)
    const text = await within(answerMs, 'the value store', redis.info('replication'))
    return Object.fromEntries(text.split('\r\n').map((line) => line.split(':') as [string, string]))
  } catch {
    return undefined
  }
}
