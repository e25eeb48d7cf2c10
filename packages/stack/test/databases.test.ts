import { connected, createDatabases, randomPasswords } from '@count/core/databases'
import postgres from 'postgres'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type PostgresServer, startPostgres } from '../src/postgres-server.ts'
import { type TestDatabases, testDatabases } from '../src/testing.ts'

let databases: TestDatabases

beforeAll(async () => {
  databases = await testDatabases()
  await connected(databases.INFO_MIGRATION_URL, (sql) =>
    sql.unsafe(
      `CREATE TABLE counts (id text PRIMARY KEY, n bigserial); GRANT SELECT ON counts TO info_reader`,
    ),
  )
})

afterAll(() => databases.drop())

const as = <T>(url: string, query: string) => connected<T>(url, (sql) => sql.unsafe(query) as never)

test('a service reads and writes the tables that the owner makes, and makes none itself', async () => {
  await as(databases.INFO_DATABASE_URL, `INSERT INTO counts (id) VALUES ('a')`)
  await as(databases.INFO_DATABASE_URL, `UPDATE counts SET id = 'b'`)
  expect(await as(databases.INFO_DATABASE_URL, 'SELECT id, n FROM counts')).toEqual([{ id: 'b', n: '1' }])
  await expect(as(databases.INFO_DATABASE_URL, 'CREATE TABLE other (id int)')).rejects.toThrow(
    'permission denied',
  )
  await expect(as(databases.INFO_DATABASE_URL, 'TRUNCATE counts')).rejects.toThrow('permission denied')
  await expect(as(databases.INFO_DATABASE_URL, 'DROP TABLE counts')).rejects.toThrow('must be owner')
})

test('a reader reads what it was granted and writes nothing', async () => {
  await as(databases.INFO_REPLICA_DATABASE_URL, 'SELECT * FROM counts')
  const writes = [`INSERT INTO counts (id) VALUES ('x')`, 'DELETE FROM counts', 'CREATE TABLE other (id int)']
  for (const write of writes) {
    await expect(as(databases.INFO_REPLICA_DATABASE_URL, write)).rejects.toThrow('permission denied')
  }
})

test('a reader reads nothing that it was not granted', async () => {
  await as(databases.INFO_MIGRATION_URL, 'CREATE TABLE secrets (id int)')
  await expect(as(databases.INFO_REPLICA_DATABASE_URL, 'SELECT * FROM secrets')).rejects.toThrow(
    'permission denied',
  )
})

test.each([
  ['INFO_MIGRATION_URL', 'ARCHIVE_DATABASE_URL'],
  ['INFO_DATABASE_URL', 'DASHBOARD_DATABASE_URL'],
  ['ARCHIVE_MIGRATION_URL', 'INFO_DATABASE_URL'],
  ['DASHBOARD_MIGRATION_URL', 'INFO_DATABASE_URL'],
] as const)('the role of %s cannot enter the database of %s', async (role, place) => {
  const url = new URL(databases[role])
  url.pathname = new URL(databases[place]).pathname
  await expect(as(url.href, 'SELECT 1')).rejects.toThrow('permission denied for database')
})

test('text is UTF-8, and terms are found by trigram', async () => {
  const [row] = await as<{ encoding: string; near: boolean }[]>(
    databases.INFO_MIGRATION_URL,
    `SELECT current_setting('server_encoding') AS encoding, '방문자 수' % '방문자 수들' AS near`,
  )
  expect(row).toEqual({ encoding: 'UTF8', near: true })
})

test('a test that leaves a connection open is told so', async () => {
  const mine = await testDatabases()
  const sql = postgres(mine.INFO_DATABASE_URL, { max: 1 })
  await sql`SELECT 1`
  await expect(mine.drop()).rejects.toThrow('left connections open')
  await sql.end()
})

test('creating the databases again keeps their data and sets the passwords', async () => {
  let server: PostgresServer | undefined
  try {
    server = await startPostgres({ durable: false })
    const first = await createDatabases(server.url)
    await as(first.ARCHIVE_MIGRATION_URL, `CREATE TABLE t AS SELECT 1 AS one`)
    const passwords = randomPasswords()
    const again = await createDatabases(server.url, { passwords })
    expect(await as(again.ARCHIVE_DATABASE_URL, 'SELECT * FROM t')).toEqual([{ one: 1 }])
    await expect(as(first.ARCHIVE_DATABASE_URL, 'SELECT 1')).rejects.toThrow('password authentication failed')
    expect(await createDatabases(server.url, { passwords })).toEqual(again)
  } finally {
    await server?.stop()
  }
})
