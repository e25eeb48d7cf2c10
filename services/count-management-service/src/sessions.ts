import { pageOf, positionOf } from '@count/core/page-cursor'
import type { Sql, TransactionSql } from '@count/core/postgres'
import { problem } from '@count/core/problem'
import type { SessionClaims, SessionVerifier } from '@count/core/sessions'
import { z } from 'zod'
import { type Actor, entryOf, record } from './audit.ts'
import type { Answer } from './count-manager.ts'
import type { SessionQuery, SessionView } from './schemas.ts'

interface Row {
  n: number
  id: string
  username: string
  created_at: Date
  seen_at: Date
  expires_at: Date
  address: string
  user_agent: string
}

/** How exactly it is known when a session was last used. */
const seenMs = 60_000
const maxSeen = 10_000

const position = z.tuple([z.int()])

export type Sessions = ReturnType<typeof createSessions>

/** Lists and ends sessions: a user's own; for admins, everybody's. */
export function createSessions(sql: Sql, verifier: Pick<SessionVerifier, 'revoke'>) {
  const seen = new Map<string, number>()

  /** Notes that a session is in use; writes it down once a minute. */
  async function see(sid: string): Promise<void> {
    const now = Date.now()
    if (now - (seen.get(sid) ?? 0) < seenMs) return
    seen.delete(sid)
    seen.set(sid, now)
    const oldest = seen.keys().next().value
    if (seen.size > maxSeen && oldest !== undefined) seen.delete(oldest)
    await sql`update session set seen_at = now() where id = ${sid} and seen_at < now() - ${seenMs} * interval '1 ms'`
  }

  /** Living sessions, the newest first. */
  async function list({ user, role, sid }: SessionClaims, { username, all, cursor, limit }: SessionQuery) {
    const whose = username?.toLowerCase() ?? (all ? undefined : user)
    if (whose !== user && role !== 'admin')
      return { ok: false as const, problem: problem('forbidden', { detail: 'The role admin is needed' }) }
    const before = positionOf(cursor, position)
    if (!before.ok) return before
    const rows = await sql<
      Row[]
    >`select s.n, s.id, u.username, s.created_at, s.seen_at, s.expires_at, s.address,
        s.user_agent from session s join app_user u on u.id = s.user_id
      where s.revoked_at is null and s.expires_at > now() ${whose === undefined ? sql`` : sql`and u.username = ${whose}`}
        ${before.value ? sql`and s.n < ${before.value[0]}` : sql``}
      order by s.n desc limit ${limit + 1}`
    return pageOf(
      rows,
      limit,
      (row) => viewOf(row, sid),
      ({ n }) => [n],
    )
  }

  /** Ends a session, here at once and with the others' next list of revoked ones everywhere. */
  async function end(sid: string, by: SessionClaims, actor: Actor): Promise<Answer<undefined>> {
    const ended = await sql.begin(async (tx) => {
      const [row] = await tx<{ username: string }[]>`update session s set revoked_at = now() from app_user u
        where s.id = ${sid} and u.id = s.user_id and s.revoked_at is null and s.expires_at > now()
          ${by.role === 'admin' ? tx`` : tx`and u.username = ${by.user}`} returning u.username`
      if (row) await record(tx, entryOf(actor, 'session.end', sid, { before: { username: row.username } }))
      return row !== undefined
    })
    if (!ended) return { ok: false, problem: problem('not-found', { detail: 'No such session' }) }
    verifier.revoke(sid)
    return { ok: true, value: undefined }
  }

  /**
   * Ends all sessions of a user but one, in the transaction of what calls for it.
   * @returns them, for `forget` once that is committed
   */
  async function endAll(tx: TransactionSql, userId: number, but = ''): Promise<string[]> {
    const rows = await tx<{ id: string }[]>`update session set revoked_at = now()
      where user_id = ${userId} and revoked_at is null and id <> ${but} returning id`
    return rows.map((row) => row.id)
  }

  /** What the transaction has ended, in this process at once. */
  const forget = (ids: readonly string[]) => {
    for (const id of ids) verifier.revoke(id)
  }

  return { see, list, end, endAll, forget }
}

const viewOf = (row: Row, current: string): SessionView => ({
  id: row.id,
  username: row.username,
  createdAt: row.created_at.toISOString(),
  seenAt: row.seen_at.toISOString(),
  expiresAt: row.expires_at.toISOString(),
  address: row.address,
  userAgent: row.user_agent,
  current: row.id === current,
})
