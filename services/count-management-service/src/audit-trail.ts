import type { Role } from '@count/core/access'
import { pageOf, positionOf } from '@count/core/page-cursor'
import type { Sql, TransactionSql } from '@count/core/postgres'
import { z } from 'zod'
import { type AuditFilter, type AuditQuery, type AuditView, auditView } from './schemas.ts'

/** An entry as the trail keeps it. */
export interface TrailRow {
  id: number
  at: Date
  username: string
  address: string
  action: string
  target: string
  detail: Record<string, unknown>
  undone_by: number | null
}

export type AuditTrail = ReturnType<typeof createAuditTrail>

const position = z.tuple([z.int()])
const facts = z.record(z.string(), z.unknown()).nullable().catch(null)
const exportRows = 1000

/** What an undo needs to know of the change: which life of the count it was of. */
const undoable = z.object({ created: z.int(), delta: z.int().optional() })
const undoableActions = new Set([
  'count.create',
  'count.update',
  'count.delete',
  'count.restore',
  'count.correct',
])

/** Reads the audit trail, newest first. What only says that something would be tried is left out once its end is told. */
export function createAuditTrail(sql: Sql) {
  async function rowsOf(
    { actor, action, subject, from, to }: AuditFilter,
    role: Role,
    before: number | undefined,
    limit: number,
  ): Promise<TrailRow[]> {
    return await sql<TrailRow[]>`${selection(sql)} where true
      ${before === undefined ? sql`` : sql`and a.id < ${before}`}
      ${actor === undefined ? sql`` : sql`and a.username = ${actor.toLowerCase()}`}
      ${action === undefined ? sql`` : sql`and a.action = ${action}`}
      ${subject === undefined ? sql`` : sql`and a.target = ${subject}`}
      ${from === undefined ? sql`` : sql`and a.at >= ${from}`}
      ${to === undefined ? sql`` : sql`and a.at < ${to}`}
      ${role === 'admin' ? sql`` : sql`and split_part(a.action, '.', 1) not in ('session', 'user', 'key')`}
      and not (a.action like '%-asked' and exists (select from audit c where c.concludes = a.id))
      order by a.id desc limit ${limit}`
  }

  /** A page of entries; of sign-ins, users and keys for admins only. */
  async function list({ cursor, limit, ...filter }: AuditQuery, role: Role) {
    const before = positionOf(cursor, position)
    if (!before.ok) return before
    const rows = await rowsOf(filter, role, before.value?.[0], limit + 1)
    return pageOf(rows, limit, viewOf, ({ id }) => [id])
  }

  /** All entries, some at a time, as a slow reader takes them; nothing is held open between. */
  async function* all(filter: AuditFilter, role: Role): AsyncGenerator<AuditView> {
    let before: number | undefined
    for (;;) {
      const rows = await rowsOf(filter, role, before, exportRows)
      yield* rows.map(viewOf)
      before = rows.at(-1)?.id
      if (rows.length < exportRows) return
    }
  }

  return { list, all }
}

const selection = (
  sql: Sql | TransactionSql,
) => sql`select a.id, a.at, a.username, a.address, a.action, a.target,
  a.detail, u.id as undone_by from audit a left join audit u on u.undoes = a.id`

export async function findEntry(sql: Sql | TransactionSql, id: number): Promise<TrailRow | undefined> {
  const [row] = await sql<TrailRow[]>`${selection(sql)} where a.id = ${id}`
  return row
}

/** The life of the count that an entry tells of, when its change is of a kind that can be undone. */
export function undoableOf({ action, detail }: Pick<TrailRow, 'action' | 'detail'>) {
  const found = undoableActions.has(action) ? undoable.safeParse(detail).data : undefined
  return found?.delta === 0 ? undefined : found
}

const viewOf = (row: TrailRow): AuditView =>
  auditView.parse({
    id: String(row.id),
    at: row.at.toISOString(),
    actor: row.username,
    address: row.address,
    action: row.action,
    subject: row.target,
    before: facts.parse(row.detail.before ?? null),
    after: facts.parse(row.detail.after ?? null),
    reason: typeof row.detail.reason === 'string' ? row.detail.reason : null,
    undoable: row.undone_by === null && undoableOf(row) !== undefined,
    undoneBy: row.undone_by === null ? null : String(row.undone_by),
  })
