import type { CountReader } from '@count/core/count-reader'
import type { CountEvent, CountState } from '@count/core/events'
import { bucketOf } from '@count/core/history'
import type { CountInfo } from '@count/core/schemas'
import { gather } from '@count/core/turn'
import type { Zone } from '@count/core/zone'

/** A count that somebody here watches, as far as it is known. */
export interface LiveCount {
  readonly id: string
  info: CountInfo | undefined
  /** CountInfoDB does not know it, or not any more. */
  missing: boolean
  value: number | undefined
  /** Of the value; of a missing count that of its deletion. What is not above it is no news. */
  version: number
  /** Of the info, or of its deletion. */
  revision: number
  /** value + this = the change since the day began. */
  todayBase: number | undefined
  /** Whether the stores are to be asked about it: `surely` past the cache and copies. */
  asked: 'no' | 'yes' | 'surely'
  watchers: Set<CountWatcher>
}

/** Is told of each change of a count, right after it. */
export interface CountWatcher {
  valueChanged(count: LiveCount): void
  /** Name, unit, bounds, or whether it exists. */
  infoChanged(count: LiveCount): void
}

export type LiveCounts = ReturnType<typeof createLiveCounts>

export interface LiveCountsOptions {
  reader: Pick<CountReader, 'pasts' | 'records'>
  zone: Zone
  /** Gets the CountInfo of every lifecycle event, watched or not; `undefined` beside the id of a deleted count. */
  lifecycle: (id: string, info: CountInfo | undefined) => void
  /** An event did not begin where the one before ended. */
  resynced: () => void
}

/** Counts in one script call. */
const chunk = 200
/** The bus has this long to tell a change before a look into the store does. */
const graceMs = 2000

/**
 * The present state of every count that is shown or judged in this process. Events move it on; every value carries its
 * version, every info its revision, and what is not above the last, or below a deletion, is dropped: so a repetition adds
 * nothing, and after a gap the value is simply taken. What events cannot tell is asked of the stores.
 */
export function createLiveCounts({ reader, zone, lifecycle, resynced }: LiveCountsOptions) {
  const counts = new Map<string, LiveCount>()
  let day = bucketOf('day', Date.now(), zone)

  function watch(id: string, watcher: CountWatcher): LiveCount {
    let count = counts.get(id)
    if (!count) {
      count = {
        id,
        info: undefined,
        missing: false,
        value: undefined,
        version: 0,
        revision: 0,
        todayBase: undefined,
        asked: 'yes',
        watchers: new Set(),
      }
      counts.set(id, count)
    }
    count.watchers.add(watcher)
    return count
  }

  function unwatch(id: string, watcher: CountWatcher): void {
    const count = counts.get(id)
    count?.watchers.delete(watcher)
    if (count?.watchers.size === 0) counts.delete(id)
  }

  // What the bus tells.

  function handle(events: readonly CountEvent[]): void {
    for (const event of events) {
      if (event.type === 'count.changed') changed(event.data)
      else lived(event.type, event.data)
    }
  }

  function changed({
    id,
    value,
    fromVersion,
    version,
  }: Extract<CountEvent, { type: 'count.changed' }>['data']) {
    const count = counts.get(id)
    if (!count || version <= count.version) return
    // Above a deletion: another life, whose `created` is still to come.
    if (count.missing) return doubt(count)
    if (count.value !== undefined && fromVersion !== count.version) resynced()
    take(count, value, version)
  }

  function lived(type: Exclude<CountEvent['type'], 'count.changed'>, state: CountState): void {
    const { value, version, ...info } = state
    lifecycle(info.id, type === 'count.deleted' ? undefined : info)
    const count = counts.get(info.id)
    if (!count) return
    if (type === 'count.deleted') {
      if (info.revision >= count.revision) lose(count, info.revision, version)
      return
    }
    const begun = describe(count, info) && type === 'count.created'
    if (begun) count.todayBase = -value
    else if (type === 'count.restored' || count.todayBase === undefined) ask(count)
    if (!count.missing) take(count, value, version)
  }

  // What moves a count.

  function take(count: LiveCount, value: number, version: number): void {
    if (version <= count.version) return
    count.value = value
    count.version = version
    for (const watcher of count.watchers) watcher.valueChanged(count)
  }

  /** Returns whether the info is of another life than the one known. */
  function describe(count: LiveCount, info: CountInfo): boolean {
    if (info.revision <= count.revision) return false
    const newLife = info.created !== count.info?.created
    if (newLife) count.todayBase = undefined
    count.info = info
    count.revision = info.revision
    count.missing = false
    for (const watcher of count.watchers) watcher.infoChanged(count)
    return newLife
  }

  function lose(count: LiveCount, revision: number, version: number): void {
    count.info = undefined
    count.missing = true
    count.value = undefined
    count.todayBase = undefined
    count.revision = Math.max(count.revision, revision)
    count.version = Math.max(count.version, version)
    count.asked = 'no'
    for (const watcher of count.watchers) watcher.infoChanged(count)
  }

  // What the stores are asked.

  const soon = gather<LiveCount>(() => void load())

  function ask(count: LiveCount): void {
    if (count.asked === 'no') count.asked = 'yes'
    soon(count)
  }

  function doubt(count: LiveCount): void {
    count.asked = 'surely'
    soon(count)
  }

  /** Asks about every count that is to be asked about. What cannot be answered now stays for the next time. */
  async function load(): Promise<void> {
    await Promise.all(
      (['yes', 'surely'] as const).flatMap((how) => {
        const open = [...counts.values()].filter(({ asked }) => asked === how)
        return Array.from({ length: Math.ceil(open.length / chunk) }, (_, i) =>
          loadPart(open.slice(i * chunk, (i + 1) * chunk), how),
        )
      }),
    )
  }

  async function loadPart(part: LiveCount[], how: LiveCount['asked']): Promise<void> {
    const today = bucketOf('day', Date.now(), zone)
    const window = { granularity: 'day', first: today, last: today, open: today } as const
    const ids = part.map(({ id }) => id)
    const seenBefore = new Map(part.map((count) => [count, count.revision]))
    const answers = await reader.pasts(ids, window, { strong: how === 'surely' }).catch(() => undefined)
    for (const count of part) {
      const answer = answers?.get(count.id) ?? 'away'
      if (answer === 'away' || count.asked !== how) continue
      // An event was faster than the answer: it knows better.
      const overtaken = count.revision !== seenBefore.get(count)
      if (answer === 'missing') {
        if (!overtaken) lose(count, count.revision, count.version)
        count.asked = 'no'
        continue
      }
      const { info, record } = answer
      describe(count, info.info)
      count.asked = 'no'
      if (count.missing || record.created !== count.info?.created) continue
      const todays = record.changes.get(today) ?? 0
      if (today === day) count.todayBase = todays - record.value
      take(count, record.value, record.version)
    }
  }

  /**
   * Compares every count with the value store's replica: what stands there and was not told here is taken; with `atOnce` also
   * what the bus may still be about to tell.
   *
   * @returns How many were taken, and how many of them the bus should have told; undefined when the store did not answer for all
   */
  async function compare(atOnce: boolean): Promise<{ taken: number; late: number } | undefined> {
    const all = [...counts.values()].filter(({ asked }) => asked === 'no')
    const found = await reader
      .records(all.map(({ id, version, missing }) => ({ id, fence: missing ? 0 : version })))
      .catch(() => all.map(() => 'away' as const))
    const expected = (Date.now() - graceMs) * 1000
    let answered = true
    let [taken, late] = [0, 0]
    all.forEach((count, i) => {
      const record = found[i] ?? 'away'
      if (record === 'away') answered = false
      else if (record === 'missing') {
        if (!count.missing) doubt(count)
      } else if (record.version > count.version && (atOnce || record.version <= expected)) {
        taken++
        if (record.version <= expected) late++
        if (record.created === count.info?.created) take(count, record.value, record.version)
        else doubt(count)
      }
    })
    return answered ? { taken, late } : undefined
  }

  /** Returns whether another day has begun since the last look; then every count's change today is asked anew. */
  function turnDay(): boolean {
    const now = bucketOf('day', Date.now(), zone)
    if (now === day) return false
    day = now
    for (const count of counts.values()) {
      count.todayBase = undefined
      if (count.asked === 'no' && !count.missing) count.asked = 'yes'
    }
    return true
  }

  return { watch, unwatch, handle, load, compare, turnDay, get: (id: string) => counts.get(id) }
}
