import { connectPostgres, type Sql, type TransactionSql } from '@count/core/postgres'
import { type TestDatabases, testDatabases } from '@count/stack/testing'
import { until } from '@count/stack/until'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { migrateInfo } from '../src/app.ts'
import {
  bitsOf,
  blockCounts,
  featuresOfTerm,
  openSignature,
  signBlocks,
  startSigning,
} from '../src/count-blocks.ts'
import { soughtOf } from '../src/count-rows.ts'
import { type CountPosition, searchCounts } from '../src/count-search.ts'
import { type CountQuery, countQuery } from '../src/schemas.ts'
import { log } from './world.ts'

let databases: TestDatabases
let sql: Sql
let owner: Sql
beforeAll(async () => {
  databases = await testDatabases()
  await migrateInfo(databases)
  sql = connectPostgres(databases.INFO_DATABASE_URL, { name: 'search', max: 3, plans: 'custom' })
  owner = connectPostgres(databases.INFO_MIGRATION_URL, { name: 'owner', max: 2 })
})
afterAll(async () => {
  await Promise.all([sql.end(), owner.end()])
  await databases.drop()
})

/** No count, and blocks as a migration leaves them. */
async function empty(): Promise<void> {
  await owner`truncate count_info, count_unsigned, count_block`
  await owner`insert into count_block (sort) values ('id'), ('name'), ('updatedAt')`
}

interface Row {
  id: string
  name: string
  tags: string[]
  status: 'active' | 'paused'
  /** seconds of the day */
  at: number
}

const insert = (rows: Row[], by: Sql | TransactionSql = sql) => by`
  insert into count_info (id, created, revision, name, description, unit, tags, initial_value, status, metadata, updated_at, hash)
  select id, nextval('revision_seq'), 1, name, '', '', tags, 0, status, '{}', '2026-01-01T00:00Z'::timestamptz + at * interval '1.000001 s', 0
  from jsonb_to_recordset(${sql.json(rows as never)}) as r(id text, name text, tags text[], status text, at int)
  on conflict (id) where deleted_at is null do nothing`

const search = async (query: Partial<CountQuery>, limit: number, after?: CountPosition) =>
  await searchCounts(sql, { ...countQuery.parse(query), limit }, after)

async function everyPage(query: Partial<CountQuery>, limit: number): Promise<string[]> {
  const ids: string[] = []
  for (let after: CountPosition | undefined; ; ) {
    const found = await search(query, limit, after)
    ids.push(...found.map(({ info }) => info.id))
    if (found.length < limit) return ids
    after = found.at(-1)?.position
  }
}

const blank: Row = { id: '', name: '카운트', tags: [], status: 'active', at: 0 }
const rowsOf = (many: number, area = 'page'): Row[] =>
  Array.from({ length: many }, (_, n) => ({ ...blank, id: `${area}.${n}`, at: n }))

/** What a search has to find, by looking at every count. */
async function expected({ q, tag, status, sort = 'id' }: Partial<CountQuery>): Promise<string[]> {
  const rows = await sql<{ id: string; search: string; tags: string[]; status: string; key: string }[]>`
    select id, search, tags, status, case ${sort.replace('-', '')} when 'id' then '' when 'name' then name_key
      else to_char(updated_at, 'HH24:MI:SS.US') end as key from count_info where deleted_at is null`
  const sought = soughtOf(q)?.text ?? ''
  const order = rows
    .filter(
      (row) =>
        row.search.includes(sought) &&
        (tag === undefined || row.tags.includes(tag)) &&
        (status === undefined || row.status === status),
    )
    .sort(
      (a, b) =>
        Buffer.compare(Buffer.from(a.key), Buffer.from(b.key)) ||
        Buffer.compare(Buffer.from(a.id), Buffer.from(b.id)),
    )
    .map(({ id }) => id)
  return sort.startsWith('-') ? order.reverse() : order
}

/** Blocks of an order lie side by side, from before the first key to after the last; their signatures hide no count. */
async function inspectBlocks(): Promise<void> {
  const [faults] = await sql<[{ gaps: number; ends: number }]>`
    select count(*) filter (where sort = before and (low_at, low_name, low_id) <> (end_at, end_name, end_id))::int as gaps,
      count(*) filter (where sort is distinct from before and (low_at, low_name, low_id) <> ('-infinity', '', ''))::int as ends
    from (select *, lag(sort) over by_low as before, lag(high_at) over by_low as end_at, lag(high_name) over by_low as end_name,
      lag(high_id) over by_low as end_id from count_block window by_low as (order by sort, low_at, low_name, low_id)) b`
  expect(faults).toEqual({ gaps: 0, ends: 0 })
  const last = await sql<
    { open: boolean }[]
  >`select distinct on (sort) high_at = 'infinity' and high_id > 'z' as open from count_block
    order by sort, low_at desc, low_name desc, low_id desc`
  expect(last).toEqual([{ open: true }, { open: true }, { open: true }])
}

const words = ['주문', '가입', 'alpha', 'Beta', 'page', 'site', '😀', '100%_', '한 도', 'a.b', 'É']
/** Found by blocks alone, as no index holds them; rare enough for most blocks to lack them. */
const marks = ['!?!', '+-+', '*=*', '~~~', ';;;', '-!-', '=+=', '???']
const queries = [
  '주',
  '가입',
  'alp',
  'beta',
  'page',
  'SITE',
  '😀',
  '%_',
  '100%',
  '한',
  'a.b',
  '...',
  'é',
  'none',
  '카운트',
  's',
  '.1',
  'page alpha',
]
const row = fc.record({
  id: fc
    .tuple(fc.constantFrom('area', 'page', 'zeta'), fc.integer({ min: 0, max: 2000 }))
    .map(([area, n]) => `${area}.${n}`),
  name: fc
    .tuple(
      fc.array(fc.constantFrom(...words), { minLength: 1, maxLength: 3 }),
      fc.constantFrom(...Array(200).fill(''), ...marks),
    )
    .map(([parts, mark]) => parts.join(' ') + mark),
  tags: fc.subarray(['red', 'blue']),
  status: fc.constantFrom('active' as const, 'active' as const, 'paused' as const),
  at: fc.integer({ min: 0, max: 500 }),
})
type Step =
  | { kind: 'insert'; rows: Row[] }
  | { kind: 'rename' | 'move' | 'trash' | 'restore' | 'remove'; share: number; row: Row; mark: string }
  | { kind: 'sign' }
  | { kind: 'age' }
  | { kind: 'search'; query: Partial<CountQuery>; limit: number }
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    kind: fc.constant('insert' as const),
    rows: fc.array(row, { minLength: 1, maxLength: 600, size: 'max' }),
  }),
  fc.record({
    kind: fc.constantFrom(
      'rename' as const,
      'move' as const,
      'trash' as const,
      'restore' as const,
      'remove' as const,
    ),
    share: fc.constantFrom(2, 7, 100),
    row,
    mark: fc.constantFrom('', ...marks),
  }),
  fc.constantFrom({ kind: 'sign' as const }, { kind: 'sign' as const }, { kind: 'age' as const }),
  fc.record({
    kind: fc.constant('search' as const),
    query: fc.record(
      {
        q: fc.oneof(fc.constantFrom(...queries), fc.constantFrom(...marks)),
        tag: fc.constantFrom('red', 'blue', 'green'),
        status: fc.constantFrom('active' as const, 'paused' as const),
        sort: fc.constantFrom(...(['id', '-id', 'name', '-name', 'updatedAt', '-updatedAt'] as const)),
      },
      { requiredKeys: ['sort'] },
    ),
    limit: fc.integer({ min: 1, max: 60 }),
  }),
)

async function take(step: Step): Promise<void> {
  if (step.kind === 'insert') await insert(step.rows)
  else if (step.kind === 'sign') {
    expect(await signBlocks(sql)).toBe(true)
    await inspectBlocks()
    await owner.unsafe('analyze count_info')
  } else if (step.kind === 'age')
    await owner`update count_block set built_at = built_at - interval '2 days' where hashtext(low_id) % 3 = 0`
  else if (step.kind === 'search')
    expect(await everyPage(step.query, step.limit)).toEqual(await expected(step.query))
  else {
    const { name, tags, at } = step.row
    const some = sql`abs(hashtext(id)) % ${step.share} = 0`
    if (step.kind === 'rename')
      await sql`update count_info set name = ${name + step.mark}, tags = ${tags} where ${some}`
    if (step.kind === 'move')
      await sql`update count_info set updated_at = '2026-01-01T00:00Z'::timestamptz + ${at} * interval '1 s' where ${some}`
    if (step.kind === 'trash')
      await sql`update count_info set deleted_at = now() where deleted_at is null and ${some}`
    if (step.kind === 'restore')
      await sql`update count_info c set deleted_at = null where created in (select max(created) from count_info d group by id having bool_and(deleted_at is not null)) and ${some}`
    if (step.kind === 'remove') await sql`delete from count_info where ${some}`
    for (const sort of ['id', 'name', '-updatedAt'] as const)
      if (step.mark !== '')
        expect(await everyPage({ q: step.mark, sort }, 60)).toEqual(await expected({ q: step.mark, sort }))
  }
}

describe('a search', () => {
  test('finds what looking at every count finds, whatever was written and signed before', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 60, size: 'max' }), async (steps) => {
        await empty()
        for (const one of steps) await take(one)
      }),
      { numRuns: 12, endOnFailure: true },
    )
  }, 240_000)

  test('finds what was written while blocks were signed, as soon as it is committed', async () => {
    await empty()
    await insert(rowsOf(3000))
    await signBlocks(sql)
    const late = { ...blank, id: 'page.1500a', name: '늦은 ...' }
    await owner.begin(async (tx) => {
      await insert([late], tx)
      // Once to take note of what is committed, and again as if all blocks were old: neither sees it, nor waits.
      await insert([{ ...blank, id: 'page.1500b', name: '다른 말' }])
      expect(await signBlocks(sql)).toBe(true)
      await sql`update count_block set built_at = now() - interval '2 days'`
      expect(await signBlocks(sql)).toBe(true)
      expect(await search({ q: '늦은' }, 10)).toEqual([])
    })
    const found = async () => {
      const ids = await everyPage({ q: '...' }, 10)
      return [...ids, ...(await everyPage({ q: '늦은' }, 10))]
    }
    expect(await found()).toEqual(['page.1500a', 'page.1500a'])
    await signBlocks(sql)
    expect(await found()).toEqual(['page.1500a', 'page.1500a'])
    await inspectBlocks()
  })
})

describe('blocks', () => {
  test('are of 256 counts, and fewer where those are of many features', async () => {
    await empty()
    await insert(rowsOf(4 * blockCounts))
    await signBlocks(sql)
    const blocks = async () => (await sql`select from count_block where sort = 'id'`).count
    expect(await blocks()).toBe(4)
    const varied = (n: number) =>
      Array.from({ length: 200 }, (_, at) =>
        String.fromCodePoint(0xac00 + ((n * 200 + at * 7) % 11_000)),
      ).join('')
    await insert(rowsOf(2 * blockCounts, 'zzz').map((one, n) => ({ ...one, name: varied(n) })))
    await signBlocks(sql)
    expect(await blocks()).toBeGreaterThan(20)
    await inspectBlocks()
  })

  test('are all made anew where very many counts were written', async () => {
    await empty()
    await insert(rowsOf(12_000))
    await signBlocks(sql)
    await sql`update count_info set name = '다른 이름 !!!'`
    expect(await everyPage({ q: '!!!' }, 1000)).toHaveLength(12_000)
    await signBlocks(sql)
    await inspectBlocks()
    expect(await everyPage({ q: '!!!' }, 1000)).toHaveLength(12_000)
  })

  test('of few counts become one when they are old', async () => {
    await empty()
    await insert(rowsOf(10 * blockCounts))
    await signBlocks(sql)
    await sql`delete from count_info where hashtext(id) % 20 <> 0`
    const blocks = async () => (await sql`select from count_block where sort = 'id'`).count
    await signBlocks(sql)
    expect(await blocks()).toBe(10)
    await sql`update count_block set built_at = now() - interval '2 days'`
    await signBlocks(sql)
    expect(await blocks()).toBe(1)
    await inspectBlocks()
  })

  test('are signed by one process at a time, and by any', async () => {
    await empty()
    const others = [1, 2, 3].map(() =>
      connectPostgres(databases.INFO_DATABASE_URL, { name: 'another', max: 1 }),
    )
    for (let round = 0; round < 5; round++)
      await Promise.all([insert(rowsOf(900, `round${round}`)), ...others.map((other) => signBlocks(other))])
    await signBlocks(sql)
    await inspectBlocks()
    expect((await everyPage({ q: '카운트' }, 1000)).length).toBe(4500)
    await Promise.all(others.map((other) => other.end()))
  })

  test('are brought up to date by the service while it runs', async () => {
    await empty()
    await insert(rowsOf(500))
    const signing = startSigning({ sql, log })
    await until(
      'blocks to be signed',
      async () =>
        (await sql`select from count_unsigned`).count === 0 &&
        (await sql`select from count_block where signature is null`).count === 0,
    )
    await signing.close()
    expect((await sql`select from count_block where sort = 'name'`).count).toBe(2)
  })
})

describe('a signature', () => {
  const counts = Array.from({ length: blockCounts }, (_, n) => {
    const name = `주문 카운트 page ${(n * 7919) % 1_000_003}`
    const marks = name
      .split(' ')
      .map((word) => `\n${word.slice(0, 2)}`)
      .join('')
    return {
      search: `\npage.${n % 97}.${n}\t${name}${marks}`,
      tags: ['search', `team-${n % 100}`],
      status: 'active',
    }
  })
  const signature = openSignature()
  for (const count of counts) signature.add(count)
  const has = (features: number[]) =>
    features.flatMap(bitsOf).every((bit) => ((signature.bytes[bit >> 3] ?? 0) >> (bit & 7)) & 1)

  test('has every term that its counts have', () => {
    for (const { search } of counts) {
      for (let at = 1; at + 3 < search.length; at++)
        expect(has(featuresOfTerm(search.slice(at, at + 7)))).toBe(true)
      expect(has(featuresOfTerm(search.slice(0, 2)))).toBe(true)
    }
    expect(has(featuresOfTerm('\n주'))).toBe(true)
  })

  test('has hardly one that they do not have', () => {
    const strange = Array.from({ length: 5000 }, (_, n) => `\n${String.fromCodePoint(0xb000 + n)}`)
    expect(strange.filter((one) => has(featuresOfTerm(one))).length / strange.length).toBeLessThan(0.02)
  })
})
