import type { Logger } from 'pino'
import type { Registry } from 'prom-client'
import { isAway, within } from './away.ts'
import type { CacheEntry, CountCache } from './count-cache.ts'
import { openInfos } from './count-infos.ts'
import { type Joined, openJoiner, type SeenInfo } from './count-join.ts'
import { listIds } from './count-list.ts'
import {
  type Ask,
  type CountRecord,
  type Found,
  openRecords,
  type ReadingStore,
  recordsOf,
} from './count-records.ts'
import { decodeCursor, encodeCursor } from './cursor.ts'
import { type PastRecord, pastOf, seriesOf, type Window, windowOf } from './history.ts'
import type { Sql } from './postgres.ts'
import { type ProblemDocument, problem } from './problem.ts'
import type { CountInfo, CountView, Granularity, HistoryView, Measure } from './schemas.ts'
import { gather } from './turn.ts'
import type { Zone } from './zone.ts'

export interface ReaderOptions {
  store: ReadingStore
  cache: CountCache
  /** CountInfoDB, read only. */
  sql: Sql
  /** A copy of CountInfoDB, asked first. */
  sqlReplica?: Sql
  zone: Zone
  log: Logger
  metrics: Registry
}

export type Refused = { ok: false; problem: ProblemDocument }

/** `tag` is `<version>.<revision>`, `json` a CountView ready to send. */
export type ReadOutcome = { ok: true; tag: string; json: string } | Refused

export interface ReadOptions {
  /** Past cache and copies: from the value store's primary and CountInfoDB. */
  strong?: boolean
}

export interface PageQuery {
  prefix?: string
  tag?: string
  cursor?: string
  limit: number
}

/** A page of live ids in order, and where the next begins. */
export type PageOutcome = { ok: true; ids: string[]; nextCursor: string | null } | Refused

export interface HistoryQuery {
  granularity: Granularity
  measure: Measure
  fromMs?: number
  toMs?: number
}

export type HistoryOutcome = { ok: true; view: HistoryView } | Refused

export type CountReader = Awaited<ReturnType<typeof openCountReader>>

const listMs = 3000

const refusals = {
  missing: { ok: false, problem: problem('unknown-count') },
  away: { ok: false, problem: problem('unavailable') },
} as const

/**
 * CountReader (UC-002): counts by three cached levels, the whole answer (CA-015), then info (CA-013) and value (CA-014) at
 * once, then for what is missing CountInfoDB and the value replica at once (CA-016, CA-019). Reads that come in the same turn
 * of the event loop share every round trip. That a store is away is an outcome, 503 `unavailable`; a count that CountInfoDB
 * does not know is 404 `unknown-count`, one that it knows and the value store lacks 503.
 */
export async function openCountReader({ store, cache, sql, sqlReplica, zone, log, metrics }: ReaderOptions) {
  const records = await openRecords(store, { log, metrics })
  const infoSource = openInfos({ sql, replica: sqlReplica }, log)
  const { join, findInfos } = openJoiner(infoSource, records)
  const values = recordsOf(store)

  interface Waiting {
    id: string
    resolve(outcome: ReadOutcome): void
    reject(error: unknown): void
  }
  const soon = gather<Waiting>((waiting) => void serve(waiting))
  const soonStrong = gather<Waiting>((waiting) => void complete(waiting, true))

  /** One count. */
  function read(id: string, { strong = false }: ReadOptions = {}): Promise<ReadOutcome> {
    return new Promise((resolve, reject) => {
      const waiting = { id, resolve, reject }
      if (strong) soonStrong(waiting)
      else soon(waiting)
    })
  }

  /** Many counts, in the order of `ids`. */
  function readMany(ids: readonly string[], options?: ReadOptions): Promise<ReadOutcome[]> {
    return Promise.all(ids.map((id) => read(id, options)))
  }

  async function serve(waiting: Waiting[]): Promise<void> {
    const results = await cache.results(waiting.map(({ id }) => id))
    const missed = waiting.filter(({ resolve }, i) => {
      const result = results[i]
      if (result) resolve({ ok: true, tag: result.tag, json: result.json })
      return !result
    })
    if (missed.length > 0) await complete(missed, false)
  }

  async function complete(waiting: Waiting[], strong: boolean): Promise<void> {
    try {
      const ids = [...new Set(waiting.map(({ id }) => id))]
      const entries = await look(ids, strong)
      const known = (id: string) => entries.get(id)?.value
      const joined = await join<CountRecord & { readAt?: number }>(ids, {
        entries,
        query: values,
        known,
        strong,
      })
      const outcomes = new Map<string, ReadOutcome>()
      for (const [id, answer] of joined) {
        if (typeof answer === 'string') outcomes.set(id, refusals[answer])
        else outcomes.set(id, answerOf(answer.info, answer.record, entries.get(id)))
      }
      for (const { id, resolve } of waiting) resolve(outcomes.get(id) ?? refusals.away)
    } catch (error) {
      for (const { reject } of waiting) reject(error)
    }
  }

  const look = (ids: readonly string[], strong: boolean) =>
    strong ? new Map<string, CacheEntry>() : cache.entries(ids)

  /** The answer, which the cache is given too. */
  function answerOf(
    seen: SeenInfo,
    record: CountRecord & { readAt?: number },
    entry: CacheEntry | undefined,
  ): ReadOutcome {
    const { id, name, unit, tags, revision } = seen.info
    const { value, version, created } = record
    const view: CountView = {
      id,
      name,
      unit,
      tags,
      value,
      version,
      updatedAt: new Date(version / 1000).toISOString(),
    }
    const json = JSON.stringify(view)
    if (entry) {
      const stored = record.readAt === undefined ? { created, value } : undefined
      cache.fill({
        id,
        looked: entry.looked,
        info: infoFill(seen, entry),
        value: { version, readAt: record.readAt ?? entry.looked, stored },
        result: json,
      })
    }
    return { ok: true, tag: `${version}.${revision}`, json }
  }

  const infoFill = ({ info, readAt }: SeenInfo, { looked }: CacheEntry) => ({
    revision: info.revision,
    readAt: readAt ?? looked,
    json: readAt === undefined ? JSON.stringify(info) : undefined,
  })

  /** CountInfos, from the cache where it has them (CA-007, CA-013). */
  async function infos(ids: readonly string[]): Promise<Map<string, Found<CountInfo>>> {
    const entries = await cache.entries(ids)
    const found = new Map<string, Found<CountInfo>>()
    for (const [id, seen] of await findInfos(ids, { entries, strong: false })) {
      found.set(id, typeof seen === 'string' ? seen : seen.info)
      const entry = entries.get(id)
      if (typeof seen !== 'string' && entry && seen.readAt === undefined) {
        cache.fill({ id, looked: entry.looked, info: infoFill(seen, entry) })
      }
    }
    return found
  }

  /**
   * Ids of live counts by prefix, tag or both.
   *
   * @param allowed Prefixes that the caller may see; null for all
   */
  async function list(
    { cursor, limit, ...query }: PageQuery,
    allowed: readonly string[] | null,
  ): Promise<PageOutcome> {
    const after = cursor === undefined ? undefined : decodeCursor(cursor)
    if (cursor !== undefined && after === undefined)
      return invalid('cursor', 'is not one that a list has given')
    // One more than asked for tells whether there is a next page.
    const page = (from: Sql) =>
      within(listMs, 'CountInfoDB', listIds(from, { ...query, after, limit: limit + 1 }, allowed))
    try {
      const ids = await (sqlReplica ? page(sqlReplica).catch(() => page(sql)) : page(sql))
      const shown = ids.slice(0, limit)
      const last = shown.at(-1)
      return {
        ok: true,
        ids: shown,
        nextCursor: ids.length > limit && last !== undefined ? encodeCursor(last) : null,
      }
    } catch (error) {
      if (!isAway(error)) throw error
      log.warn({ error }, 'counts cannot be listed')
      return refusals.away
    }
  }

  /** A count's series (see windowOf and seriesOf); 400 when `fromMs` is after the end. */
  async function history(
    id: string,
    { granularity, measure, fromMs, toMs }: HistoryQuery,
  ): Promise<HistoryOutcome> {
    const window = windowOf(granularity, { fromMs, toMs, nowMs: Date.now(), zone })
    if (!window) return invalid('from', 'is after the end')
    const answer = (await pasts([id], window)).get(id) ?? 'away'
    if (typeof answer === 'string') return refusals[answer]
    return { ok: true, view: seriesOf({ ...answer.record, id }, window, measure, zone) }
  }

  /** CountInfos with records and all their changes since the window's first bucket, in one round trip for all. */
  async function pasts(
    ids: readonly string[],
    window: Window,
    { strong = false }: ReadOptions = {},
  ): Promise<Map<string, Joined<PastRecord>>> {
    return join(ids, { entries: await look(ids, strong), query: pastOf(store, window), strong })
  }

  return {
    read,
    readMany,
    infos,
    list,
    history,
    pasts,
    /** Records as the value store has them, past the cache and without their infos; in the order of `asks`. */
    records: (asks: readonly Ask[]): Promise<Found<CountRecord>[]> => records.find(asks, values),
    /** Ends the watching of replicas and databases; store, cache and pools stay with their owner. */
    close() {
      records.close()
      infoSource.close()
    },
  }
}

const invalid = (path: string, message: string): Refused => ({
  ok: false,
  problem: problem('invalid-request', { errors: [{ path, message }] }),
})
