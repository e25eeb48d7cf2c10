import { createApiKey } from '@count/core/api-keys'
import type { Sql, TransactionSql } from '@count/core/postgres'
import { problem } from '@count/core/problem'
import { type Actor, entryOf, record } from './audit.ts'
import type { Answer } from './count-manager.ts'
import { type KeyCreation, type KeyView, keyView } from './schemas.ts'

interface Row {
  id: string
  name: string
  scopes: string[]
  prefixes: string[] | null
  expires_at: Date | null
  rate_limit: number | null
  previous_until: Date | null
  created_at: Date
  last_used_at: Date | null
  revoked_at: Date | null
}

export type KeyManager = ReturnType<typeof createKeyManager>

const unknown = { ok: false as const, problem: problem('not-found', { detail: 'No such API key' }) }

/** API keys of external services: their secrets are shown once and kept as SHA-256 only. Every change is audited. */
export function createKeyManager(sql: Sql) {
  async function create(input: KeyCreation, actor: Actor): Promise<Answer<KeyView & { key: string }>> {
    if (input.expiresAt && Date.parse(input.expiresAt) <= Date.now()) {
      const errors = [{ path: 'expiresAt', message: 'must lie in the future' }]
      return { ok: false, problem: problem('invalid-request', { errors }) }
    }
    const { id, key, hash } = createApiKey()
    const view = await sql.begin(async (tx) => {
      const [row] = await tx<[Row]>`insert into api_key ${tx({
        id,
        name: input.name,
        secret_hash: hash,
        scopes: [...new Set(input.scopes)],
        prefixes: input.prefixes ? [...new Set(input.prefixes)] : null,
        expires_at: input.expiresAt ?? null,
        rate_limit: input.rateLimit ?? null,
      })} returning *`
      await record(tx, entryOf(actor, 'key.create', id, { after: input }))
      return viewOf(row)
    })
    return { ok: true, value: { ...view, key } }
  }

  /** A page of keys, revoked ones too, in the order of their ids. */
  async function list(
    after: string | undefined,
    limit: number,
  ): Promise<{ items: KeyView[]; nextCursor: string | null }> {
    const rows = await sql<
      Row[]
    >`select * from api_key where id > ${after ?? ''} order by id limit ${limit + 1}`
    const items = rows.slice(0, limit).map(viewOf)
    return { items, nextCursor: rows.length > limit ? (items.at(-1)?.id ?? null) : null }
  }

  /** Revoking again changes nothing. */
  async function revoke(id: string, actor: Actor): Promise<Answer<undefined>> {
    return await sql.begin(async (tx) => {
      const row = await find(tx, id)
      if (!row) return unknown
      if (!row.revoked_at) {
        await tx`update api_key set revoked_at = now(), updated_at = now() where id = ${id}`
        await record(tx, entryOf(actor, 'key.revoke', id, { before: { name: row.name, scopes: row.scopes } }))
      }
      return { ok: true, value: undefined }
    })
  }

  /** Gives a key a new secret; the old one goes on for `overlapSeconds`. */
  async function rotate(
    id: string,
    overlapSeconds: number,
    actor: Actor,
  ): Promise<Answer<KeyView & { key: string }>> {
    return await sql.begin(async (tx) => {
      const row = await find(tx, id)
      if (!row) return unknown
      if (row.revoked_at)
        return { ok: false, problem: problem('conflict', { detail: 'The API key is revoked' }) }
      const { key, hash } = createApiKey(id)
      const overlap = overlapSeconds > 0
      const [rotated] = await tx<[Row]>`update api_key set secret_hash = ${hash}, updated_at = now(),
        previous_hash = ${overlap ? tx`secret_hash` : null},
        previous_until = ${overlap ? tx`now() + ${overlapSeconds} * interval '1 second'` : null}
        where id = ${id} returning *`
      await record(tx, entryOf(actor, 'key.rotate', id, { after: { overlapSeconds } }))
      return { ok: true, value: { ...viewOf(rotated), key } }
    })
  }

  return { create, list, revoke, rotate }
}

const find = async (tx: TransactionSql, id: string): Promise<Row | undefined> =>
  (await tx<Row[]>`select * from api_key where id = ${id} for update`)[0]

const viewOf = (row: Row): KeyView =>
  keyView.parse({
    id: row.id,
    name: row.name,
    scopes: row.scopes,
    prefixes: row.prefixes,
    expiresAt: row.expires_at?.toISOString() ?? null,
    rateLimit: row.rate_limit,
    previousUntil:
      row.previous_until && row.previous_until.getTime() > Date.now()
        ? row.previous_until.toISOString()
        : null,
    createdAt: row.created_at.toISOString(),
    lastUsedAt: row.last_used_at?.toISOString() ?? null,
    revokedAt: row.revoked_at?.toISOString() ?? null,
  })
