import type { CountCache } from '@count/core/count-cache'
import type { Records } from '@count/core/count-records'
import type { GroupCommit, Operation, Outcome } from '@count/core/group-commit'
import { pastOf, seriesOf, windowOf } from '@count/core/history'
import { pageOf, positionOf } from '@count/core/page-cursor'
import type { Sql, TransactionSql } from '@count/core/postgres'
import { type ProblemDocument, type ProblemName, problem } from '@count/core/problem'
import type { Applied, CountInfo, HistoryView } from '@count/core/schemas'
import { StoreUnavailable, type ValueStore } from '@count/core/value-store'
import type { Zone } from '@count/core/zone'
import { type Actor, entryOf, record, type Undoing } from './audit.ts'
import { begunOf, glanceOf, liveOf } from './count-glance.ts'
import { metadataFault } from './count-metadata.ts'
import { findCount, insertCount, nextRevision, updateCount } from './count-rows.ts'
import { countPosition, searchCounts } from './count-search.ts'
import type { LifecycleSteps } from './lifecycle.ts'
import type { AdminCount, CountCreation, CountPatch, CountQuery, HistoryQuery } from './schemas.ts'

/** What a call came to: a result, or why it was refused. */
export type Answer<T> = { ok: true; value: T } | { ok: false; problem: ProblemDocument }

/** What If-Match says: revisions, one of which must be the present one, or `*` for any. */
export type Precondition = number[] | '*'

/** A change that undoes another: `contradiction` says, of the count as it is then, why that cannot be. */
export interface Undo extends Undoing {
  undoes: number
  contradiction(tx: TransactionSql, info: CountInfo): Promise<ProblemDocument | undefined>
}

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
      await record(tx, entryOf(actor, 'count.create', info.id, { created: revision, after: input }))
      await lifecycle.enqueue(tx, { kind: 'created', info })
      return info
    })
    if (!info) return refused('already-exists', 'A count of this id exists')
    try {
      const settled = await lifecycle.settle(info.revision)
      onChange()
      return done({ ...info, ...begunOf(settled?.outcome === 'applied' ? settled : undefined) })
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
    const found = await records.find(asks, glanceOf(store, zone), strong)
    return infos.map((info, i) => ({ ...info, ...liveOf(found[i], info) }))
  }

  async function get(id: string): Promise<Answer<AdminCount>> {
    const info = await findCount(sql, id)
    if (!info) return refused('unknown-count')
    const [count] = await withValues([info], true)
    return done(count as AdminCount)
  }

  /** A page of counts. */
  async function list({
    cursor,
    ...query
  }: CountQuery): Promise<Answer<{ items: AdminCount[]; nextCursor: string | null }>> {
    const after = positionOf(cursor, countPosition)
    if (!after.ok) return after
    if (after.value && after.value[0] !== query.sort) return invalid('cursor', 'is of another order')
    const found = await searchCounts(sql, { ...query, limit: query.limit + 1 }, after.value)
    const page = pageOf(
      found,
      query.limit,
      ({ info }) => info,
      ({ position }) => position,
    )
    return done({ ...page.value, items: await withValues(page.value.items, false) })
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
    undo?: Undo,
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
        const contradiction = await undo?.contradiction(tx, info)
        return contradiction ? { ok: false, problem: contradiction } : await begin(tx, info)
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
    undo?: Undo,
  ): Promise<Answer<AdminCount>> {
    if (patch.tags) patch = { ...patch, tags: [...new Set(patch.tags)] }
    const fault = patch.metadata && metadataFault(patch.metadata)
    if (fault) return fault
    const begin = async (tx: TransactionSql, before: CountInfo): Promise<Answer<CountInfo>> => {
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
      const detail = { created: info.created, before: pick(before), after: pick(info) }
      const audit = entryOf(actor, 'count.update', id, detail, undo)
      await lifecycle.enqueue(tx, { kind: 'updated', info, audit })
      return done(info)
    }
    const answer = await change(id, match, begin, undo)
    if (!answer.ok) return answer
    const settled = await lifecycle.settle(answer.value.revision)
    onChange()
    if (settled?.outcome === 'bounds')
      return refused('out-of-bounds', 'The present value lies outside these bounds')
    return await get(id)
  }

  /** Moves a count to the trash, kept there for 30 days; its id is free at once, for a new life. */
  async function remove(
    id: string,
    match: Precondition,
    actor: Actor,
    undo?: Undo,
  ): Promise<Answer<undefined>> {
    const begin = async (tx: TransactionSql, before: CountInfo): Promise<Answer<number>> => {
      const revision = await nextRevision(tx)
      const info = { ...before, revision, updatedAt: new Date().toISOString() }
      await updateCount(tx, info)
      await tx`update count_info set deleted_at = now() where id = ${id} and created = ${info.created}`
      const { name, status, created } = before
      await record(tx, entryOf(actor, 'count.delete', id, { created, before: { name, status } }, undo))
      await lifecycle.enqueue(tx, { kind: 'deleted', info })
      return done(revision)
    }
    const answer = await change(id, match, begin, undo)
    if (!answer.ok) return answer
    // It is certain now; while the store is away, the worker takes it to the record.
    await lifecycle.settle(answer.value).catch(ignoreAway)
    onChange()
    return done(undefined)
  }

  /** Sets the value (a correction). */
  async function correct(id: string, value: number, reason: string, actor: Actor): Promise<Answer<Applied>> {
    const info = await findCount(sql, id)
    if (!info) return refused('unknown-count')
    return await amend(info, { operation: { id, kind: 'set', amount: value } }, actor, { reason })
  }

  /**
   * Changes the value by one operation. The audit trail says what is asked before it is done and what came of it after, so
   * that a crash in between leaves no correction without a trace.
   * @param amendment `detail` goes into the audit; under the same `key` the operation is done once, however often it is asked
   */
  async function amend(
    info: CountInfo,
    { operation, key, detail = {} }: { operation: Operation; key?: string; detail?: object },
    actor: Actor,
    undoing: Undoing,
  ): Promise<Answer<Applied>> {
    const { id, created } = info
    await lifecycle.reachable(id)
    const facts = { created, ...detail, ...(undoing.reason === undefined ? {} : { reason: undoing.reason }) }
    const asked = { ...facts, [operation.kind]: operation.amount, undoing: undoing.undoes }
    const concludes = await record(sql, entryOf(actor, 'count.correct-asked', id, asked))
    let outcome = await applyOnce(operation, key)
    if (outcome.word === 'missing' && (await lifecycle.complete(info)).outcome === 'applied')
      outcome = await applyOnce(operation, key)
    if (outcome.word !== 'ok') {
      const detail = { ...asked, because: outcome.word }
      await record(sql, { ...entryOf(actor, 'count.correct-refused', id, detail), concludes })
      return refusals[outcome.word]?.(outcome) ?? refused('unknown-count')
    }
    const { value, version, delta } = outcome
    await cache.invalidate([{ id, version }])
    const result = { ...facts, before: { value: value - delta }, after: { value }, delta, version }
    try {
      await record(sql, { ...entryOf(actor, 'count.correct', id, result, undoing), concludes })
    } catch (error) {
      if (!isTaken(error)) throw error
      // Of two who undid it at once, both under one key, the other has said so.
      await record(sql, { ...entryOf(actor, 'count.correct-refused', id, asked), concludes })
      return refused('conflict', 'It is undone already')
    }
    return done({ id, value, version, delta })
  }

  async function applyOnce(operation: Operation, key: string | undefined): Promise<Outcome> {
    const idempotency = key === undefined ? undefined : { scope: key, content: operation.kind }
    const [outcome] = await commit.apply({ operations: [operation], idempotency, final: true })
    if (!outcome) throw new StoreUnavailable('the value store gave no answer')
    return outcome
  }

  return { create, get, list, history, update, remove, correct, amend }
}

const refusals: { [word: string]: ((outcome: Outcome) => ReturnType<typeof refused>) | undefined } = {
  paused: () => refused('count-paused'),
  archived: () => refused('count-archived'),
  bounds: ({ value }) => refused('out-of-bounds', `The value is ${value}`),
  range: ({ value }) => refused('out-of-bounds', `The value is ${value}`),
}

const read = (info: CountInfo, key: string): unknown =>
  new Map<string, unknown>(Object.entries(info)).get(key)

function boundsFault({ min, max }: Pick<CountInfo, 'min' | 'max'>, initial?: number, path = '') {
  if (min !== null && max !== null && min > max) return invalid('min', 'must not be above max')
  if (initial === undefined) return undefined
  const outside = (min !== null && initial < min) || (max !== null && initial > max)
  return outside ? invalid(path, 'must lie within min and max') : undefined
}

/** Whether a row could not be written because there is one of its kind. */
export const isTaken = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === '23505'

export function ignoreAway(error: unknown): void {
  if (!(error instanceof StoreUnavailable)) throw error
}
