import { Unavailable } from '@count/core/away'
import { bucketStart, type PastRecord } from '@count/core/history'
import type { Granularity } from '@count/core/schemas'
import type { Zone } from '@count/core/zone'
import type { Described } from './count-names.ts'
import type { Known } from './series.ts'
import type { Span } from './series-plan.ts'
import type { ValueReplica } from './value-replica.ts'

/**
 * Every member's record and its past over a span, and since when it is known: since its creation, or an earlier import.
 * Rejects with Unavailable, also when the replica does not have a new count yet.
 */
export async function readPasts(
  replica: ValueReplica,
  members: readonly Described[],
  { window, boundaries }: Span,
  zone: Zone,
): Promise<Map<string, Known>> {
  const records = await replica.pasts(
    members.map(({ id }) => id),
    window,
  )
  const known = new Map<string, Known>()
  const young: string[] = []
  for (const { id, created, createdAt } of members) {
    const record = records.get(id)
    if (record?.created !== created) throw new Unavailable(`the value replica does not have ${id} yet`)
    const sinceMs = Math.min(Date.parse(createdAt), firstChange(record, window.granularity, zone))
    known.set(id, { record, sinceMs })
    if (sinceMs > (boundaries[0] as number)) young.push(id)
  }
  if (young.length === 0) return known
  // Imports may reach further back than the window: days, which are kept longest, tell how far.
  const days = { granularity: 'day', first: 0, last: 0, open: zone.dayOf(Date.now()) } as const
  for (const [id, record] of await replica.pasts(young, days)) {
    const one = known.get(id)
    if (one) one.sinceMs = Math.min(one.sinceMs, firstChange(record, 'day', zone))
  }
  return known
}

/** Start of the first bucket in which anything changed; Infinity for none. */
function firstChange({ changes }: PastRecord, granularity: Granularity, zone: Zone): number {
  let first = Number.POSITIVE_INFINITY
  for (const index of changes.keys()) if (index < first) first = index
  return Number.isFinite(first) ? bucketStart(granularity, first, zone) : first
}
