import type { AlertCondition, AlertRule, AlertState } from '@count/core/alerts'
import type { Sql, TransactionSql } from '@count/core/postgres'
import { problem } from '@count/core/problem'
import type { AlertView } from './schemas.ts'

export interface AlertRow {
  id: string
  name: string
  search: string
  count: string
  condition: AlertCondition
  enabled: boolean
  revision: number
  url: string | null
  secret: string | null
  previous_secret: string | null
  previous_until: Date | null
  state: AlertState
  since: Date | null
  version: number | null
  value: number | null
  created_at: Date
  created_by: string
  updated_at: Date
  updated_by: string
}

export const noAlert = { ok: false as const, problem: problem('not-found', { detail: 'No such alert' }) }

/** A rule as evaluators get it. */
export const ruleOf = (row: AlertRow): AlertRule => ({
  id: row.id,
  name: row.name,
  count: row.count,
  condition: row.condition,
  revision: row.revision,
  state: row.state,
  since: row.since?.toISOString() ?? null,
  version: row.version,
  value: row.value,
})

export const viewOf = (row: AlertRow): AlertView => ({
  ...ruleOf(row),
  enabled: row.enabled,
  webhook: row.url === null ? null : { url: row.url },
  createdAt: row.created_at.toISOString(),
  createdBy: row.created_by,
  updatedAt: row.updated_at.toISOString(),
  updatedBy: row.updated_by,
})

/** A rule; `lock` holds it to the end of the transaction. */
export async function alertRow(
  sql: Sql | TransactionSql,
  id: string,
  lock = false,
): Promise<AlertRow | undefined> {
  const [row] = await sql<
    AlertRow[]
  >`select * from alert_rule where id = ${id} ${lock ? sql`for update` : sql``}`
  return row
}
