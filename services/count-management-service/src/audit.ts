import type { Sql, TransactionSql } from '@count/core/postgres'
import { z } from 'zod'

/** Who does something: the signed-in user, and where from. */
export interface Actor {
  username: string
  address: string
}

/** Everything that is recorded; the pages have words for each. */
export const auditActions = [
  'count.create',
  'count.create-cancelled',
  'count.update',
  'count.correct',
  'count.correct-asked',
  'count.correct-refused',
  'count.delete',
  'count.restore',
  'history.import',
  'history.import-undo',
  'analysis.create',
  'analysis.update',
  'analysis.delete',
  'key.create',
  'key.rotate',
  'key.revoke',
  'user.create',
  'user.update',
  'user.password',
  'user.delete',
  'session.create',
  'session.end',
  'session.refused',
] as const
export type AuditAction = (typeof auditActions)[number]

/** One line of the audit trail. */
export const auditEntry = z.object({
  username: z.string(),
  address: z.string(),
  action: z.enum(auditActions).describe('What was done'),
  target: z.string().describe('To what, by its id'),
  detail: z.record(z.string(), z.unknown()).describe('`before`, `after` and `reason`, where it has them'),
  undoes: z.int().optional().describe('Id of the entry that this one undoes'),
  concludes: z.int().optional().describe('Id of the entry that said this would be tried'),
})
export type AuditEntry = z.infer<typeof auditEntry>

/** What an undo adds to the entry of the change that it makes. */
export type Undoing = Pick<AuditEntry, 'undoes'> & { reason?: string | undefined }

export const entryOf = (
  actor: Actor,
  action: AuditAction,
  target: string,
  detail: AuditEntry['detail'] = {},
  { undoes, reason }: Undoing = {},
): AuditEntry => ({
  username: actor.username,
  address: actor.address,
  action,
  target,
  detail: reason === undefined ? detail : { ...detail, reason },
  ...(undoes === undefined ? {} : { undoes }),
})

/**
 * Records an entry; in the transaction of what it tells about, so that neither is there without the other.
 * @returns its id
 */
export async function record(sql: Sql | TransactionSql, entry: AuditEntry): Promise<number> {
  const { username, address, action, target, undoes = null, concludes = null } = entry
  const [row] = await sql<[{ id: number }]>`
    insert into audit (username, address, action, target, detail, undoes, concludes)
    values (${username}, ${address}, ${action}, ${target}, ${json(sql, entry.detail)}, ${undoes}, ${concludes})
    returning id`
  return row.id
}

/** A value for a jsonb column. */
export const json = (sql: Sql | TransactionSql, value: object) => sql.json(JSON.parse(JSON.stringify(value)))
