import { createHash } from 'node:crypto'
import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type PostgresServer, startPostgres } from '@count/stack/postgres-server'
import { until } from '@count/stack/until'
import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { allows, allowsId, createApiKey, createKeyAuthenticator, parseApiKey } from '../src/api-keys.ts'
import { connectPostgres, migrate, type Sql } from '../src/postgres.ts'

describe('a key', () => {
  test('names itself, keeps its secret to itself and carries a checksum', () => {
    const { id, key, hash } = createApiKey()
    expect(key).toMatch(/^ck_[0-9a-f]{16}_[0-9a-f]{48}_[0-9a-f]{8}$/)
    const parsed = parseApiKey(key)
    expect(parsed?.id).toBe(id)
    expect(hash).toEqual(
      createHash('sha256')
        .update(parsed?.secret ?? '')
        .digest(),
    )
    expect(createApiKey(id)).toMatchObject({ id })
    expect(createApiKey(id).key).not.toBe(key)
  })

  test('with any one character changed, added or missing is no key', () => {
    const { key } = createApiKey()
    for (let i = 0; i < key.length; i++) {
      const other = key[i] === 'a' ? 'b' : 'a'
      expect(parseApiKey(key.slice(0, i) + other + key.slice(i + 1))).toBeUndefined()
      expect(parseApiKey(key.slice(0, i) + key.slice(i + 1))).toBeUndefined()
    }
    for (const text of ['', ' ', `${key}a`, ` ${key}`, `${key}\n`, key.toUpperCase()])
      expect(parseApiKey(text)).toBeUndefined()
  })

  test('allows its scopes and its prefixes', () => {
    const key = {
      id: 'a',
      name: 'a',
      scopes: ['counts:read' as const],
      prefixes: ['shop.', 'blog:'],
      expiresAt: null,
      rateLimit: null,
    }
    expect([allows(key, 'counts:read'), allows(key, 'counts:write')]).toEqual([true, false])
    expect(['shop.a', 'blog:b', 'shop', 'other'].map((id) => allowsId(key, id))).toEqual([
      true,
      true,
      false,
      false,
    ])
    expect(allowsId({ ...key, prefixes: null }, 'other')).toBe(true)
    expect(allowsId({ ...key, prefixes: [] }, 'other')).toBe(false)
  })
})

const table = `create table api_key (id text primary key, name text not null, secret_hash bytea not null, previous_hash bytea,
  previous_until timestamptz, scopes text[] not null, prefixes text[], expires_at timestamptz, rate_limit int,
  revoked_at timestamptz, created_at timestamptz not null default now(), updated_at timestamptz not null default now(),
  last_used_at timestamptz)`

let server: PostgresServer
let sql: Sql
beforeAll(async () => {
  server = await startPostgres()
  const dir = await mkdtemp(join(tmpdir(), 'api-keys-'))
  await writeFile(join(dir, '000001.sql'), table)
  await migrate(server.url, dir)
  sql = connectPostgres(server.url, { name: 'keys', max: 3 })
})
afterAll(async () => {
  await sql.end({ timeout: 1 })
  await server.stop()
})

const authenticatorOf = (own = sql) => {
  const authenticator = createKeyAuthenticator({ sql: own, log: pino({ level: 'silent' }) })
  onTestFinished(() => authenticator.close())
  return authenticator
}

async function insertKey(columns: Record<string, unknown> = {}) {
  const { id, key, hash } = createApiKey()
  const row: Record<string, unknown> = {
    id,
    name: 'test',
    secret_hash: hash,
    scopes: ['counts:read'],
    ...columns,
  }
  await sql`insert into api_key ${sql(row)}`
  return { id, key, header: `Bearer ${key}` }
}

const change = (id: string, columns: Record<string, unknown>) =>
  sql`update api_key set ${sql({ ...columns, updated_at: new Date() })} where id = ${id}`

const refused = { ok: false, problem: 'unauthorized' }

/** Changes reach a process within two seconds. */
const soon = { deadlineMs: 2000 }

describe('an authenticator', () => {
  test('knows a key by its header once it has verified it', async () => {
    const authenticator = authenticatorOf()
    const { id, header } = await insertKey({ prefixes: ['a'], rate_limit: 5 })
    expect(authenticator.peek(header)).toBeUndefined()
    const key = { id, name: 'test', scopes: ['counts:read'], prefixes: ['a'], expiresAt: null, rateLimit: 5 }
    expect(await authenticator.authenticate(header)).toEqual({ ok: true, key })
    expect(authenticator.peek(header)).toEqual(key)
    expect(await authenticator.authenticate(header.replace('Bearer', 'bearer'))).toMatchObject({ ok: true })
  })

  test('refuses everything else', async () => {
    const authenticator = authenticatorOf()
    const { id, key } = await insertKey()
    const headers = [
      undefined,
      '',
      'Bearer',
      'Bearer ',
      key,
      `Basic ${key}`,
      `Bearer ${key} x`,
      `Bearer ${createApiKey().key}`,
      `Bearer ${createApiKey(id).key}`,
    ]
    for (const header of headers) {
      expect(await authenticator.authenticate(header)).toEqual(refused)
      expect(authenticator.peek(header)).toBeUndefined()
    }
  })

  test('refuses a key that was revoked or has expired before it saw it', async () => {
    const authenticator = authenticatorOf()
    for (const columns of [{ revoked_at: new Date() }, { expires_at: new Date(Date.now() - 1) }]) {
      const { header } = await insertKey(columns)
      expect(await authenticator.authenticate(header)).toEqual(refused)
    }
  })

  test('hears of a revocation and of other scopes within two seconds', async () => {
    const authenticator = authenticatorOf()
    const [revoked, widened] = [await insertKey(), await insertKey()]
    for (const { header } of [revoked, widened]) await authenticator.authenticate(header)
    await change(revoked.id, { revoked_at: new Date() })
    await change(widened.id, { scopes: ['counts:read', 'counts:write'] })
    await until('the revocation', () => authenticator.peek(revoked.header) === undefined, soon)
    expect(await authenticator.authenticate(revoked.header)).toEqual(refused)
    const { header } = widened
    await until(
      'the scope',
      async () => {
        const outcome = await authenticator.authenticate(header)
        return outcome.ok && outcome.key.scopes.length === 2
      },
      soon,
    )
  })

  test('drops a key within two seconds of its end', async () => {
    const authenticator = authenticatorOf()
    const { header } = await insertKey({ expires_at: new Date(Date.now() + 700) })
    expect(await authenticator.authenticate(header)).toMatchObject({ ok: true })
    await until('the end', () => authenticator.peek(header) === undefined, { deadlineMs: 2700 })
    expect(await authenticator.authenticate(header)).toEqual(refused)
  })

  test('takes both secrets of a rotated key until the old one ends', async () => {
    const authenticator = authenticatorOf()
    const { id, header } = await insertKey()
    await authenticator.authenticate(header)
    const next = createApiKey(id)
    const nextHeader = `Bearer ${next.key}`
    expect(await authenticator.authenticate(nextHeader)).toEqual(refused)
    const [before] = await sql<{ secret_hash: Buffer }[]>`select secret_hash from api_key where id = ${id}`
    await change(id, {
      secret_hash: next.hash,
      previous_hash: before?.secret_hash,
      previous_until: new Date(Date.now() + 2500),
    })
    await until('the new secret', async () => (await authenticator.authenticate(nextHeader)).ok, soon)
    expect(await authenticator.authenticate(header)).toMatchObject({ ok: true, key: { id } })
    await until('the end of the old one', () => authenticator.peek(header) === undefined, {
      deadlineMs: 4500,
    })
    expect(await authenticator.authenticate(header)).toEqual(refused)
    expect(await authenticator.authenticate(nextHeader)).toMatchObject({ ok: true })
  })

  test('takes a key that was refused before it existed', async () => {
    const authenticator = authenticatorOf()
    const { id, key, hash } = createApiKey()
    expect(await authenticator.authenticate(`Bearer ${key}`)).toEqual(refused)
    await sql`insert into api_key ${sql({ id, name: 'late', secret_hash: hash, scopes: ['counts:read'] })}`
    await until('the key', async () => (await authenticator.authenticate(`Bearer ${key}`)).ok, soon)
  })

  test('asks once for a key that many requests bring at the same time, and not again for one that is not there', async () => {
    let queries = 0
    const counting = new Proxy(sql, {
      apply: (target, self, args) => {
        if (String(args[0]).includes('where id')) queries++
        return Reflect.apply(target, self, args)
      },
    })
    const authenticator = authenticatorOf(counting)
    const { header } = await insertKey()
    const outcomes = await Promise.all(Array.from({ length: 50 }, () => authenticator.authenticate(header)))
    expect(outcomes.every((outcome) => outcome.ok)).toBe(true)
    const invented = `Bearer ${createApiKey().key}`
    for (let i = 0; i < 5; i++) await authenticator.authenticate(invented)
    expect(queries).toBe(2)
  })

  test('tells which keys were used since it was last asked', async () => {
    const authenticator = authenticatorOf()
    const { id, header } = await insertKey()
    await authenticator.authenticate(header)
    expect([...authenticator.takeUses().keys()]).toEqual([id])
    expect(authenticator.takeUses().size).toBe(0)
    authenticator.peek(header)
    expect([...authenticator.takeUses().keys()]).toEqual([id])
  })

  test('goes on with the keys it knows while CountInfoDB is away, and catches up afterwards', async () => {
    const authenticator = authenticatorOf()
    const [known, revoked, fresh] = [await insertKey(), await insertKey(), await insertKey()]
    for (const { header } of [known, revoked])
      expect(await authenticator.authenticate(header)).toMatchObject({ ok: true })
    await server.kill('SIGKILL')
    await until('the loss to be noticed', () => !authenticator.healthy())
    expect(authenticator.peek(known.header)).toMatchObject({ id: known.id })
    expect(await authenticator.authenticate(known.header)).toMatchObject({ ok: true })
    expect(await authenticator.authenticate(fresh.header)).toEqual({ ok: false, problem: 'unavailable' })
    expect(await authenticator.authenticate('Bearer nonsense')).toEqual(refused)
    await server.restart()
    await until('the new key', async () => (await authenticator.authenticate(fresh.header)).ok)
    await change(revoked.id, { revoked_at: new Date() })
    await until('the revocation', () => authenticator.peek(revoked.header) === undefined)
    expect(authenticator.peek(known.header)).toMatchObject({ id: known.id })
  })
})
