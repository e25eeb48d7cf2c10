import { crc16 } from './crc16.ts'

/** The shard that owns a count: `crc16(id) % shards`. */
export const shardOf = (id: string, shards: number): number => crc16(id) % shards

/** One queue of a shard with what its drainer needs. */
export interface QueueKeys {
  queue: string
  claimed: string
  lease: string
}

const queueKeys = (queue: string): QueueKeys => ({
  queue,
  claimed: `${queue}:claimed`,
  lease: `${queue}:lease`,
})

/**
 * Every key of one shard in the value store. All carry the hash tag `{s<n>}`, so that one script may touch any of them
 * on a cluster.
 *
 *     {s3}:count:<id>      hash    v value, t version, l min, u max, s status, r revision, c created, o open buckets
 *     {s3}:history:<id>    hash    closed buckets, packed: m<0..49> hours of minutes, h<0..91> days of hours, d<0..117> months of days
 *     {s3}:gone:<id>       hash    a removed record, kept 30 days; {s3}:gone-history:<id> its history
 *     {s3}:clock           string  the shard's hybrid logical clock, µs
 *     {s3}:recovered       string  master_replid of the primary that recovery has finished on
 *     {s3}:recovery        string  lease of the process that recovers
 *     {s3}:revision        string  highest metadata revision applied
 *     {s3}:writer:<id>     string  last call number and answer of one CountWriter
 *     {s3}:idem:<n>        hash    answers kept under idempotency keys, those of one generation
 *     {s3}:dirty           hash    "<id> <created>" -> hour of the first change (write-behind queue, CA-009)
 *     {s3}:changes         hash    "<id> <created>" -> from-version, delta, operations, value, version (CA-022)
 */
export function shardKeys(shard: number) {
  const tag = `{s${shard}}:`
  return {
    shard,
    count: (id: string) => `${tag}count:${id}`,
    history: (id: string) => `${tag}history:${id}`,
    gone: (id: string) => `${tag}gone:${id}`,
    goneHistory: (id: string) => `${tag}gone-history:${id}`,
    writer: (writer: string) => `${tag}writer:${writer}`,
    idempotency: (generation: number) => `${tag}idem:${generation}`,
    imported: (job: string) => `${tag}import:${job}`,
    clock: `${tag}clock`,
    recovered: `${tag}recovered`,
    recovery: `${tag}recovery`,
    revision: `${tag}revision`,
    dirty: queueKeys(`${tag}dirty`),
    changes: queueKeys(`${tag}changes`),
  }
}

export type ShardKeys = ReturnType<typeof shardKeys>

/** Keys of the deployment itself; `events` is the bus when there is no Kafka. */
export const deploymentKeys = { settings: '{s0}:settings', events: '{s0}:events' }

/**
 * Keys of one count in the cache; they share a hash tag.
 *
 *     {c:<id>}:info    CountInfo, fenced by revision   (CA-007, CA-013)
 *     {c:<id>}:value   CountValue or its tombstone     (CA-014)
 *     {c:<id>}:result  the whole answer, fenced by both (CA-015)
 */
export const cacheKeys = (id: string) => ({
  info: `{c:${id}}:info`,
  value: `{c:${id}}:value`,
  result: `{c:${id}}:result`,
})

/** A count's series over a range as dashboards draw it, for 10 s (CA-025A); beside the count's other keys in the cache. */
export const seriesKey = (id: string, range: string) => `{c:${id}}:series:${range}`
