import { fieldsOf, openBuckets, packings, retention, unpack } from './buckets.ts'
import type { CountRecord, Query, ReadingStore } from './count-records.ts'
import type { Granularity, HistoryView, Measure } from './schemas.ts'
import { callScript } from './scripts.ts'
import type { Zone } from './zone.ts'

/** Buckets shown where a reader does not say how many. */
const usual = { minute: 60, hour: 24, day: 30 }

/** A stretch of buckets by index: minutes and hours since 1970 in UTC, or local days since 1970-01-01. */
export interface Window {
  granularity: Granularity
  /** First and last bucket shown; none when `last` is below. */
  first: number
  last: number
  /** The bucket that is still filling. */
  open: number
}

/** A record with its past as far as it was asked for: bucket index → sum of the changes in it. */
export interface PastRecord extends CountRecord {
  changes: Map<number, number>
}

/** The bucket that an instant (ms since 1970) falls into. */
export function bucketOf(granularity: Granularity, atMs: number, zone: Zone): number {
  if (granularity === 'day') return zone.dayOf(atMs)
  return Math.floor(atMs / (granularity === 'hour' ? 3_600_000 : 60_000))
}

/** A bucket's first instant, ms since 1970. */
export function bucketStart(granularity: Granularity, index: number, zone: Zone): number {
  if (granularity === 'day') return zone.dayStart(index)
  return index * (granularity === 'hour' ? 3_600_000 : 60_000)
}

/**
 * The buckets between two instants (ms; `toMs` is not in any more), as far as history is kept and time has come: 2,880
 * minutes, 2,160 hours or 3,653 days at most. Without `toMs` up to the open bucket; without `fromMs` the last 60 minutes,
 * 24 hours or 30 days of them.
 *
 * @returns undefined when `fromMs` is after the end
 */
export function windowOf(
  granularity: Granularity,
  { fromMs, toMs, nowMs, zone }: { fromMs?: number; toMs?: number; nowMs: number; zone: Zone },
): Window | undefined {
  if (fromMs !== undefined && fromMs > (toMs ?? nowMs)) return undefined
  const open = bucketOf(granularity, nowMs, zone)
  const last = toMs === undefined ? open : Math.min(open, bucketOf(granularity, toMs - 1, zone))
  const first = fromMs === undefined ? last - usual[granularity] + 1 : bucketOf(granularity, fromMs, zone)
  return { granularity, first: Math.max(first, open - retention[granularity] + 1), last, open }
}

/**
 * Reads records together with all their changes since the window's first bucket, each record with its history of one
 * instant; imports included.
 */
export function pastOf(store: ReadingStore, window: Window): Query<PastRecord> {
  const { granularity, first, open } = window
  // One block more than time has come to here: the store's clock may be ahead.
  const fields = fieldsOf(granularity, first, open + packings[granularity].size)
  const wanted = ['', ...fields]

  return async (redis, shard, ids) => {
    const keys = store.keys(shard)
    const counts = ids.flatMap((id) => [
      keys.count(id),
      keys.history(id),
      keys.gone(id),
      keys.goneHistory(id),
    ])
    const reply = await callScript(
      redis,
      'count_read',
      [keys.clock, ...counts],
      [JSON.stringify(ids.map(() => wanted))],
    )
    if (!Array.isArray(reply)) throw new Error('count_read: unexpected answer')
    return ids.map((_, i) => {
      const [place, [value, version, , , , , created, current], packed] = reply[i + 1]
      if (place !== 'live') return undefined
      const changes = new Map<number, number>()
      for (const block of packed) {
        // A field of the ring may still hold an older block: its buckets lie before the window.
        if (typeof block === 'string')
          for (const [index, delta] of unpack(granularity, block)) add(changes, index, delta)
      }
      const buckets = openBuckets(current)?.[granularity]
      if (buckets) add(changes, buckets.index, buckets.delta)
      return { value: Number(value), version: Number(version), created: Number(created), changes }
    })
  }
}

function add(changes: Map<number, number>, index: number, delta: number): void {
  changes.set(index, (changes.get(index) ?? 0) + delta)
}

/**
 * The series of a window: what changed in each bucket, or the level at its end, which is the present value less all later
 * changes.
 */
export function seriesOf(
  { id, value, changes }: PastRecord & { id: string },
  { granularity, first, last, open }: Window,
  measure: Measure,
  zone: Zone,
): HistoryView {
  const points: HistoryView['points'] = []
  let level = value
  for (const [index, delta] of changes) if (index > last) level -= delta
  for (let index = last; index >= first; index--) {
    const start = bucketStart(granularity, index, zone)
    const change = changes.get(index) ?? 0
    // A zone that moved across the date line skipped a day: it was none.
    if (granularity !== 'day' || zone.dayStart(index + 1) > start) {
      const point = { at: new Date(start).toISOString(), value: measure === 'value' ? level : change }
      points.push(index === open ? { ...point, partial: true } : point)
    }
    level -= change
  }
  return { id, granularity, zone: zone.name, measure, points: points.reverse() }
}
