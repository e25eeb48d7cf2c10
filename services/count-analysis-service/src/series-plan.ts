import { type Packing, retention } from '@count/core/buckets'
import { bucketOf, bucketStart, type Window } from '@count/core/history'
import { openZone, type Zone } from '@count/core/zone'
import { boundariesOf, calendarOf, clockTime, pastBoundaries } from './calendar.ts'
import type { Against, Range } from './schemas/query.ts'
import type { Granularity } from './schemas/series.ts'

/** A stretch of a series: where its buckets begin, and the kept buckets that they are made of. */
export interface Span {
  /** First instants of the buckets in ms since 1970, and the end of the last. */
  boundaries: number[]
  window: Window
  /** For each bucket of the window the place of the one that it belongs to. */
  places: Int32Array
}

/** How a series is made: what each of several counts is asked for. */
export interface SeriesPlan {
  granularity: Granularity
  /** The zone used: the store's where the buckets kept do not make those of the one asked for. */
  zone: Zone
  at: string[]
  /** Whether the last bucket is still open. */
  partial: boolean
  present: Span
  /** The same number of buckets of an earlier time. */
  past?: Span
}

export type Planned =
  | { ok: true; plan: SeriesPlan }
  | { ok: false; path: keyof Range | 'against'; message: string }

const hourMs = 3_600_000
const dayMs = 24 * hourMs
const lengths: Record<Granularity, number> = {
  minute: 60_000,
  hour: hourMs,
  day: dayMs,
  week: 7 * dayMs,
  month: 30.4375 * dayMs,
}
/** Buckets before `to` where `from` is absent. */
const usual: Record<Granularity, number> = { minute: 360, hour: 336, day: 365, week: 104, month: 36 }
/** The longest range that each is chosen for. */
const fitting = [
  ['minute', 6 * hourMs],
  ['hour', 8 * dayMs],
  ['day', 400 * dayMs],
  ['month', Number.POSITIVE_INFINITY],
] as const

const sources = ['day', 'hour', 'minute'] as const
const keptAs = (granularity: Granularity): Packing =>
  granularity === 'minute' || granularity === 'hour' ? granularity : 'day'

/**
 * Chooses the buckets of a range, and of which kept ones (minutes for 2 days, hours for 90 days, days of the store's zone for
 * 10 years) they are made: the coarsest that have a boundary wherever these have one. Where none reaches so far back, days are
 * the store's and hours those of UTC.
 *
 * A range that begins before what is kept is refused, unless by its first bucket alone: that one is left out then.
 */
export function planSeries(
  query: Range & { against?: Against | undefined },
  storeZone: Zone,
  nowMs: number,
): Planned {
  const asked = query.zone === undefined ? storeZone : zoneNamed(query.zone)
  if (!asked) return { ok: false, path: 'zone', message: 'is not an IANA time zone' }
  const keptFrom = (source: Packing) =>
    bucketStart(source, bucketOf(source, nowMs, storeZone) - retention[source] + 1, storeZone)
  const toMs = Math.min(query.to === undefined ? nowMs + 1 : Date.parse(query.to), nowMs + 1)
  const fromMs = query.from === undefined ? undefined : Date.parse(query.from)
  const granularity = query.granularity ?? granularityOf(fromMs, toMs, keptFrom)
  const first =
    fromMs ?? Math.max(toMs - usual[granularity] * lengths[granularity], keptFrom(keptAs(granularity)))
  if (first > nowMs) return { ok: false, path: 'from', message: 'is in the future' }
  if (first >= toMs) return { ok: false, path: 'from', message: 'is not before the end' }
  const keptMs = keptFrom(keptAs(granularity))
  if (first < keptMs - lengths[granularity]) return outside(granularity, keptMs, 'from')

  const spanOf = (boundaries: number[]): Span | undefined => {
    const source = sources.find(
      (source) =>
        (boundaries[0] as number) >= keptFrom(source) &&
        boundaries.every((ms) => bucketStart(source, bucketOf(source, ms, storeZone), storeZone) === ms),
    )
    return source && spanFrom(boundaries, source, storeZone, nowMs)
  }
  let path: 'from' | 'against' = 'from'
  const fallback = granularity === 'hour' ? openZone('UTC') : storeZone
  for (const zone of asked.name === fallback.name ? [asked] : [asked, fallback]) {
    const calendar = calendarOf(granularity, zone)
    const boundaries = boundariesOf(calendar, first, toMs - 1)
    const present = spanOf(boundaries) ?? (boundaries.length > 2 ? spanOf(boundaries.slice(1)) : undefined)
    if (!present) continue
    const starts = present.boundaries.slice(0, -1)
    const plan: SeriesPlan = {
      granularity,
      zone,
      at: starts.map((ms) => clockTime(ms, zone)),
      partial: (present.boundaries.at(-1) as number) > nowMs,
      present,
    }
    if (!query.against) return { ok: true, plan }
    const past = spanOf(pastBoundaries(calendar, present.boundaries, query.against, zone))
    if (past) return { ok: true, plan: { ...plan, past } }
    path = 'against'
  }
  return outside(granularity, keptMs, path)
}

function zoneNamed(name: string): Zone | undefined {
  try {
    return openZone(name)
  } catch {
    return undefined
  }
}

/** The finest whose buckets are not too many for the range and kept for so long. */
function granularityOf(
  fromMs: number | undefined,
  toMs: number,
  keptFrom: (source: Packing) => number,
): Granularity {
  if (fromMs === undefined) return 'day'
  const found = fitting.find(
    ([granularity, mostMs]) => toMs - fromMs <= mostMs && fromMs >= keptFrom(keptAs(granularity)),
  )
  return found?.[0] ?? 'month'
}

const outside = (granularity: Granularity, keptMs: number, path: 'from' | 'against'): Planned => {
  const kept = `${keptAs(granularity)}s are kept since ${new Date(keptMs).toISOString()}`
  return {
    ok: false,
    path,
    message: path === 'from' ? `is too early: ${kept}` : `reaches too far back: ${kept}`,
  }
}

function spanFrom(boundaries: number[], source: Packing, zone: Zone, nowMs: number): Span {
  const first = bucketOf(source, boundaries[0] as number, zone)
  const last = bucketOf(source, (boundaries.at(-1) as number) - 1, zone)
  const window = { granularity: source, first, last, open: bucketOf(source, nowMs, zone) }
  const places = new Int32Array(last - first + 1)
  let place = 0
  for (let index = first; index <= last; index++) {
    while (bucketStart(source, index, zone) >= (boundaries[place + 1] as number)) place++
    places[index - first] = place
  }
  return { boundaries, window, places }
}
