import { randomBytes } from 'node:crypto'
import { createApiKey, hashSecret, parseApiKey } from '@count/core/api-keys'
import type { Sql } from '@count/core/postgres'
import { entryOf, record } from './audit.ts'
import { hashPassword } from './passwords.ts'
import { password as passwordSchema, username as usernameSchema } from './schemas.ts'

const actor = { username: 'system', address: 'local' }
/** Any number: of several processes that start at once, one creates. */
const firstStartLock = 7_268_103

/**
 * Creates an administrator where there is no user at all.
 * @param given ADMIN_USERNAME (default `admin`) and ADMIN_PASSWORD (absent: a random one)
 * @returns the credentials when it created one, to be shown this once; undefined when there are users
 * @throws when a given one is not acceptable
 */
export async function ensureAdministrator(
  sql: Sql,
  given: { username?: string | undefined; password?: string | undefined } = {},
): Promise<{ username: string; password: string } | undefined> {
  const username = usernameSchema.parse(given.username ?? 'admin').toLowerCase()
  const password = passwordSchema.parse(given.password ?? randomBytes(18).toString('base64url'))
  return await sql.begin(async (tx) => {
    await tx`select pg_advisory_xact_lock(${firstStartLock})`
    const users = await tx`select from app_user limit 1`
    if (users.length > 0) return undefined
    await tx`insert into app_user (username, password_hash, role) values (${username}, ${await hashPassword(password)}, 'admin')`
    await record(tx, entryOf(actor, 'user.create', username, { after: { role: 'admin' } }))
    return { username, password }
  })
}

/**
 * Creates an API key with every scope where there is no key at all.
 * @param given the key to create, of `createApiKey`; default a new one
 * @returns the key when it created one, to be shown this once
 */
export async function ensureApiKey(sql: Sql, given = createApiKey().key): Promise<string | undefined> {
  const parsed = parseApiKey(given)
  if (!parsed) throw new Error('the key is malformed')
  return await sql.begin(async (tx) => {
    await tx`select pg_advisory_xact_lock(${firstStartLock})`
    const keys = await tx`select from api_key limit 1`
    if (keys.length > 0) return undefined
    const { id } = parsed
    await tx`insert into api_key (id, name, secret_hash, scopes)
      values (${id}, 'First key', ${hashSecret(parsed.secret)}, ${['counts:read', 'counts:write']})`
    const after = { name: 'First key', scopes: ['counts:read', 'counts:write'] }
    await record(tx, entryOf(actor, 'key.create', id, { after }))
    return given
  })
}
