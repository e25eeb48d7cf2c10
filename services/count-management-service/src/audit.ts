import type { Sql, TransactionSql } from '@count/core/postgres'
import { z } from 'zod'

/** Who does something: the signed-in user, and where from. */
export interface Actor {
  username: string
  address: string
}

/** One line of the audit trail. */
export const auditEntry = z.object({
  username: z.string(),
  address: z.string(),
  action: z.string().describe('What was done, as `count.update`'),
  target: z.string().describe('To what, by its id'),
  detail: z.record(z.string(), z.unknown()),
})
export type AuditEntry = z.infer<typeof auditEntry>

export const entryOf = (
  actor: Actor,
  action: string,
  target: string,
  detail: AuditEntry['detail'] = {},
): AuditEntry => ({
  username: actor.username,
  address: actor.address,
  action,
  target,
  detail,
})

/** Records an entry; in the transaction of what it tells about, so that neither is there without the other. */
export async function record(sql: Sql | TransactionSql, entry: AuditEntry): Promise<void> {
  const { username, address, action, target } = entry
  await sql`insert into audit (username, address, action, target, detail)
    values (${username}, ${address}, ${action}, ${target}, ${json(sql, entry.detail)})`
}

/** A value for a jsonb column. */
export const json = (sql: Sql | TransactionSql, value: object) => sql.json(JSON.parse(JSON.stringify(value)))
