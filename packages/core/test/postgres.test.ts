import { mkdtemp, writeFile } from 'node:fs/promises'
import { connect as connectSocket, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startPostgres } from '@count/stack/postgres-server'
import { testDatabases } from '@count/stack/testing'
import { until } from '@count/stack/until'
import postgres from 'postgres'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { isAway } from '../src/away.ts'
import { connectPostgres, migrate, type PostgresOptions } from '../src/postgres.ts'

let databases: Awaited<ReturnType<typeof testDatabases>>
beforeAll(async () => {
  databases = await testDatabases()
})
afterAll(() => databases.drop())

function connect(options: Partial<PostgresOptions> = {}, url = databases.INFO_MIGRATION_URL) {
  const sql = connectPostgres(url, { name: 'core-test', ...options })
  onTestFinished(() => sql.end({ timeout: 1 }))
  return sql
}

describe('a connection', () => {
  test('reads and writes int8 as a number, arrays too', async () => {
    const sql = connect()
    const most = 2 ** 53 - 1
    const [row] =
      await sql`select ${most}::int8 as value, ${[1, -most]}::int8[] as list, array[1, 2]::int8[] as plain`
    expect(row).toEqual({ value: most, list: [1, -most], plain: [1, 2] })
  })

  test('has its name, UTC and a limit for each statement', async () => {
    const sql = connect({ statementTimeoutMs: 50 })
    const [row] =
      await sql`select current_setting('application_name') as name, current_setting('TimeZone') as zone`
    expect(row).toEqual({ name: 'core-test', zone: 'UTC' })
    const error: unknown = await sql`select pg_sleep(5)`.catch((error: unknown) => error)
    expect(isAway(error)).toBe(true)
  })

  test('of a reader refuses to write', async () => {
    await expect(connect({ readOnly: true })`create table never (a int)`).rejects.toThrow(
      'read-only transaction',
    )
  })

  test('fails soon and as away while the server is down, sends nothing twice, and comes back by itself', async () => {
    const server = await startPostgres()
    onTestFinished(() => server.stop())
    const sql = connect({ max: 1 }, server.url)
    await sql`create table hit (at timestamptz default now())`
    const cut = sql`insert into hit select now() from pg_sleep(30)`.catch((error: unknown) => error)
    await until('the insert to run', async () => {
      const other = connectPostgres(server.url, { name: 'look', max: 1 })
      const rows = await other`select 1 from pg_stat_activity where query like 'insert into hit%'`
      await other.end()
      return rows.length === 1
    })
    await server.kill('SIGKILL')
    expect(isAway(await cut)).toBe(true)
    const began = performance.now()
    for (let i = 0; i < 8; i++) {
      expect(isAway(await sql`select 1`.catch((error: unknown) => error))).toBe(true)
    }
    expect(performance.now() - began).toBeLessThan(5000)
    await server.restart()
    await until('the connection', () => sql`select 1`)
    expect(await sql`select * from hit`).toHaveLength(0)
  })

  // The next three are what the patch of the client is for.
  test('that ends under a transaction takes nothing more of it, also once it is back', async () => {
    const sql = connect({ max: 1 })
    const callback = Promise.withResolvers<void>()
    const ended = sql.begin(async (tx) => {
      const [self] = await tx<{ pid: number }[]>`select pg_backend_pid() as pid`
      await connect()`select pg_terminate_backend(${self?.pid as number})`
      await until('the connection', () => sql`select 1`)
      const late: unknown = await tx`create table late (a int)`.catch((error: unknown) => error)
      callback.resolve(expect(isAway(late)).toBe(true))
    })
    expect(isAway(await ended.catch((error: unknown) => error))).toBe(true)
    await callback.promise
    expect(await sql`select to_regclass('late') as late`).toEqual([{ late: null }])
  })

  test('that ends in the middle of an answer leaves nothing of it to the next', async () => {
    const sql = connect({ max: 1 })
    const cut = sql`
      select i, case when i = 20000 then pg_sleep(30) end, repeat('x', 100) from generate_series(1, 20000) i`
    cut.execute()
    const pid = await until('rows', async () => {
      const [row] = await connect()<{ pid: number }[]>`
        select pid from pg_stat_activity where wait_event = 'PgSleep' and application_name = 'core-test'`
      return row?.pid
    })
    await Promise.all([expect(cut).rejects.toThrow(), connect()`select pg_terminate_backend(${pid})`])
    expect(await sql`select 1 as one`).toEqual([{ one: 1 }])
  })

  test('that ends before a statement left comes back', async () => {
    const { hostname, port } = new URL(databases.INFO_MIGRATION_URL)
    let socket: Socket | undefined
    const sql = postgres(databases.INFO_MIGRATION_URL, {
      max: 1,
      backoff: () => 0.01,
      // typed without it
      ...{ socket: async () => (socket = connectSocket(Number(port), hostname)) },
    })
    onTestFinished(() => sql.end({ timeout: 1 }))
    await sql`select 1`
    const cut = sql`select 2`.catch((error: unknown) => error)
    // The statement is handed to the connection now and would be written after this turn.
    await null
    socket?.destroy()
    socket?.emit('close', false)
    expect(isAway(await cut)).toBe(true)
    expect(await sql`select 3 as three`).toEqual([{ three: 3 }])
  })
})

describe('migrations', () => {
  const folder = async (files: Record<string, string>) => {
    const dir = await mkdtemp(join(tmpdir(), 'migrations-'))
    for (const [name, text] of Object.entries(files)) await writeFile(join(dir, name), text)
    return dir
  }
  const url = () => databases.ARCHIVE_MIGRATION_URL

  test('run in order, once, also when many processes start together', async () => {
    const dir = await folder({
      '000002-fill.sql': 'insert into step (n) values (2); insert into step (n) values (3);',
      '000001.sql': 'create table step (n int primary key);',
      'readme.md': 'not sql',
    })
    const runs = await Promise.all(Array.from({ length: 5 }, () => migrate(url(), dir)))
    expect(runs.flat()).toEqual(['000001.sql', '000002-fill.sql'])
    await writeFile(join(dir, '000003.sql'), 'insert into step (n) values (4)')
    expect(await migrate(url(), dir)).toEqual(['000003.sql'])
    expect(await migrate(url(), dir)).toEqual([])
    const rows = await connect({}, url())<{ n: number }[]>`select n from step order by n`
    expect(rows.map((row) => row.n)).toEqual([2, 3, 4])
  })

  test('that fail leave nothing of themselves, and what came before stays', async () => {
    const dir = await folder({
      '000011.sql': 'create table kept (a int)',
      '000012.sql': 'create table half (a int); select nonsense;',
    })
    await expect(migrate(url(), dir)).rejects.toThrow('nonsense')
    const sql = connect({}, url())
    const [row] =
      await sql`select to_regclass('kept') is not null as kept, to_regclass('half') is not null as half`
    expect(row).toEqual({ kept: true, half: false })
    await writeFile(join(dir, '000012.sql'), 'create table half (a int)')
    expect(await migrate(url(), dir)).toEqual(['000012.sql'])
  })
  test('that wait for a table let others have it in between, and run when it is free', async () => {
    const dir = await folder({ '000021.sql': 'create table busy (a int); insert into busy values (1)' })
    await migrate(url(), dir)
    await writeFile(join(dir, '000022.sql'), 'alter table busy add column b int')
    const [holder, reader] = [connect({}, url()), connect({ statementTimeoutMs: 0 }, url())]
    const release = Promise.withResolvers<void>()
    const held = Promise.withResolvers<void>()
    const holding = holder.begin(async (tx) => {
      await tx`select from busy`
      held.resolve()
      await release.promise
    })
    await held.promise
    const migrating = migrate(url(), dir)
    const waits = async () =>
      (
        await reader`select from pg_stat_activity where wait_event_type = 'Lock' and query like 'alter table busy%'`
      ).length === 1
    await until('the migration to wait', waits, { everyMs: 20 })
    // Behind the migration, until that gives way.
    expect((await reader`select a from busy`).length).toBe(1)
    await until('the migration to wait again', waits, { everyMs: 20 })
    release.resolve()
    await holding
    expect(await migrating).toEqual(['000022.sql'])
  })
})
