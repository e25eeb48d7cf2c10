import { type Range, rangeSeconds } from '@count/core/dashboards'
import { bucketOf, bucketStart, type PastRecord, type Window } from '@count/core/history'
import type { Zone } from '@count/core/zone'

type Resolution = Pick<Window, 'granularity'> & { merged: number; stepS: number }

const minutes = (merged: number): Resolution => ({ granularity: 'minute', merged, stepS: 60 * merged })
const hours = (merged: number): Resolution => ({ granularity: 'hour', merged, stepS: 3600 * merged })

/** How finely a range is drawn: between 15 and 1,080 buckets, of stored ones or of several `merged`. */
const resolutions: Record<Range, Resolution> = {
  '15m': minutes(1),
  '1h': minutes(1),
  '6h': minutes(1),
  '24h': minutes(5),
  '7d': hours(1),
  '30d': hours(1),
  '90d': hours(2),
  '1y': { granularity: 'day', merged: 1, stepS: 86_400 },
}

/** The buckets of a range at one moment, the last one open. */
export interface RangeBuckets {
  /** What to read for them. */
  window: Window
  stepS: number
  /** First instant of each, in s since 1970. */
  at: number[]
  /** The stored buckets that each is made of begin here. */
  firsts: number[]
  /** The last of them: what the open bucket begins with. */
  open: number
}

/** The buckets that a range has at `nowMs`: the open one, and as many before it as fill the range. */
export function bucketsOf(range: Range, nowMs: number, zone: Zone): RangeBuckets {
  const { granularity, merged, stepS } = resolutions[range]
  const now = bucketOf(granularity, nowMs, zone)
  const open = now - (now % merged)
  const number = rangeSeconds[range] / stepS
  const firsts = Array.from({ length: number }, (_, i) => open - (number - 1 - i) * merged)
  return {
    window: { granularity, first: firsts[0] ?? open, last: now, open: now },
    stepS,
    at: firsts.map((first) => bucketStart(granularity, first, zone) / 1000),
    firsts,
    open,
  }
}

/** A count's levels at the end of each bucket, and the one before the first. */
export interface Levels {
  base: number
  values: number[]
}

/** The levels of a record: its value less all later changes. */
export function levelsOf({ value, changes }: PastRecord, { firsts }: Pick<RangeBuckets, 'firsts'>): Levels {
  const first = firsts[0] ?? 0
  const merged = (firsts[1] ?? first + 1) - first
  const sums = new Array<number>(firsts.length).fill(0)
  for (const [index, delta] of changes) {
    // The store's clock may be a little ahead: what it has put into the next bucket already is shown in the open one.
    const place = Math.min(Math.floor((index - first) / merged), firsts.length - 1)
    if (place >= 0) sums[place] = (sums[place] ?? 0) + delta
  }
  const values = new Array<number>(firsts.length)
  let level = value
  for (let i = firsts.length - 1; i >= 0; i--) {
    values[i] = level
    level -= sums[i] ?? 0
  }
  return { base: level, values }
}
