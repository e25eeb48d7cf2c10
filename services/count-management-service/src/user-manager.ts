import type { Role } from '@count/core/access'
import { pageOf, positionOf } from '@count/core/page-cursor'
import type { Sql, TransactionSql } from '@count/core/postgres'
import { problem } from '@count/core/problem'
import type { SessionClaims } from '@count/core/sessions'
import { z } from 'zod'
import { type Actor, entryOf, record } from './audit.ts'
import type { Answer } from './count-manager.ts'
import { beginAttempt, endAttempt } from './login-limit.ts'
import { passwordFault } from './password-rules.ts'
import { hashPassword, verifyPassword } from './passwords.ts'
import { type UserCreation, type UserPatch, type UserView, userView } from './schemas.ts'
import type { Sessions } from './sessions.ts'

interface Row {
  id: number
  username: string
  password_hash: string
  role: Role
  created_at: Date
  disabled_at: Date | null
}

export type UserManager = ReturnType<typeof createUserManager>
export type PasswordAnswer = Answer<undefined> | { ok: false; retryAfter: number }

const position = z.tuple([z.string()])
const unknown = { ok: false as const, problem: problem('not-found', { detail: 'No such user' }) }
const lastAdmin = {
  ok: false as const,
  problem: problem('conflict', { detail: 'The last active administrator stays' }),
}
const invalid = (path: string, message: string) => ({
  ok: false as const,
  problem: problem('invalid-request', { errors: [{ path, message }] }),
})

/**
 * Accounts of administrators. One active admin is always left. Whoever loses a role, the account or the password's secrecy
 * loses the sessions with it, in this process at once and in the others within a second. Every change is audited.
 */
export function createUserManager(sql: Sql, sessions: Sessions) {
  /** A page of users in the order of their names. */
  async function list(cursor: string | undefined, limit: number) {
    const after = positionOf(cursor, position)
    if (!after.ok) return after
    const rows = await sql<Row[]>`select * from app_user where username > ${after.value?.[0] ?? ''}
      order by username limit ${limit + 1}`
    return pageOf(rows, limit, viewOf, ({ username }) => [username])
  }

  async function create(input: UserCreation, actor: Actor): Promise<Answer<UserView>> {
    const username = input.username.toLowerCase()
    const fault = passwordFault(input.password, username)
    if (fault) return invalid('password', fault)
    const hash = await hashPassword(input.password)
    const row = await sql.begin(async (tx) => {
      const [row] = await tx<Row[]>`insert into app_user (username, password_hash, role)
        values (${username}, ${hash}, ${input.role}) on conflict do nothing returning *`
      if (row) await record(tx, entryOf(actor, 'user.create', username, { after: { role: input.role } }))
      return row
    })
    if (!row)
      return { ok: false, problem: problem('already-exists', { detail: 'A user of this name exists' }) }
    return { ok: true, value: viewOf(row) }
  }

  async function update(name: string, patch: UserPatch, actor: Actor): Promise<Answer<UserView>> {
    const username = name.toLowerCase()
    const fault = patch.password === undefined ? undefined : passwordFault(patch.password, username)
    if (fault) return invalid('password', fault)
    const hash = patch.password === undefined ? undefined : await hashPassword(patch.password)
    const changed = await sql.begin(async (tx) => {
      const { row, admins } = await lock(tx, username)
      if (!row) return unknown
      const before = { role: row.role, disabled: row.disabled_at !== null }
      const after = { role: patch.role ?? before.role, disabled: patch.disabled ?? before.disabled }
      if (isLast(row, admins) && (after.role !== 'admin' || after.disabled)) return lastAdmin
      const moved = after.role !== before.role || after.disabled !== before.disabled
      if (!moved && !hash) return { ok: true as const, row, ended: [] }
      const [updated] = await tx<[Row]>`update app_user set role = ${after.role}, updated_at = now(),
        password_hash = ${hash ?? row.password_hash},
        disabled_at = ${after.disabled ? (row.disabled_at ?? tx`now()`) : null} where id = ${row.id} returning *`
      if (moved) await record(tx, entryOf(actor, 'user.update', username, { before, after }))
      if (hash) await record(tx, entryOf(actor, 'user.password', username))
      return { ok: true as const, row: updated, ended: await sessions.endAll(tx, row.id) }
    })
    if (!changed.ok) return changed
    sessions.forget(changed.ended)
    return { ok: true, value: viewOf(changed.row) }
  }

  async function remove(name: string, actor: Actor): Promise<Answer<undefined>> {
    const username = name.toLowerCase()
    const removed = await sql.begin(async (tx) => {
      const { row, admins } = await lock(tx, username)
      if (!row) return unknown
      if (isLast(row, admins)) return lastAdmin
      const ended = await sessions.endAll(tx, row.id)
      await tx`delete from app_user where id = ${row.id}`
      await record(tx, entryOf(actor, 'user.delete', username, { before: { role: row.role } }))
      return { ok: true as const, ended }
    })
    if (!removed.ok) return removed
    sessions.forget(removed.ended)
    return { ok: true, value: undefined }
  }

  /** One's own password, by the one that it replaces; ends one's other sessions. Guessing is limited as at the sign-in. */
  async function changePassword(
    { user: username, sid }: SessionClaims,
    { currentPassword, newPassword }: { currentPassword: string; newPassword: string },
    actor: Actor,
  ): Promise<PasswordAnswer> {
    const fault = passwordFault(newPassword, username)
    if (fault) return invalid('newPassword', fault)
    const attempt = { username, address: actor.address }
    const retryAfter = await beginAttempt(sql, attempt)
    if (retryAfter > 0) return { ok: false, retryAfter }
    const [row] = await sql<Row[]>`select * from app_user where username = ${username}`
    if (!(await verifyPassword(currentPassword, row?.password_hash)) || !row)
      return { ok: false, problem: problem('forbidden', { detail: 'The current password is wrong' }) }
    await endAttempt(sql, attempt)
    const hash = await hashPassword(newPassword)
    const ended = await sql.begin(async (tx) => {
      // Of two changes at once the second was judged by a password that is none any more.
      const changed = await tx`update app_user set password_hash = ${hash}, updated_at = now()
        where id = ${row.id} and password_hash = ${row.password_hash}`
      if (changed.count === 0) return undefined
      await record(tx, entryOf(actor, 'user.password', username))
      return await sessions.endAll(tx, row.id, sid)
    })
    if (!ended)
      return { ok: false, problem: problem('forbidden', { detail: 'The current password is wrong' }) }
    sessions.forget(ended)
    return { ok: true, value: undefined }
  }

  return { list, create, update, remove, changePassword }
}

/** The user's row, and the active admins: locked together, so that the last two cannot remove each other at once. */
async function lock(tx: TransactionSql, username: string): Promise<{ row: Row | undefined; admins: Row[] }> {
  const rows = await tx<Row[]>`select * from app_user
    where username = ${username} or (role = 'admin' and disabled_at is null) order by id for update`
  return {
    row: rows.find((row) => row.username === username),
    admins: rows.filter(({ role, disabled_at }) => role === 'admin' && !disabled_at),
  }
}

const isLast = (row: Row, admins: Row[]) => admins.length === 1 && admins[0]?.id === row.id

const viewOf = (row: Row): UserView =>
  userView.parse({
    username: row.username,
    role: row.role,
    createdAt: row.created_at.toISOString(),
    disabled: row.disabled_at !== null,
  })
