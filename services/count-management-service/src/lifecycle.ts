import type { CountCache } from '@count/core/count-cache'
import type { Lifecycle } from '@count/core/events'
import type { Sql, TransactionSql } from '@count/core/postgres'
import type { CountInfo } from '@count/core/schemas'
import { callScript, type ScriptName } from '@count/core/scripts'
import { type Epoch, StoreUnavailable, type ValueStore } from '@count/core/value-store'
import { type AuditEntry, auditEntry, json, record } from './audit.ts'
import { updateCount } from './count-rows.ts'

/** A change on its way to the count's record. `audit`: the record may still refuse it; row and audit follow when not. */
export interface Change {
  kind: Lifecycle
  info: CountInfo
  audit?: AuditEntry
}

/** What became of a change: `superseded` by a later life or revision, or refused for its `bounds`. */
export type Settled =
  | { outcome: 'applied'; value: number; version: number }
  | { outcome: 'superseded' }
  | { outcome: 'bounds' }

interface Row {
  kind: Lifecycle
  info: CountInfo
  audit: unknown
  outcome: 'applied' | 'superseded' | null
  value: number
  version: number
}

const resultOf = ({ outcome, value, version }: Row): Settled =>
  outcome === 'applied' ? { outcome, value, version } : { outcome: 'superseded' }

export type LifecycleSteps = ReturnType<typeof createLifecycle>

/**
 * Brings a change of a count's life or metadata from CountInfoDB to its record in the value store.
 *
 * A creation or removal commits row, audit and outbox together; then its script runs. An update may be refused by its
 * script, for bounds that the present value violates, so it commits only its outbox row first, row and audit when the
 * script has taken it: a refused one has changed nothing, not even the revision. Whatever dies in between, the outbox row
 * stands, and the worker, or the next change of the same count, brings it to its end: the scripts are repeatable and go
 * forward in revision only, and nobody begins a change while another of the same count is on its way. So row and record
 * cannot disagree for good.
 */
export function createLifecycle({ sql, store, cache }: { sql: Sql; store: ValueStore; cache: CountCache }) {
  /** Puts a change on its way; its transaction's commit makes it certain. */
  async function enqueue(tx: TransactionSql, { kind, info, audit }: Change): Promise<void> {
    await tx`insert into lifecycle_outbox (revision, id, created, kind, info, audit)
      values (${info.revision}, ${info.id}, ${info.created}, ${kind}, ${json(tx, info)}, ${audit ? json(tx, audit) : null})`
  }

  /** Revisions of an id's changes that have not reached its record. */
  async function pending(sql: Sql | TransactionSql, id: string): Promise<number[]> {
    const rows = await sql<{ revision: number }[]>`select revision from lifecycle_outbox
      where id = ${id} and outcome is null order by revision`
    return rows.map((row) => row.revision)
  }

  /**
   * Runs the script of a change and writes down what became of it; whoever comes second waits and gets the same answer.
   * Undefined when there is no such change (any more). Rejects with StoreUnavailable, the change still on its way.
   */
  async function settle(revision: number, wait = true): Promise<Settled | undefined> {
    const settled = await sql.begin(async (tx) => {
      const [row] = await tx<Row[]>`select kind, info, audit, outcome, value, version from lifecycle_outbox
        where revision = ${revision} for update ${wait ? tx`` : tx`skip locked`}`
      if (!row) return undefined
      if (row.outcome) return { row, result: resultOf(row) }
      const result = await run(row.kind, row.info)
      if (result.outcome === 'bounds') {
        await tx`delete from lifecycle_outbox where revision = ${revision}`
        return { row, result }
      }
      const applied = result.outcome === 'applied' ? result : undefined
      await tx`update lifecycle_outbox set outcome = ${result.outcome}, value = ${applied?.value ?? null},
        version = ${applied?.version ?? null}, done_at = ${applied ? null : tx`now()`} where revision = ${revision}`
      if (row.audit && applied) {
        await updateCount(tx, row.info)
        await record(tx, auditEntry.parse(row.audit))
      }
      return { row, result }
    })
    if (!settled) return undefined
    const { row, result } = settled
    // An update leaves the value's version as it is: fencing the value with the event's would keep it out of the cache.
    const version = result.outcome === 'applied' && row.kind !== 'updated' ? result.version : undefined
    if (result.outcome !== 'bounds') await cache.invalidate([{ id: row.info.id, version, revision }])
    return result
  }

  async function run(kind: Lifecycle, info: CountInfo): Promise<Settled> {
    const epoch = await store.epoch(store.shardOf(info.id))
    const scripts = scriptsOf(store, epoch, info)
    let reply = await scripts[kind]()
    if (reply[0] === 'missing') {
      // The creation has not come through or was lost with its store; making it up gives a removal something to set
      // aside, which keeps a creation that is still under way somewhere from coming after it.
      reply = await scripts.created()
      if (kind === 'deleted' && reply[0] !== 'stale') reply = await scripts.deleted()
    }
    const [word, value, version] = reply
    if (word === 'stale') return { outcome: 'superseded' }
    if (word === 'bounds') return { outcome: 'bounds' }
    return { outcome: 'applied', value: Number(value), version: Number(version) }
  }

  function scriptsOf(
    store: ValueStore,
    epoch: Epoch,
    info: CountInfo,
  ): Record<Lifecycle, () => Promise<unknown[]>> {
    const { id, created, revision, status, initialValue } = info
    const bounds = [info.min ?? '', info.max ?? '']
    const keys = store.keys(store.shardOf(id))
    const record = keys.count(id)
    const whole = [
      record,
      keys.history(id),
      keys.gone(id),
      keys.goneHistory(id),
      keys.clock,
      keys.dirty.queue,
      keys.revision,
    ]
    const call = (name: ScriptName, names: string[], args: (string | number)[]) =>
      ask(store, epoch, name, names, [id, created, revision, ...args])
    return {
      created: () => call('count_create', whole, [status, ...bounds, initialValue, '0']),
      restored: () => call('count_create', whole, [status, ...bounds, initialValue, '1']),
      updated: () =>
        call('count_update', [record, keys.clock, keys.dirty.queue, keys.revision], [status, ...bounds]),
      deleted: () => call('count_remove', whole, []),
    }
  }

  return {
    enqueue,
    pending,
    settle,
    shardOf: (id: string): number => store.shardOf(id),
    /** Rejects with StoreUnavailable unless the count's record can be written now. */
    reachable: async (id: string): Promise<void> => void (await store.epoch(store.shardOf(id))),
    /** Runs the script of a change whose outbox row the caller holds. */
    run,
    /** Makes the record of a count that CountInfoDB knows and the store lacks. */
    complete: (info: CountInfo): Promise<Settled> => run('created', info),
  }
}

/** Calls a script; everything but a wrong call means that the store cannot take it now. */
export async function ask(
  store: ValueStore,
  epoch: Epoch,
  name: ScriptName,
  keys: string[],
  args: (string | number)[],
): Promise<unknown[]> {
  try {
    const reply = await callScript(epoch.redis, name, keys, args)
    if (Array.isArray(reply)) return reply
    throw new Error(`${name} answered ${JSON.stringify(reply)}`)
  } catch (error) {
    if (!(error instanceof Error) || /^(BAD_ARG|ERR|NOPERM|WRONGTYPE|CROSSSLOT|count_)/.test(error.message))
      throw error
    if (/^(READONLY|MOVED|ASK|CLUSTERDOWN)/.test(error.message)) await store.doubt(epoch)
    throw new StoreUnavailable(error.message)
  }
}
