import { fieldsOf, openBuckets, retention, unpack } from '@count/core/buckets'
import { callScript } from '@count/core/scripts'
import type { Epoch, ValueStore } from '@count/core/value-store'
import type { Zone } from '@count/core/zone'
import type { Archive, ArchivedBucket, Batch } from './archive.ts'
import type { Entry } from './drainer.ts'

type Place = [place: 'live' | 'gone' | 'missing', record: (string | null)[], packed: (string | null)[]]
type Reading = [clock: string, ...Place[]]

/**
 * WriteBehind (CA-009, CA-009A): stores what changed since the last time in the archive: whole records, created and removed
 * ones too, and the absolute hours and days since the first change. Every row bears the clock of its reading.
 */
export function writeBehind(store: ValueStore, zone: Zone, archive: Archive) {
  return async function handle(shard: number, entries: Entry[], epoch: Epoch): Promise<void> {
    const keys = store.keys(shard)
    const now = Date.now()
    const hourNow = Math.floor(now / 3_600_000) + 1 // the store's clock may be a little ahead
    const wanted = entries.map(([field, text]) => {
      const [id, created] = field.split(' ') as [string, string]
      const hour = Math.max(Number(text), hourNow - retention.hour)
      const day = zone.dayOf(hour * 3_600_000)
      const hours = fieldsOf('hour', hour, hourNow)
      const days = fieldsOf('day', day, zone.dayOf(hourNow * 3_600_000))
      return { id, created, hour, day, hours, days }
    })
    const [clock, ...places] = (await callScript(
      epoch.redis,
      'count_read',
      [
        keys.clock,
        ...wanted.flatMap(({ id }) => [
          keys.count(id),
          keys.history(id),
          keys.gone(id),
          keys.goneHistory(id),
        ]),
      ],
      [JSON.stringify(wanted.map(({ created, hours, days }) => [created, ...hours, ...days]))],
    )) as Reading

    const as_of = Number(clock)
    const batch: Batch = { records: [], hours: [], days: [] }
    for (const [i, { id, created, hour, day, hours }] of wanted.entries()) {
      const [place, record, packed] = places[i] as Place
      if (place === 'missing') continue
      const [value, version, min, max, status, revision, , open] = record
      const life = { id, created: Number(created), as_of }
      batch.records.push({
        ...life,
        shard,
        value: Number(value),
        version: Number(version),
        revision: Number(revision),
        status: status as string,
        min: min ? Number(min) : null,
        max: max ? Number(max) : null,
        removed: place === 'gone',
      })
      const opened = openBuckets(open)
      batch.hours.push(...buckets(life, 'hour', hour, packed.slice(0, hours.length), opened?.hour))
      batch.days.push(...buckets(life, 'day', day, packed.slice(hours.length), opened?.day))
    }
    await archive.store(batch)
  }
}

/** The absolute buckets from `since` on. The first is told even when it came back to nothing: it may have been stored before. */
function buckets(
  life: Omit<ArchivedBucket, 'bucket' | 'delta'>,
  packing: 'hour' | 'day',
  since: number,
  packed: (string | null)[],
  open: { index: number; delta: number } | undefined,
): ArchivedBucket[] {
  const sums = new Map([[since, 0]])
  const add = (index: number, delta: number) => {
    if (index >= since) sums.set(index, (sums.get(index) ?? 0) + delta)
  }
  for (const text of packed) for (const [index, delta] of unpack(packing, text ?? '')) add(index, delta)
  if (open) add(open.index, open.delta)
  return [...sums].map(([bucket, delta]) => ({ ...life, bucket, delta }))
}
