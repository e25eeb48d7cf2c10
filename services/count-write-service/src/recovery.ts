import { randomBytes } from 'node:crypto'
import { within } from '@count/core/away'
import { pack, retention } from '@count/core/buckets'
import { deploymentKeys, type ShardKeys, shardKeys } from '@count/core/keys'
import { callScript } from '@count/core/scripts'
import { type Recover, StoreUnavailable } from '@count/core/value-store'
import type { Zone } from '@count/core/zone'
import type { Redis } from 'ioredis'
import type { Logger } from 'pino'
import type { Archive, ArchivedRecord } from './archive.ts'
import type { LatestInfo, Lifecycles } from './lifecycles.ts'

export interface RecoveryOptions {
  archive: Archive
  lifecycles: Lifecycles
  zone: Zone
  shards: number
  /** Caches may hold what was lost. */
  invalidate: (changes: { id: string; version: number }[]) => Promise<void>
  log: Logger
}

const leaseMs = 30_000
const chunk = 100
/** A frozen archive is an archive that is away. */
const archiveMs = 15_000
/** Revisions are applied nearly in order: this far back one may be missing although a later one is there. */
const revisionMargin = 1000

/**
 * Recovery, before a primary that is new or was started anew takes a shard's first write: what the archive knows above the
 * shard's clock is put back under new versions, the lifecycle changes that the store may have lost are applied again, the
 * clock is raised above all that was ever given out. After an ordinary restart nothing is found, and one query was made.
 * Rejects while the archive is away, or another process is at it.
 */
export function openRecovery(options: RecoveryOptions): Recover {
  const { archive, zone, log } = options
  const holder = randomBytes(12).toString('base64url')
  const running = new Map<string, Promise<void>>()

  async function recover(shard: number, redis: Redis, replid: string): Promise<void> {
    const keys = shardKeys(shard)
    const leased = await redis.set(keys.recovery, holder, 'PX', leaseMs, 'NX')
    if (leased !== 'OK' && (await redis.get(keys.recovery)) !== holder) {
      throw new StoreUnavailable('another process recovers the shard')
    }
    const began = performance.now()
    const clock = Number((await redis.get(keys.clock)) ?? 0)
    const revision = Number((await redis.get(keys.revision)) ?? 0)
    const known = await within(archiveMs, 'the archive', archive.highest(shard))
    let anew = Math.max(known, clock, Date.now() * 1000)
    let seen = 0
    let restored = 0
    for await (const records of archive.above(shard, clock, chunk)) {
      const versions = records.map(() => ++anew)
      const back = await restore(redis, keys, records, versions)
      seen += records.length
      restored += back.length
      if (back.length > 0) await options.invalidate(back)
      await redis.set(keys.recovery, holder, 'PX', leaseMs)
    }
    const lost = clock === 0 || restored > 0
    const lifecycles = await reapply(redis, keys, revision, lost)
    await redis.hsetnx(deploymentKeys.settings, 'shards', String(options.shards)).catch(elsewhere)
    await redis.hsetnx(deploymentKeys.settings, 'zone', zone.name).catch(elsewhere)
    // Also what an attempt that failed half-way gave out lies below: it counted the same rows from an earlier time.
    const floor = seen > 0 ? anew : Math.max(known, clock)
    const [word] = (await callScript(
      redis,
      'recovery_finish',
      [keys.clock, keys.recovered, keys.recovery],
      [holder, replid, floor],
    )) as [string]
    if (word !== 'recovered') throw new StoreUnavailable('another process recovers the shard')
    if (restored > 0) {
      const ms = Math.round(performance.now() - began)
      log.warn(
        { shard, restored, lifecycles, clock, known, ms },
        'the value store had lost data; the archive brought it back',
      )
    }
  }

  async function restore(redis: Redis, keys: ShardKeys, records: ArchivedRecord[], versions: number[]) {
    const hour = Math.floor(Date.now() / 3_600_000) - retention.hour
    const day = zone.dayOf(Date.now()) - retention.day
    const { hours, days } = await within(archiveMs, 'the archive', archive.history(records, { hour, day }))
    const name = ({ id, created }: { id: string; created: number }) => `${id} ${created}`
    const hoursOf = Map.groupBy(hours, name)
    const daysOf = Map.groupBy(days, name)
    const buckets = (rows: { bucket: number; delta: number }[] = []) =>
      rows.filter(({ delta }) => delta !== 0).map(({ bucket, delta }) => [bucket, delta] as const)

    const replies = await Promise.all(
      records.map((record, i) => {
        const { id, created, revision, status, min, max, value, version, removed } = record
        const life = name(record)
        const history = [
          ...pack('hour', buckets(hoursOf.get(life))),
          ...pack('day', buckets(daysOf.get(life))),
        ]
        return callScript(
          redis,
          'count_restore',
          [
            keys.count(id),
            keys.history(id),
            keys.gone(id),
            keys.goneHistory(id),
            keys.changes.queue,
            keys.dirty.queue,
          ],
          [
            id,
            created,
            revision,
            status,
            min ?? '',
            max ?? '',
            value,
            version,
            versions[i] as number,
            removed ? '1' : '',
            JSON.stringify(history),
          ],
        ) as Promise<[string]>
      }),
    )
    return records.flatMap(({ id }, i) =>
      replies[i]?.[0] === 'restored' ? [{ id, version: versions[i] as number }] : [],
    )
  }

  /** Applies again the lifecycle changes that the store may have lost. Needs CountInfoDB only when data was lost for sure. */
  async function reapply(redis: Redis, keys: ShardKeys, revision: number, lost: boolean): Promise<number> {
    let applied = 0
    try {
      const since = lost ? 0 : Math.max(0, revision - revisionMargin)
      for await (const latest of options.lifecycles.since(keys.shard, since)) {
        const words = await Promise.all(latest.map((info) => applyLifecycle(redis, keys, info)))
        applied += words.filter(
          (word) => word === 'created' || word === 'updated' || word === 'removed',
        ).length
        await redis.set(keys.recovery, holder, 'PX', leaseMs)
      }
    } catch (error) {
      if (lost) throw error
      log.warn(
        { shard: keys.shard, reason: (error as Error).message },
        'CountInfoDB away, nothing seems lost: going on',
      )
    }
    return applied
  }

  return (shard, redis, replid) => {
    const name = `${shard} ${replid}`
    let run = running.get(name)
    if (!run) {
      run = recover(shard, redis, replid).finally(() => running.delete(name))
      running.set(name, run)
    }
    return run
  }
}

/** Brings a record to what CountInfoDB says of it; the word of what was done. */
export async function applyLifecycle(redis: Redis, keys: ShardKeys, info: LatestInfo): Promise<string> {
  const { id, created, revision } = info
  const places = [keys.count(id), keys.history(id), keys.gone(id), keys.goneHistory(id)]
  const rest = [keys.clock, keys.dirty.queue, keys.revision]
  if (info.deleted) {
    const [word] = (await callScript(
      redis,
      'count_remove',
      [...places, ...rest],
      [id, created, revision],
    )) as [string]
    return word
  }
  const bounds = [info.status, info.min ?? '', info.max ?? '']
  const [made, value, version] = (await callScript(
    redis,
    'count_create',
    [...places, ...rest],
    [id, created, revision, ...bounds, info.initialValue, '1'],
  )) as [string, string, string]
  if (made === 'created') {
    // Whoever saw the lost life of it must take this one.
    await redis.hsetnx(
      keys.changes.queue,
      `${id} ${created}`,
      `${version} 0 0 ${value} ${version} ${version}`,
    )
    return made
  }
  const [word] = (await callScript(
    redis,
    'count_update',
    [keys.count(id), ...rest],
    [id, created, revision, ...bounds],
  )) as [string]
  return word
}

function elsewhere(error: Error): void {
  if (!error.message.startsWith('MOVED')) throw error
}
