import { createPrivateKey, generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto'
import type { Role } from '@count/core/access'
import type { Sql, TransactionSql } from '@count/core/postgres'
import { type SessionClaims, type SessionList, type SessionVerifier, signSession } from '@count/core/sessions'
import { type Actor, entryOf, record } from './audit.ts'
import { beginAttempt, endAttempt } from './login-limit.ts'
import { verifyPassword } from './passwords.ts'

/** How long a session lasts, in s; one in use is renewed when an hour of it is gone. */
export const sessionSeconds = 12 * 3600
const renewSeconds = 3600

export type SignedIn = { claims: SessionClaims; token: string }
export type SignInAnswer = { ok: true; session: SignedIn } | { ok: false; retryAfter?: number }

/** Where somebody signs in from. */
export interface Client {
  address: string
  userAgent: string
}

interface User {
  id: number
  password_hash: string
}

export type SignIn = Awaited<ReturnType<typeof openSignIn>>

const seconds = () => Math.floor(Date.now() / 1000)
/** Any number: all processes that make the first signing key take the same one. */
const signingKeyLock = 7_268_102

/** Sessions of administrators: kept in CountInfoDB, so that they can be ended; carried by a signed token. */
export async function openSignIn(sql: Sql) {
  const { privateKey, publicKey } = await signingKey(sql)

  const sessionOf = (sid: string, user: string, role: Role, csrf: string): SignedIn => {
    const claims = { sid, user, role, csrf, exp: seconds() + sessionSeconds }
    return { claims, token: signSession(privateKey, claims) }
  }

  /** Checks a password. Takes as long for a name that nobody has; `retryAfter` (s) when there were too many attempts. */
  async function signIn(
    name: string,
    password: string,
    { address, userAgent }: Client,
  ): Promise<SignInAnswer> {
    const username = name.toLowerCase()
    const retryAfter = await beginAttempt(sql, { username, address })
    if (retryAfter > 0) return { ok: false, retryAfter }
    const [user] = await sql<User[]>`
      select id, password_hash from app_user where username = ${username} and disabled_at is null`
    const actor: Actor = { username, address }
    const right = (await verifyPassword(password, user?.password_hash)) && user
    const session = right && (await sql.begin((tx) => begin(tx, right)))
    if (!session) {
      await record(sql, entryOf(actor, 'session.refused', username))
      return { ok: false }
    }
    await endAttempt(sql, { username, address })
    return { ok: true, session }

    /** Unless the account was changed while its password was checked: that has ended its sessions, this one would be left. */
    async function begin(tx: TransactionSql, { id, password_hash }: User): Promise<SignedIn | undefined> {
      const [now] = await tx<{ role: Role }[]>`select role from app_user
        where id = ${id} and password_hash = ${password_hash} and disabled_at is null for share`
      if (!now) return undefined
      const [sid, csrf] = [randomBytes(16), randomBytes(24)].map((bytes) => bytes.toString('base64url'))
      const session = sessionOf(sid as string, username, now.role, csrf as string)
      await tx`insert into session (id, user_id, address, user_agent, expires_at)
        values (${session.claims.sid}, ${id}, ${address}, ${userAgent}, to_timestamp(${session.claims.exp}))`
      await record(tx, entryOf(actor, 'session.create', session.claims.sid))
      return session
    }
  }

  /** A new token for a session in use, with the role its user has now; undefined while it is too early, or ended. */
  async function renew({ sid, csrf, exp }: SessionClaims): Promise<SignedIn | undefined> {
    if (exp - seconds() > sessionSeconds - renewSeconds) return undefined
    const [user] = await sql<{ username: string; role: Role }[]>`
      update session s set expires_at = to_timestamp(${seconds() + sessionSeconds}) from app_user u
      where s.id = ${sid} and s.revoked_at is null and u.id = s.user_id and u.disabled_at is null
      returning u.username, u.role`
    return user && sessionOf(sid, user.username, user.role, csrf)
  }

  async function signOut(claims: SessionClaims, address: string): Promise<void> {
    await sql.begin(async (tx) => {
      await tx`update session set revoked_at = now() where id = ${claims.sid} and revoked_at is null`
      await record(tx, entryOf({ username: claims.user, address }, 'session.end', claims.sid))
    })
  }

  /** What the other services verify sessions by. */
  async function list(): Promise<SessionList> {
    const rows = await sql<
      { id: string }[]
    >`select id from session where revoked_at is not null and expires_at > now()`
    return { publicKey, revoked: rows.map((row) => row.id) }
  }

  return { signIn, renew, signOut, list }
}

/** The deployment's Ed25519 key; the first process makes it. */
async function signingKey(sql: Sql): Promise<{ privateKey: KeyObject; publicKey: string }> {
  return await sql.begin(async (tx) => {
    await tx`select pg_advisory_xact_lock(${signingKeyLock})`
    const [kept] = await tx<{ private_key: Buffer; public_key: Buffer }[]>`
      select private_key, public_key from signing_key order by id desc limit 1`
    if (kept) {
      const privateKey = createPrivateKey({ key: kept.private_key, format: 'der', type: 'pkcs8' })
      return { privateKey, publicKey: kept.public_key.toString('base64') }
    }
    const { privateKey, publicKey } = generateKeyPairSync('ed25519')
    const spki = publicKey.export({ format: 'der', type: 'spki' })
    await tx`insert into signing_key (private_key, public_key)
      values (${privateKey.export({ format: 'der', type: 'pkcs8' })}, ${spki})`
    return { privateKey, publicKey: spki.toString('base64') }
  })
}

/** Ends the session here and, with their next list, everywhere. */
export async function endSession(
  signIn: SignIn,
  verifier: SessionVerifier,
  claims: SessionClaims,
  address: string,
): Promise<void> {
  await signIn.signOut(claims, address)
  verifier.revoke(claims.sid)
}
