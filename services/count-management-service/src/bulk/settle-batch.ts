import type { CountCache } from '@count/core/count-cache'
import type { Lifecycle } from '@count/core/events'
import type { Sql, TransactionSql } from '@count/core/postgres'
import type { CountInfo } from '@count/core/schemas'
import { type AuditEntry, auditEntry } from '../audit.ts'
import type { LifecycleSteps, Settled } from '../lifecycle.ts'
import { byIndex, rowsOf } from './jobs.ts'

export interface SettleParts {
  sql: Sql
  lifecycle: LifecycleSteps
  cache: CountCache
}

interface Row {
  revision: number
  kind: Lifecycle
  info: CountInfo
  audit: unknown
  outcome: 'applied' | 'superseded' | null
  value: number
  version: number
}

/**
 * What `settle` of lifecycle.ts does, for many changes at once: their scripts go out together, their rows in few statements.
 * Repeatable, and beside the outbox worker: whoever comes second finds what the first wrote down.
 *
 * @param then gets what became of each revision, in the transaction that writes it down
 * Rejects with StoreUnavailable when some changes did not reach their records; they are still on their way.
 */
export async function settleBatch(
  { sql, lifecycle, cache }: SettleParts,
  revisions: number[],
  then: (tx: TransactionSql, settled: Map<number, Settled>) => Promise<void>,
): Promise<void> {
  let away: unknown
  const rows = await sql.begin(async (tx) => {
    await byIndex(tx)
    const rows = await tx<
      Row[]
    >`select revision, kind, info, audit, outcome, value, version from lifecycle_outbox
      where revision = any(${revisions}) order by revision for update`
    const settled = new Map<number, Settled>()
    const fresh: { row: Row; result: Settled }[] = []
    // A row that is gone was refused by its record: its outcome would be kept for a week otherwise.
    const found = new Set(rows.map((row) => row.revision))
    for (const revision of revisions) if (!found.has(revision)) settled.set(revision, { outcome: 'bounds' })
    const runs = rows.map(async (row) => {
      if (row.outcome === 'applied')
        settled.set(row.revision, { outcome: 'applied', value: row.value, version: row.version })
      else if (row.outcome) settled.set(row.revision, { outcome: 'superseded' })
      else {
        const result = await lifecycle.run(row.kind, row.info)
        settled.set(row.revision, result)
        fresh.push({ row, result })
      }
    })
    for (const run of await Promise.allSettled(runs)) if (run.status === 'rejected') away ??= run.reason
    await writeDown(tx, fresh)
    if (away === undefined) await then(tx, settled)
    return rows.flatMap((row) => ({ ...row, result: settled.get(row.revision) }))
  })
  await cache.invalidate(
    rows.flatMap(({ kind, info, revision, result }) =>
      result === undefined || result.outcome === 'bounds'
        ? []
        : {
            id: info.id,
            revision,
            // As in lifecycle.ts: an update leaves the value's version as it is.
            ...(result.outcome === 'applied' && kind !== 'updated' ? { version: result.version } : {}),
          },
    ),
  )
  if (away !== undefined) throw away
}

async function writeDown(tx: TransactionSql, fresh: { row: Row; result: Settled }[]): Promise<void> {
  if (fresh.length === 0) return
  const refused = fresh.flatMap(({ row, result }) => (result.outcome === 'bounds' ? row.revision : []))
  if (refused.length > 0) await tx`delete from lifecycle_outbox where revision = any(${refused})`
  const outcomes = fresh.flatMap(({ row: { revision }, result }) =>
    result.outcome === 'bounds' ? [] : { revision, ...result },
  )
  await tx`update lifecycle_outbox o set outcome = x.outcome, value = x.value, version = x.version,
      done_at = case when x.outcome = 'applied' then null else now() end
    from jsonb_to_recordset(${rowsOf(tx, outcomes)}) x(revision bigint, outcome text, value bigint, version bigint)
    where o.revision = x.revision`
  const taken = fresh.flatMap(({ row, result }) => (row.audit && result.outcome === 'applied' ? row : []))
  if (taken.length === 0) return
  await updateCounts(
    tx,
    taken.map((row) => row.info),
  )
  await recordAll(
    tx,
    taken.map((row) => auditEntry.parse(row.audit)),
  )
}

/** Gives live rows the content of later revisions. */
async function updateCounts(tx: TransactionSql, infos: CountInfo[]): Promise<void> {
  await tx`update count_info c set revision = x.revision, name = x.name, description = x.description, unit = x.unit,
      tags = x.tags, min = x.min, max = x.max, status = x.status, metadata = x.metadata, updated_at = x."updatedAt"
    from jsonb_to_recordset(${rowsOf(tx, infos)}) x(id text, created bigint, revision bigint, name text, description text,
      unit text, tags text[], min bigint, max bigint, status text, metadata jsonb, "updatedAt" timestamptz)
    where c.id = x.id and c.created = x.created and c.revision < x.revision and c.deleted_at is null`
}

/** Records many entries, in the transaction of what they tell about. */
export async function recordAll(tx: TransactionSql, entries: AuditEntry[]): Promise<void> {
  if (entries.length === 0) return
  await tx`insert into audit (username, address, action, target, detail)
    select username, address, action, target, detail from jsonb_to_recordset(${rowsOf(tx, entries)})
      x(username text, address text, action text, target text, detail jsonb)`
}
