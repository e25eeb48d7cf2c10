import { setTimeout as delay } from 'node:timers/promises'
import type { Logger } from 'pino'
import type { Registry } from 'prom-client'
import type { CacheConnection, LaneItems } from './cache-connection.ts'
import { counterOf } from './counters.ts'
import { cacheKeys } from './keys.ts'
import { callScript } from './scripts.ts'

/** What a write has changed: the value has `version` now, the info `revision`. */
export interface Change {
  id: string
  version?: number
  revision?: number
}

interface Late extends Change {
  /** When it was to be told first, ms of performance.now(). */
  since: number
}

/** Counts in one script call. */
const chunk = 500
const repeatMs = 100
/** Nothing that an untold invalidation lets through lives longer than this. */
const keepMs = 60_000
/** Memory is bounded; what is dropped then may be read stale for 30 s. */
const maxLate = 200_000

/** Makes the cache forget what writes have changed; see `invalidate` of count-cache.ts. */
export function openInvalidation(
  connection: CacheConnection,
  { log, metrics }: { log: Logger; metrics: Registry },
) {
  const outcomes = counterOf(
    metrics,
    'count_cache_invalidations_total',
    'Counts that the cache was to forget',
    ['outcome'],
  )
  const told = outcomes.labels('told')
  const delayed = outcomes.labels('delayed')
  const dropped = outcomes.labels('dropped')
  const late = new Map<string, Late>()
  const ended = new AbortController()
  let repeating = false
  let next: { changes: Map<string, Change>; done: Promise<void> } | undefined

  function invalidate(changes: readonly Change[]): Promise<void> {
    if (changes.length === 0) return Promise.resolve()
    if (!next) {
      const { promise, resolve } = Promise.withResolvers<void>()
      const turn = { changes: new Map<string, Change>(), done: promise }
      next = turn
      setImmediate(() => {
        next = undefined
        tell([...turn.changes.values()]).then(resolve)
      })
    }
    for (const change of changes) next.changes.set(change.id, later(next.changes.get(change.id), change))
    return next.done
  }

  async function tell(changes: Change[]): Promise<void> {
    const failed = await send(changes)
    told.inc(changes.length - failed.length)
    if (failed.length === 0) return
    delayed.inc(failed.length)
    const since = performance.now()
    for (const change of failed) {
      const before = late.get(change.id)
      late.delete(change.id) // the map stays in the order of `since`
      late.set(change.id, { ...later(before, change), since })
    }
    for (const id of late.keys()) {
      if (late.size <= maxLate) break
      late.delete(id)
      dropped.inc()
    }
    void repeat()
  }

  /** Returns what could not be told. */
  async function send<T extends Change>(changes: T[]): Promise<T[]> {
    const chunks = connection.split(changes, (change) => change.id).flatMap(split)
    const failed = await Promise.all(
      chunks.map(({ lane, items }) =>
        lane.breaker
          .run(() => Promise.all(group(items).map((part) => call(lane.redis, part))))
          .then(
            () => [],
            (error: unknown) => {
              log.debug({ error }, 'the cache was not told')
              return items
            },
          ),
      ),
    )
    return failed.flat()
  }

  const group = <T extends Change>(items: T[]) => (connection.cluster ? items.map((item) => [item]) : [items])

  async function repeat(): Promise<void> {
    if (repeating) return
    repeating = true
    while (late.size > 0 && !ended.signal.aborted) {
      await delay(repeatMs, undefined, { ref: false, signal: ended.signal }).catch(() => {})
      const oldest = performance.now() - keepMs
      for (const [id, change] of late) {
        if (change.since > oldest) break
        late.delete(id)
        dropped.inc()
      }
      for (const batch of batches([...late.values()])) {
        const failed = new Set(await send(batch))
        for (const change of batch)
          if (!failed.has(change) && late.get(change.id) === change) late.delete(change.id)
        if (failed.size === batch.length) break
      }
    }
    repeating = false
  }

  return { invalidate, close: () => ended.abort() }
}

/** Later versions and revisions cover earlier ones. */
const later = (before: Change | undefined, { id, version, revision }: Change): Change => ({
  id,
  version: latest(before?.version, version),
  revision: latest(before?.revision, revision),
})

const latest = (a: number | undefined, b: number | undefined) =>
  a === undefined || (b !== undefined && b > a) ? b : a

function* batches<T>(items: T[], size = chunk): Generator<T[]> {
  for (let i = 0; i < items.length; i += size) yield items.slice(i, i + size)
}

const split = <T>({ lane, items }: LaneItems<T>) => Array.from(batches(items), (items) => ({ lane, items }))

function call(redis: LaneItems<Change>['lane']['redis'], changes: Change[]): Promise<unknown> {
  return callScript(
    redis,
    'cache_invalidate',
    changes.flatMap(({ id }) => Object.values(cacheKeys(id))),
    changes.flatMap(({ version = '', revision = '' }) => [version, revision]),
  )
}
