import type { Answer } from '@count/core/answer'
import type { Dashboard } from '@count/core/dashboards'
import { pageOf, positionOf } from '@count/core/page-cursor'
import type { Sql } from '@count/core/postgres'
import { problem } from '@count/core/problem'
import { z } from 'zod'
import { countChange } from './change-counter.ts'
import { type DashboardRow, dashboardOf } from './dashboard-rows.ts'
import type { Page, PageQuery, TrashedDashboard } from './schemas.ts'

export type Trash = ReturnType<typeof createTrash>

interface Row {
  id: string
  name: string
  changed: number
  deleted_at: Date
  deleted_by: string
  purged_at: Date
}

const position = z.tuple([z.int()])

/** Deleted dashboards, the latest first: each can come back, links and revisions with it, until it is purged. */
export function createTrash(sql: Sql) {
  async function list({ cursor, limit }: PageQuery): Promise<Answer<Page<TrashedDashboard>>> {
    const before = positionOf(cursor, position)
    if (!before.ok) return before
    const rows = await sql<
      Row[]
    >`select id, name, changed, deleted_at, deleted_by, deleted_at + interval '30 days' as purged_at
      from dashboard where deleted_at is not null ${before.value ? sql`and changed < ${before.value[0]}` : sql``}
      order by changed desc limit ${limit + 1}`
    return pageOf(rows, limit, viewOf, ({ changed }) => [changed])
  }

  async function restore(id: string): Promise<Answer<Dashboard>> {
    return await sql.begin(async (tx): Promise<Answer<Dashboard>> => {
      const [found] = await tx`select from dashboard where id = ${id} and deleted_at is not null for update`
      if (!found)
        return { ok: false, problem: problem('not-found', { detail: 'No such dashboard is in the trash' }) }
      const [row] = await tx<[DashboardRow]>`update dashboard set deleted_at = null, deleted_by = null,
        changed = ${await countChange(tx, 'dashboards')} where id = ${id} returning *`
      return { ok: true, value: dashboardOf(row) }
    })
  }

  return { list, restore }
}

const viewOf = (row: Row): TrashedDashboard => ({
  id: row.id,
  name: row.name,
  deletedAt: row.deleted_at.toISOString(),
  deletedBy: row.deleted_by,
  purgedAt: row.purged_at.toISOString(),
})
