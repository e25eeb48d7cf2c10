import { listIds, pageStatement, rangesOf } from '@count/core/count-list'
import { decodeCursor, encodeCursor } from '@count/core/cursor'
import { connectPostgres, migrate, type Sql } from '@count/core/postgres'
import { testDatabases } from '@count/stack/testing'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { infoMigrations } from './reading-stores.ts'

test('the ranges of a query are those that its prefix and the caller’s prefixes share, once each and in order', () => {
  const froms = (prefix: string | undefined, allowed: string[] | null) =>
    rangesOf({ prefix }, allowed).map(({ from }) => from)
  expect(froms(undefined, null)).toEqual([''])
  expect(froms('a', null)).toEqual(['a'])
  expect(froms(undefined, ['b.', 'a.', 'b.c', 'a.'])).toEqual(['a.', 'b.'])
  expect(froms('a.x', ['a.', 'b.'])).toEqual(['a.x'])
  expect(froms('a', ['a.', 'ab', 'b.'])).toEqual(['a.', 'ab'])
  expect(froms('c', ['a.', 'b.'])).toEqual([])
  expect(froms(undefined, [])).toEqual([])
})

test('a cursor is only taken back as it was given', () => {
  for (const id of ['a', 'page-views:home', 'x'.repeat(128)]) {
    const cursor = encodeCursor(id)
    expect(cursor).toMatch(/^[\w-]+$/)
    expect(decodeCursor(cursor)).toBe(id)
    expect(decodeCursor(`${cursor}A`)).toBeUndefined()
    expect(decodeCursor(cursor.toLowerCase())).toBeUndefined()
  }
  for (const text of ['', 'garbage', 'YWJj', '=', '한글', 'a b']) expect(decodeCursor(text)).toBeUndefined()
})

describe('among 120,000 counts', () => {
  let databases: Awaited<ReturnType<typeof testDatabases>>
  let sql: Sql
  beforeAll(async () => {
    databases = await testDatabases()
    await migrate(databases.INFO_MIGRATION_URL, infoMigrations)
    sql = connectPostgres(databases.INFO_MIGRATION_URL, { name: 'test', max: 1, statementTimeoutMs: 0 })
    // Every count is tagged `all`, one in a thousand `rare`; one in ten is deleted.
    await sql`
      insert into count_info (id, created, revision, name, description, unit, tags, initial_value, status, metadata, hash, deleted_at)
      select (array['page.', 'stock:', 'vote-', 'zoo_'])[1 + n % 4] || lpad((n / 4)::text, 6, '0'), n, n, 'Count ' || n, '', '',
        case when n % 1000 < 4 then array['all', 'rare'] else array['all'] end, 0, 'active', '{}', 0,
        case when n / 4 % 10 = 9 then now() end
      from generate_series(0, 119999) n`
    await sql`vacuum analyze count_info`
  })
  afterAll(async () => {
    await sql.end({ timeout: 1 })
    await databases.drop()
  })

  interface Plan {
    'Node Type': string
    'Index Name'?: string
    'Actual Rows': number
    'Actual Loops': number
    'Rows Removed by Filter'?: number
    Plans?: Plan[]
  }
  const nodes = (plan: Plan): Plan[] => [plan, ...(plan.Plans ?? []).flatMap(nodes)]

  async function explain(query: Parameters<typeof pageStatement>[0], allowed: string[] | null) {
    const { text, values } = pageStatement(query, rangesOf(query, allowed))
    const [row] = await sql.unsafe<{ 'QUERY PLAN': { Plan: Plan }[] }[]>(
      `explain (analyze, format json) ${text}`,
      values,
      { prepare: false },
    )
    const all = nodes(row?.['QUERY PLAN'][0]?.Plan as Plan)
    const touched = all.map(
      (node) => (node['Actual Rows'] + (node['Rows Removed by Filter'] ?? 0)) * node['Actual Loops'],
    )
    return {
      scans: all.flatMap((node) =>
        node['Node Type'].includes('Seq Scan') ? ['seq scan'] : (node['Index Name'] ?? []),
      ),
      rows: Math.max(...touched),
    }
  }

  test.each([
    ['nothing', {}, null],
    ['a prefix', { prefix: 'stock:' }, null],
    ['a prefix within a page', { prefix: 'stock:0001' }, null],
    ['the page after a cursor', { after: 'vote-012345' }, null],
    ['a common tag', { tag: 'all' }, null],
    ['a common tag and a prefix', { tag: 'all', prefix: 'vote-' }, null],
    ['a rare tag', { tag: 'rare' }, null],
    ['a rare tag and a prefix', { tag: 'rare', prefix: 'vote-' }, null],
    ['a tag that no count has', { tag: 'none' }, null],
    ['the caller’s prefixes', {}, ['zoo_', 'page.001', 'vote-0']],
    ['the caller’s prefixes and a rare tag', { tag: 'rare' }, ['zoo_', 'page.001', 'vote-0']],
  ] as const)('a page by %s comes from an index (CA-017)', async (_, query, allowed) => {
    const { scans, rows } = await explain({ ...query, limit: 101 }, allowed && [...allowed])
    expect(scans.length).toBeGreaterThan(0)
    for (const index of scans)
      expect(['count_info_live', 'count_info_pkey', 'count_info_tags']).toContain(index)
    expect(rows).toBeLessThan(2000)
  })

  async function all(query: { prefix?: string; tag?: string }, allowed: string[] | null, limit: number) {
    const found: string[] = []
    for (;;) {
      const page = await listIds(sql, { ...query, after: found.at(-1), limit }, allowed)
      found.push(...page)
      if (page.length < limit) return found
    }
  }

  test('pages walk through all live counts in order, each once', async () => {
    const found = await all({}, null, 1000)
    expect(found).toHaveLength(108_000)
    expect(found).toEqual([...new Set(found)].sort())
  })

  test('pages of a prefix, of a tag, and of the caller’s prefixes hold just those', async () => {
    expect(await all({ prefix: 'stock:00010' }, null, 7)).toEqual(
      Array.from({ length: 9 }, (_, i) => `stock:00010${i}`),
    )
    expect(await all({ tag: 'rare', prefix: 'vote-' }, null, 10)).toHaveLength(120)
    const own = await all({}, ['vote-0299', 'page.0000', 'vote-02999'], 13)
    expect(own.every((id) => id.startsWith('vote-0299') || id.startsWith('page.0000'))).toBe(true)
    expect(own).toHaveLength(180)
    expect(own).toEqual(own.toSorted())
    expect(await all({ prefix: 'stock:' }, ['vote-'], 10)).toEqual([])
    expect(await all({}, [], 10)).toEqual([])
  })
})
