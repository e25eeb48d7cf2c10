import { connectPostgres, type Sql } from '@count/core/postgres'
import { type TestDatabases, testDatabases } from '@count/stack/testing'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { migrateInfo } from '../src/app.ts'
import { record } from '../src/audit.ts'
import { ensureAdministrator, ensureApiKey } from '../src/first-start.ts'
import { clean } from '../src/housekeeping.ts'
import { hashPassword, verifyPassword } from '../src/passwords.ts'

let databases: TestDatabases
let owner: Sql
let service: Sql
let reader: Sql
beforeAll(async () => {
  databases = await testDatabases()
  await Promise.all([migrateInfo(databases), migrateInfo(databases)])
  owner = connectPostgres(databases.INFO_MIGRATION_URL, { name: 'owner' })
  service = connectPostgres(databases.INFO_DATABASE_URL, { name: 'service' })
  reader = connectPostgres(databases.INFO_REPLICA_DATABASE_URL, { name: 'reader' })
})
afterAll(async () => {
  await Promise.all([owner, service, reader].map((sql) => sql.end({ timeout: 1 })))
  await databases.drop()
})

const denied = expect.objectContaining({ code: '42501' })

describe('rights', () => {
  test('the audit can be added to and read, and not changed: neither by the service nor by the owner', async () => {
    const entry = { username: 'x', address: 'x', action: 'key.create', target: 'x', detail: {} } as const
    await record(service, entry)
    expect(await service`select action from audit`).toEqual([{ action: 'key.create' }])
    for (const sql of [service, owner]) {
      await expect(sql`update audit set action = 'y'`).rejects.toEqual(denied)
      await expect(sql`delete from audit`).rejects.toEqual(denied)
      await expect(sql`truncate audit`).rejects.toEqual(denied)
    }
    await expect(service`drop trigger audit_append_only on audit`).rejects.toEqual(denied)
    await expect(service`alter table audit disable trigger all`).rejects.toEqual(denied)
  })

  test('a reader reads counts and keys, and nothing else', async () => {
    await reader`select from count_info limit 1`
    await reader`select from api_key limit 1`
    for (const table of [
      'audit',
      'app_user',
      'session',
      'signing_key',
      'lifecycle_outbox',
      'login_attempt',
      'import_job',
    ]) {
      await expect(reader`select from ${reader(table)} limit 1`).rejects.toEqual(denied)
    }
    await expect(reader`update api_key set name = 'x'`).rejects.toEqual(denied)
    await expect(reader`select nextval('revision_seq')`).rejects.toEqual(denied)
  })

  test('the service changes no tables', async () => {
    await expect(service`create table mine (x int)`).rejects.toEqual(denied)
    await expect(service`insert into migration (name) values ('x')`).rejects.toEqual(denied)
  })
})

describe('first start', () => {
  test('of several processes one creates the administrator and the key, and only while there are none', async () => {
    const admins = await Promise.all([1, 2, 3].map(() => ensureAdministrator(service)))
    const made = admins.filter((admin) => admin !== undefined)
    expect(made).toHaveLength(1)
    expect(made[0]).toMatchObject({ username: 'admin', password: expect.stringMatching(/^[\w-]{24}$/) })
    const [row] = await service<{ password_hash: string; role: string }[]>`select * from app_user`
    expect(row?.role).toBe('admin')
    expect(await verifyPassword(made[0]?.password ?? '', row?.password_hash)).toBe(true)
    const keys = await Promise.all([1, 2, 3].map(() => ensureApiKey(service)))
    expect(keys.filter(Boolean)).toEqual([
      expect.stringMatching(/^ck_[0-9a-f]{16}_[0-9a-f]{48}_[0-9a-f]{8}$/),
    ])
    expect(await ensureAdministrator(service, { username: 'other', password: 'x' })).toBeUndefined()
  })

  test('takes the credentials it is given', async () => {
    await owner`delete from app_user`
    expect(await ensureAdministrator(service, { username: 'Root', password: 'secret' })).toEqual({
      username: 'root',
      password: 'secret',
    })
    await owner`delete from app_user`
    await expect(ensureAdministrator(service, { username: 'not a name' })).rejects.toThrow()
  })
})

test('a password hash is argon2id with its own salt', async () => {
  const [one, other] = [await hashPassword('secret'), await hashPassword('secret')]
  expect(one).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/)
  expect(one).not.toBe(other)
  expect(await verifyPassword('secret', one)).toBe(true)
  expect(await verifyPassword('Secret', one)).toBe(false)
  expect(await verifyPassword('secret', undefined)).toBe(false)
  // Of the reference implementation: echo -n password | argon2 somesalt -id -t 2 -k 65536 -p 1
  expect(
    await verifyPassword(
      'password',
      '$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc',
    ),
  ).toBe(true)
})

test('cleaning removes the trash after 30 days and events after a week, and nothing that is needed', async () => {
  const insert = async (id: string, days: number | null) =>
    await service`insert into count_info (id, created, revision, name, description, unit, tags, initial_value, status, metadata, hash, deleted_at)
      values (${id}, 1, 1, 'x', '', '', '{}', 0, 'active', '{}', 0, now() - ${days} * interval '1 day')`
  await insert('live', null)
  await insert('young', 29)
  await insert('old', 31)
  await service`insert into lifecycle_outbox (revision, id, created, kind, info, outcome, done_at) values
    (1, 'a', 1, 'created', '{}', 'applied', now() - interval '8 days'), (2, 'a', 1, 'updated', '{}', 'applied', now()),
    (3, 'a', 1, 'updated', '{}', null, null)`
  await clean(service)
  expect((await service`select id from count_info order by id`).map((row) => row.id)).toEqual([
    'live',
    'young',
  ])
  expect(
    (await service`select revision from lifecycle_outbox order by revision`).map((row) => row.revision),
  ).toEqual([2, 3])
})
