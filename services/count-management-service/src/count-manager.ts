import type { CountCache } from '@count/core/count-cache'
import { type CountRecord, type Found, type Records, recordsOf } from '@count/core/count-records'
import { decodeCursor, encodeCursor } from '@count/core/cursor'
import type { GroupCommit, Outcome } from '@count/core/group-commit'
import { pastOf, seriesOf, windowOf } from '@count/core/history'
import type { Sql, TransactionSql } from '@count/core/postgres'
import { type ProblemDocument, type ProblemName, problem } from '@count/core/problem'
import type { Applied, CountInfo, HistoryView } from '@count/core/schemas'
import { StoreUnavailable, type ValueStore } from '@count/core/value-store'
import type { Zone } from '@count/core/zone'
import { type Actor, entryOf, record } from './audit.ts'
import { metadataFault } from './count-metadata.ts'
import { findCount, insertCount, nextRevision, searchCounts, updateCount } from './count-rows.ts'
import type { LifecycleSteps, Settled } from './lifecycle.ts'
import type { AdminCount, CountCreation, CountPatch, CountQuery, HistoryQuery } from './schemas.ts'

/** What a call came to: a result, or why it was refused. */
export type Answer<T> = { ok: true; value: T } | { ok: false; problem: ProblemDocument }

/** What If-Match says: revisions, one of which must be the present one, or `*` for any. */
export type Precondition = number[] | '*'

export interface CountManagerParts {
  sql: Sql
  store: ValueStore
  records: Records
  zone: Zone
  lifecycle: LifecycleSteps
  commit: GroupCommit
  cache: CountCache
  /** Told when a change waits for its event. */
  onChange?: () => void
}

export type CountManager = ReturnType<typeof createCountManager>

const done = <T>(value: T): Answer<T> => ({ ok: true, value })
const refused = (name: ProblemName, detail?: string): { ok: false; problem: ProblemDocument } => ({
  ok: false,
  problem: problem(name, detail === undefined ? {} : { detail }),
})
const invalid = (path: string, message: string) => ({
  ok: false as const,
  problem: problem('invalid-request', { errors: [{ path, message }] }),
})

/** A change of one count waits for the one before it; that takes turns when many ask at once. */
const maxTurns = 20

/**
 * CountManager: creates, finds, changes, corrects and removes counts. Every
 * change is audited. Calls reject with StoreUnavailable, or the database's error, while a store that they need is away.
 */
export function createCountManager(parts: CountManagerParts) {
  const { sql, store, records, zone, lifecycle, commit, cache, onChange = () => {} } = parts

  /**
   * Creates a count: its answer comes when its record exists. When the store fails in the middle, the creation is taken
   * back: the row goes, and a removal follows the creation through the outbox.
   */
  async function create(input: CountCreation, actor: Actor): Promise<Answer<AdminCount>> {
    const fault = metadataFault(input.metadata) ?? boundsFault(input, input.initialValue, 'initialValue')
    if (fault) return fault
    await lifecycle.reachable(input.id)
    const now = new Date().toISOString()
    const info = await sql.begin(async (tx) => {
      const revision = await nextRevision(tx)
      const tags = [...new Set(input.tags)]
      const info: CountInfo = {
        ...input,
        tags,
        status: 'active',
        revision,
        created: revision,
        createdAt: now,
        updatedAt: now,
      }
      if (!(await insertCount(tx, info))) return undefined
      await record(tx, entryOf(actor, 'count.create', info.id, { revision, ...input }))
      await lifecycle.enqueue(tx, { kind: 'created', info })
      return info
    })
    if (!info) return refused('already-exists', 'A count of this id exists')
    try {
      const settled = await lifecycle.settle(info.revision)
      onChange()
      return done({ ...info, ...takenBy(settled) })
    } catch (error) {
      if (!(error instanceof StoreUnavailable) || (await takeBack(info, actor))) throw error
      return await get(info.id)
    }
  }

  /** False when the creation has come through after all. */
  async function takeBack(info: CountInfo, actor: Actor): Promise<boolean> {
    return await sql.begin(async (tx) => {
      const pending = await lifecycle.pending(tx, info.id)
      const [row] = await tx`delete from count_info where id = ${info.id} and created = ${info.created}
        and revision = ${info.revision} and ${pending.includes(info.revision)} returning id`
      if (!row) return false
      const revision = await nextRevision(tx)
      await record(
        tx,
        entryOf(actor, 'count.create-cancelled', info.id, { revision, reason: 'the value store is away' }),
      )
      await lifecycle.enqueue(tx, { kind: 'deleted', info: { ...info, revision } })
      return true
    })
  }

  /** Sets beside each count what its record says now. */
  async function withValues(infos: CountInfo[], strong: boolean): Promise<AdminCount[]> {
    const asks = infos.map(({ id, created }) => ({ id, created, fence: 0 }))
    const found = await records.find(asks, recordsOf(store), strong)
    return infos.map((info, i) => ({ ...info, ...liveOf(found[i], info) }))
  }

  async function get(id: string): Promise<Answer<AdminCount>> {
    const info = await findCount(sql, id)
    if (!info) return refused('unknown-count')
    const [count] = await withValues([info], true)
    return done(count as AdminCount)
  }

  /** A page of counts in the order of their ids. */
  async function list({
    cursor,
    ...query
  }: CountQuery): Promise<Answer<{ items: AdminCount[]; nextCursor: string | null }>> {
    const after = cursor === undefined ? '' : decodeCursor(cursor)
    if (after === undefined) return invalid('cursor', 'is not a cursor of this list')
    const infos = await searchCounts(sql, { ...query, limit: query.limit + 1 }, after)
    const items = await withValues(infos.slice(0, query.limit), false)
    const last = infos.length > query.limit ? items.at(-1) : undefined
    return done({ items, nextCursor: last ? encodeCursor(last.id) : null })
  }

  /** The series of a live count, as external readers get it. */
  async function history(
    id: string,
    { granularity, measure, from, to }: HistoryQuery,
  ): Promise<Answer<HistoryView>> {
    const times = {
      fromMs: from === undefined ? from : Date.parse(from),
      toMs: to === undefined ? to : Date.parse(to),
    }
    const window = windowOf(granularity, { ...times, nowMs: Date.now(), zone })
    if (!window) return invalid('from', 'must not be after to')
    const info = await findCount(sql, id)
    if (!info) return refused('unknown-count')
    const [past] = await records.find([{ id, created: info.created, fence: 0 }], pastOf(store, window))
    if (past === undefined || past === 'missing' || past === 'away') return refused('unavailable')
    return done(seriesOf({ ...past, id }, window, measure, zone))
  }

  /**
   * Begins a change of a live count, alone: what is already on its way for this count comes to its end first, and the
   * precondition is judged by what it left. `begin` runs in a transaction that holds the row.
   */
  async function change<T>(
    id: string,
    match: Precondition,
    begin: (tx: TransactionSql, info: CountInfo) => Promise<Answer<T>>,
  ): Promise<Answer<T>> {
    for (let turn = 0; turn < maxTurns; turn++) {
      await lifecycle.reachable(id)
      const answer = await sql.begin(async (tx): Promise<Answer<T> | number[]> => {
        const info = await findCount(tx, id, true)
        if (!info) return refused('unknown-count')
        const pending = await lifecycle.pending(tx, id)
        if (pending.length > 0) return pending
        if (match !== '*' && !match.includes(info.revision))
          return refused('version-mismatch', `The revision is "${info.revision}"`)
        return await begin(tx, info)
      })
      if (!Array.isArray(answer)) return answer
      for (const revision of answer) await lifecycle.settle(revision)
    }
    return refused('conflict', 'Too many changes of this count at once')
  }

  /** Changes metadata, bounds or status. Bounds that the value violates refuse all of it, and nothing has changed then. */
  async function update(
    id: string,
    match: Precondition,
    patch: CountPatch,
    actor: Actor,
  ): Promise<Answer<AdminCount>> {
    if (patch.tags) patch = { ...patch, tags: [...new Set(patch.tags)] }
    const fault = patch.metadata && metadataFault(patch.metadata)
    if (fault) return fault
    const answer = await change<CountInfo>(id, match, async (tx, before) => {
      const after = { ...before, ...patch }
      const fault = boundsFault(after)
      if (fault) return fault
      const changed = Object.keys(patch).filter(
        (key) => JSON.stringify(read(before, key)) !== JSON.stringify(read(after, key)),
      )
      if (changed.length === 0) return done(before)
      const revision = await nextRevision(tx)
      const info = { ...after, revision, updatedAt: new Date().toISOString() }
      const pick = (from: CountInfo) => Object.fromEntries(changed.map((key) => [key, read(from, key)]))
      const audit = entryOf(actor, 'count.update', id, { revision, before: pick(before), after: pick(info) })
      await lifecycle.enqueue(tx, { kind: 'updated', info, audit })
      return done(info)
    })
    if (!answer.ok) return answer
    const settled = await lifecycle.settle(answer.value.revision)
    onChange()
    if (settled?.outcome === 'bounds')
      return refused('out-of-bounds', 'The present value lies outside these bounds')
    return await get(id)
  }

  /** Moves a count to the trash, kept there for 30 days; its id is free at once, for a new life. */
  async function remove(id: string, match: Precondition, actor: Actor): Promise<Answer<undefined>> {
    const answer = await change<number>(id, match, async (tx, before) => {
      const revision = await nextRevision(tx)
      const info = { ...before, revision, updatedAt: new Date().toISOString() }
      await updateCount(tx, info)
      await tx`update count_info set deleted_at = now() where id = ${id} and created = ${info.created}`
      await record(tx, entryOf(actor, 'count.delete', id, { revision }))
      await lifecycle.enqueue(tx, { kind: 'deleted', info })
      return done(revision)
    })
    if (!answer.ok) return answer
    // It is certain now; while the store is away, the worker takes it to the record.
    await lifecycle.settle(answer.value).catch(ignoreAway)
    onChange()
    return done(undefined)
  }

  /**
   * Sets the value (a correction). The audit trail says what is asked before it is done and what came of it after, so a
   * crash in between leaves no correction without a trace.
   */
  async function correct(id: string, value: number, reason: string, actor: Actor): Promise<Answer<Applied>> {
    const info = await findCount(sql, id)
    if (!info) return refused('unknown-count')
    await lifecycle.reachable(id)
    await record(sql, entryOf(actor, 'count.correct', id, { value, reason }))
    let outcome = await set(id, value)
    if (outcome.word === 'missing' && (await lifecycle.complete(info)).outcome === 'applied')
      outcome = await set(id, value)
    if (outcome.word !== 'ok') {
      await record(sql, entryOf(actor, 'count.correct-refused', id, { value, reason, because: outcome.word }))
      return refusals[outcome.word]?.(outcome) ?? refused('unknown-count')
    }
    const { version, delta } = outcome
    await cache.invalidate([{ id, version }])
    await record(
      sql,
      entryOf(actor, 'count.corrected', id, { value, reason, before: outcome.value - delta, delta, version }),
    )
    return done({ id, value: outcome.value, version, delta })
  }

  async function set(id: string, value: number): Promise<Outcome> {
    const [outcome] = await commit.apply({ operations: [{ id, kind: 'set', amount: value }], final: true })
    if (!outcome) throw new StoreUnavailable('the value store gave no answer')
    return outcome
  }

  return { create, get, list, history, update, remove, correct }
}

const refusals: { [word: string]: ((outcome: Outcome) => ReturnType<typeof refused>) | undefined } = {
  paused: () => refused('count-paused'),
  archived: () => refused('count-archived'),
  bounds: ({ value }) => refused('out-of-bounds', `The value is ${value}`),
  range: ({ value }) => refused('out-of-bounds', `The value is ${value}`),
}

/** Null where the store is away, or has no record of this life of the count. */
const liveOf = (found: Found<CountRecord> | undefined, { created }: CountInfo) =>
  typeof found === 'object' && found.created === created
    ? { value: found.value, version: found.version }
    : { value: null, version: null }

const takenBy = (settled: Settled | undefined) =>
  settled?.outcome === 'applied'
    ? { value: settled.value, version: settled.version }
    : { value: null, version: null }

const read = (info: CountInfo, key: string): unknown =>
  new Map<string, unknown>(Object.entries(info)).get(key)

function boundsFault({ min, max }: Pick<CountInfo, 'min' | 'max'>, initial?: number, path = '') {
  if (min !== null && max !== null && min > max) return invalid('min', 'must not be above max')
  if (initial === undefined) return undefined
  const outside = (min !== null && initial < min) || (max !== null && initial > max)
  return outside ? invalid(path, 'must lie within min and max') : undefined
}

function ignoreAway(error: unknown): void {
  if (!(error instanceof StoreUnavailable)) throw error
}
