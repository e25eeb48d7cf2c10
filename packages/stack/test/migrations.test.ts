import { copyFile, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connected } from '@count/core/databases'
import { migrate } from '@count/core/postgres'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type TestDatabases, testDatabases } from '../src/testing.ts'

// An upgrade migrates while the former release still runs, and may be taken back to it: so a migration only adds.
const sqlOf = (service: string) => join(import.meta.dirname, '../../../services', service, 'sql')

/** What programs count on in a database: what one reads, what it may leave out when it writes, and what it may do. */
async function promisesOf(url: string): Promise<Set<string>> {
  const rows = await connected(
    url,
    (sql) => sql<{ promise: string }[]>`
    with tables as (select * from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p', 'v'))
    select format('%I.%I %s%s', relname, attname, format_type(atttypid, atttypmod), case when attnotnull then ', never null' end)
      as promise from tables join pg_attribute a on attrelid = tables.oid where attnum > 0 and not attisdropped
    union all
    select format('%I is written with %s', relname, array_agg(attname::text order by attname)
        filter (where attnotnull and not atthasdef and attidentity = ''))
      from tables join pg_attribute on attrelid = tables.oid where attnum > 0 and not attisdropped group by relname
    union all
    select format('%I is bound by %s', relname, array_agg(bond order by bond)) from (
      select relname, pg_get_constraintdef(k.oid) as bond from tables join pg_constraint k on conrelid = tables.oid and contype <> 'n'
      union
      select relname, pg_get_indexdef(indexrelid) from tables join pg_index on indrelid = tables.oid and indisunique and not exists (select from pg_constraint where conindid = indexrelid)
    ) group by relname
    union all
    select format('%s may %s %I', grantee::regrole, lower(privilege_type), relname) from tables, aclexplode(relacl)
    union all
    select format('%s()', oid::regprocedure) from pg_proc where pronamespace = 'public'::regnamespace and prokind = 'f'`,
  )
  return new Set(rows.map(({ promise }) => promise))
}

let databases: TestDatabases
let dir: string
beforeEach(async () => {
  databases = await testDatabases()
  dir = await mkdtemp(join(tmpdir(), 'migrations-'))
})
afterEach(async () => {
  await rm(dir, { recursive: true })
  await databases.drop()
})

/** Runs what is new in `dir`. @returns what programs counted on and is there no more */
async function broken(url: string): Promise<string[]> {
  const before = await promisesOf(url)
  expect(await migrate(url, dir)).toHaveLength(1)
  const after = await promisesOf(url)
  return [...before].filter((promise) => !after.has(promise))
}

describe('migrations only add', () => {
  // Changed before the first release; none may be added.
  test.for([
    [
      'count-management-service',
      'INFO_MIGRATION_URL',
      ['000002.sql', '000003.sql', '000004.sql', '000005.sql'],
    ],
    ['count-write-service', 'ARCHIVE_MIGRATION_URL', []],
    ['dashboard-provision-service', 'DASHBOARD_MIGRATION_URL', []],
  ] as const)('of %s', async ([service, variable, exceptions]) => {
    const breaking: string[] = []
    const files = (await readdir(sqlOf(service))).sort()
    expect(files.length).toBeGreaterThan(exceptions.length)
    for (const file of files) {
      await copyFile(join(sqlOf(service), file), join(dir, file))
      if ((await broken(databases[variable])).length > 0) breaking.push(file)
    }
    expect(breaking).toEqual(exceptions)
  })

  test.for([
    ['alter table t add column c int', []],
    ['alter table t add column c int not null default 1; create table u (a int primary key)', []],
    ['create index on t (b); create function f() returns int language sql return 1', []],
    ['grant update on t to archive_service', []],
    ['alter table t drop column b', ['t.b text']],
    ['alter table t rename column b to c', ['t.b text']],
    ['alter table t alter column b type varchar(9)', ['t.b text']],
    ['alter table t alter column a drop not null', ['t.a integer, never null', 't is written with {a}']],
    ['alter table t alter column b set not null', ['t.b text', 't is written with {a}']],
    ['alter table t add column c int not null', ['t is written with {a}']],
    ['alter table t add check (a > 0)', ['t is bound by {"UNIQUE (a)"']],
    ['create unique index on t (b)', ['t is bound by {"UNIQUE (a)"']],
    ['revoke select on t from archive_service', ['archive_service may select t']],
    ['drop function g()', ['g()()']],
    ['alter table t rename to u', ['t.a integer, never null']],
  ] as const)('%s', async ([change, lost]) => {
    const url = databases.ARCHIVE_MIGRATION_URL
    await writeFile(
      join(dir, '000001.sql'),
      `create table t (a int not null unique, b text); grant select on t to archive_service;
       create function g() returns int language sql return 1;`,
    )
    await broken(url)
    await writeFile(join(dir, '000002.sql'), change)
    const found = await broken(url)
    if (lost.length === 0) expect(found).toEqual([])
    for (const promise of lost) expect(found.some((one) => one.startsWith(promise))).toBe(true)
  })
})

test('a program of before finds nothing to do in a database of after', async () => {
  const url = databases.INFO_MIGRATION_URL
  const files = (await readdir(sqlOf('count-management-service'))).sort()
  await migrate(url, sqlOf('count-management-service'))
  for (const file of files.slice(0, -1))
    await copyFile(join(sqlOf('count-management-service'), file), join(dir, file))
  const before = await promisesOf(url)
  expect(await migrate(url, dir)).toEqual([])
  expect(await promisesOf(url)).toEqual(before)
})
