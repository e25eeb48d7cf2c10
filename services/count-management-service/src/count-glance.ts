import type { CountRecord, Found, Query, ReadingStore } from '@count/core/count-records'
import { bucketOf, pastOf } from '@count/core/history'
import type { CountInfo } from '@count/core/schemas'
import type { Zone } from '@count/core/zone'
import type { AdminCount } from './schemas.ts'

/** A record with what a list shows beside it: the current day's change, and those of the last 24 hours, oldest first. */
export interface Glance extends CountRecord {
  today: number
  spark: number[]
}

const hours = 24

/** Reads glances of one shard's counts: two scripts in one pipeline, whatever their number. */
export function glanceOf(store: ReadingStore, zone: Zone, nowMs = Date.now()): Query<Glance> {
  const day = bucketOf('day', nowMs, zone)
  const hour = bucketOf('hour', nowMs, zone)
  const readHours = pastOf(store, { granularity: 'hour', first: hour - hours + 1, last: hour, open: hour })
  const readDay = pastOf(store, { granularity: 'day', first: day, last: day, open: day })
  return async (redis, shard, ids) => {
    const [lately, todays] = await Promise.all([readHours(redis, shard, ids), readDay(redis, shard, ids)])
    return lately.map((record, i) => {
      if (!record) return undefined
      const { value, version, created, changes } = record
      const today = todays[i]?.created === created ? (todays[i].changes.get(day) ?? 0) : 0
      const spark = Array.from({ length: hours }, (_, n) => changes.get(hour - hours + 1 + n) ?? 0)
      return { value, version, created, today, spark }
    })
  }
}

type Live = Pick<AdminCount, 'value' | 'version' | 'changedAt' | 'today' | 'spark'>

/** While the store is away, or has no record of this life of the count. */
const unseen: Live = { value: null, version: null, changedAt: null, today: null, spark: [] }

/** What a count's record says now, for its place beside the count's metadata. */
export const liveOf = (found: Found<Glance> | undefined, { created }: Pick<CountInfo, 'created'>): Live =>
  typeof found === 'object' && found.created === created ? shown(found) : unseen

/** The same of a life that has just begun; undefined while its record is not there. */
export const begunOf = (begun: { value: number; version: number } | undefined): Live =>
  begun ? shown({ ...begun, today: 0, spark: new Array(hours).fill(0) }) : unseen

const shown = ({ value, version, today, spark }: Omit<Glance, 'created'>): Live => ({
  value,
  version,
  changedAt: new Date(version / 1000).toISOString(),
  today,
  spark,
})
