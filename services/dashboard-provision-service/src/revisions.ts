import type { Answer } from '@count/core/answer'
import type { DashboardBody } from '@count/core/dashboards'
import { pageOf, positionOf } from '@count/core/page-cursor'
import type { Sql, TransactionSql } from '@count/core/postgres'
import { problem } from '@count/core/problem'
import { z } from 'zod'
import type { Page, PageQuery, RevisionSummary, RevisionView } from './schemas.ts'

interface Row {
  revision: number
  restored: number | null
  saved_at: Date
  saved_by: string
  name: string
  panels: number
}

export type Revisions = ReturnType<typeof createRevisions>

const position = z.tuple([z.int()])
const none = { ok: false as const, problem: problem('not-found', { detail: 'No such revision is kept' }) }

/** What was saved of a dashboard that is not in the trash, newest first. */
export function createRevisions(sql: Sql | TransactionSql) {
  const columns = sql`r.revision, r.restored, r.saved_at, r.saved_by, r.body ->> 'name' as name,
    jsonb_array_length(r.body -> 'panels') as panels`
  const from = sql`from dashboard_revision r join dashboard d on d.id = r.dashboard and d.deleted_at is null`

  async function list(id: string, { cursor, limit }: PageQuery): Promise<Answer<Page<RevisionSummary>>> {
    const before = positionOf(cursor, position)
    if (!before.ok) return before
    const rows = await sql<Row[]>`select ${columns} ${from} where r.dashboard = ${id}
      ${before.value ? sql`and r.revision < ${before.value[0]}` : sql``} order by r.revision desc limit ${limit + 1}`
    // Every dashboard has a revision: without one on the first page there is no dashboard.
    if (rows.length === 0 && !before.value)
      return { ok: false, problem: problem('not-found', { detail: 'No such dashboard' }) }
    return pageOf(rows, limit, summaryOf, ({ revision }) => [revision])
  }

  async function read(id: string, revision: number): Promise<Answer<RevisionView>> {
    const [row] = await sql<(Row & { body: DashboardBody })[]>`select ${columns}, r.body ${from}
      where r.dashboard = ${id} and r.revision = ${revision}`
    return row ? { ok: true, value: { ...summaryOf(row), body: row.body } } : none
  }

  return { list, read }
}

const summaryOf = (row: Row): RevisionSummary => ({
  revision: row.revision,
  name: row.name,
  panels: row.panels,
  savedAt: row.saved_at.toISOString(),
  savedBy: row.saved_by,
  restored: row.restored,
})
