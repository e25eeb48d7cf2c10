import type { Dashboard, DashboardBody } from '@count/core/dashboards'
import type { Sql, TransactionSql } from '@count/core/postgres'
import { z } from 'zod'
import { nameFilter } from './name-filter.ts'
import type { DashboardQuery, DashboardSummary } from './schemas.ts'

export interface DashboardRow {
  id: string
  body: DashboardBody
  revision: number
  changed: number
  created_at: Date
  created_by: string
  updated_at: Date
  updated_by: string
  deleted_at: Date | null
  deleted_by: string | null
}

type SummaryRow = Omit<DashboardRow, 'body'> & {
  name: string
  range: DashboardSummary['range']
  panels: number
  shares: number
  search: string
}

export const dashboardOf = (row: DashboardRow): Dashboard => ({
  id: row.id,
  ...row.body,
  revision: row.revision,
  createdAt: row.created_at.toISOString(),
  createdBy: row.created_by,
  updatedAt: row.updated_at.toISOString(),
  updatedBy: row.updated_by,
})

export const summaryOf = (row: SummaryRow): DashboardSummary => ({
  id: row.id,
  name: row.name,
  range: row.range,
  panels: row.panels,
  shares: row.shares,
  revision: row.revision,
  createdAt: row.created_at.toISOString(),
  createdBy: row.created_by,
  updatedAt: row.updated_at.toISOString(),
  updatedBy: row.updated_by,
})

/** A dashboard that is not in the trash; `lock` holds it to the end of the transaction. */
export async function liveDashboard(
  sql: Sql | TransactionSql,
  id: string,
  lock = false,
): Promise<DashboardRow | undefined> {
  const [row] = await sql<DashboardRow[]>`select * from dashboard where id = ${id} and deleted_at is null
    ${lock ? sql`for update` : sql``}`
  return row
}

type Sort = DashboardQuery['sort']
const byName = (sort: Sort) => sort.endsWith('name')

/** Where a page ended: the order, the last row's key in it, and its id. */
export const dashboardPosition = (sort: Sort) =>
  z.tuple([z.literal(sort), byName(sort) ? z.string() : z.int(), z.string()])
type Position = readonly [Sort, string | number, string]

export const positionOfRow = (sort: Sort, row: SummaryRow): Position =>
  byName(sort) ? [sort, row.search, row.id] : [sort, row.changed, row.id]

/** Live dashboards in the order asked for, from a position on. */
export async function searchDashboards(
  sql: Sql,
  { q, sort }: Pick<DashboardQuery, 'q' | 'sort'>,
  after: Position | undefined,
  limit: number,
): Promise<SummaryRow[]> {
  const [direction, beyond] = sort.startsWith('-') ? [sql`desc`, sql`<`] : [sql`asc`, sql`>`]
  const from = byName(sort)
    ? sql`and (search, id) ${beyond} (${after?.[1] ?? ''}, ${after?.[2] ?? ''})`
    : sql`and changed ${beyond} ${after?.[1] ?? 0}`
  return await sql<SummaryRow[]>`
    select id, name, search, body ->> 'range' as range, jsonb_array_length(body -> 'panels') as panels, revision, changed,
      created_at, created_by, updated_at, updated_by,
      (select count(*) from share_link s where s.dashboard = d.id and (s.expires_at is null or s.expires_at > now())) as shares
    from dashboard d where deleted_at is null ${nameFilter(sql, q)} ${after ? from : sql``}
    order by ${byName(sort) ? sql`search ${direction}, id ${direction}` : sql`changed ${direction}`} limit ${limit}`
}
