import { connectPostgres, type Sql } from '@count/core/postgres'
import { type TestDatabases, testDatabases } from '@count/stack/testing'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { migrateInfo } from '../src/app.ts'
import { signBlocks } from '../src/count-blocks.ts'
import { searchCounts } from '../src/count-search.ts'
import { type CountQuery, countQuery } from '../src/schemas.ts'

const many = 60_000
let databases: TestDatabases
let sql: Sql
beforeAll(async () => {
  databases = await testDatabases()
  await migrateInfo(databases)
  // One connection, as the service opens it: what it prepares stays prepared.
  sql = connectPostgres(databases.INFO_DATABASE_URL, { name: 'plans', max: 1, plans: 'custom' })
  const owner = connectPostgres(databases.INFO_MIGRATION_URL, { name: 'seed', max: 1, statementTimeoutMs: 0 })
  // Rows whose commit is not on disk yet are not marked as visible to all, and an index alone would not do.
  await owner`set synchronous_commit = on`
  await owner`
    insert into count_info (id, created, revision, name, description, unit, tags, initial_value, status, metadata, updated_at, hash)
    select 'area' || n % 9 || '.' || n, n, n, (array['주문','결제','재고'])[n % 3 + 1] || ' 카운트 ' || n, '', '',
      array['tag-' || n % 3000] || case when n % 3 = 0 then '{third}' else '{never-주문}' end::text[], 0, case when n % 2000 = 0 then 'paused' else 'active' end, '{}',
      now() - n * interval '1 s', 0 from generate_series(1, ${many}::int) n order by md5(n::text)`
  await owner`
    insert into count_info (id, created, revision, name, description, unit, tags, initial_value, status, metadata, updated_at, hash)
    select 'zeta.' || n, n, n, '힣힣 zeta ' || n, '', '', '{last}', 0, 'archived', '{}', now() + n * interval '1 s', 0
    from generate_series(${many}::int, ${many}::int + 2000) n`
  await signBlocks(sql)
  await owner.unsafe('vacuum analyze count_info, count_block')
  await owner.end()
})
afterAll(async () => {
  await sql.end()
  await databases.drop()
})

/** The plan of the last statement that this search sends, with what it read. */
async function planOf(query: Partial<CountQuery>): Promise<string> {
  let plan = ''
  const explaining = new Proxy(sql, {
    apply(target, _this, [strings, ...values]: [TemplateStringsArray, ...unknown[]]) {
      const statement = Reflect.apply(target, undefined, [strings, ...values])
      if (!/^\s*(select page|with block)/.test(strings[0] ?? '')) return statement
      const explained = Object.assign(
        [`explain (analyze, timing off, buffers off) ${strings[0]}`, ...strings.slice(1)],
        {
          raw: strings.raw,
        },
      )
      const explain = async () => {
        const rows: { 'QUERY PLAN': string }[] = await Reflect.apply(target, undefined, [
          explained,
          ...values,
        ])
        plan = rows.map((row) => row['QUERY PLAN']).join('\n')
        return await statement
      }
      return explain()
    },
  })
  await searchCounts(explaining, { ...countQuery.parse(query), limit: 50 }, undefined)
  return plan
}

/** How many counts a plan looked at and left out. */
const leftOut = (plan: string) =>
  [...plan.matchAll(/Rows Removed by (?:Filter|Index Recheck): (\d+)/g)].reduce(
    (sum, [, n]) => sum + Number(n),
    0,
  )

const orders = ['id', '-id', 'name', '-name', 'updatedAt', '-updatedAt'] as const
const indexOf = (sort: (typeof orders)[number]) =>
  `count_info_${{ id: 'live', name: 'name', updatedAt: 'updated' }[sort.replace('-', '')]}`

describe('a page of counts', () => {
  test.for(orders)('by %s is read in order from one index', async (sort) => {
    expect(await planOf({ sort })).toMatch(
      new RegExp(`Limit[^\\n]*\\n *-> +Index Only Scan( Backward)? using ${indexOf(sort)} `),
    )
  })

  test.for(orders)(
    'that many counts are on, by %s, is read from blocks in their order, each from one index by whose entries it is judged',
    async (sort) => {
      for (const filter of [
        { q: '카운트' },
        { q: '주문' },
        { q: '주' },
        { tag: 'third' },
        { status: 'active' as const },
        { q: '주문', tag: 'third' },
      ]) {
        const plan = await planOf({ sort, ...filter })
        // What another index holds is not asked of it, block by block.
        expect(plan).not.toMatch(/(search ~~|tag_keys @>|status =)/)
        expect(plan).toMatch(
          /CTE block\n *-> +Limit[^\n]*\n *-> +Index Scan( Backward)? using count_block_pkey /,
        )
        expect(plan).toMatch(
          new RegExp(
            `CTE Scan on block[^\\n]*\\n( +Storage[^\\n]*\\n)? *-> +Limit[^\\n]*\\n *-> +Index Only Scan( Backward)? using ${indexOf(sort)} `,
          ),
        )
      }
    },
  )

  test('of counts that are last in the order leaves out hardly one before them', async () => {
    for (const query of [
      { q: 'zeta' },
      { q: 'ze' },
      { q: 'z' },
      { tag: 'last' },
      { status: 'archived' as const },
    ])
      for (const sort of ['id', 'name', 'updatedAt'] as const) {
        const plan = await planOf({ ...query, sort })
        expect(plan).toContain('CTE block')
        // Of 58,000 counts before them, and 230 blocks.
        expect(leftOut(plan)).toBeLessThan(3000)
      }
  })

  test('of what many counts have, and none together, is found by the indexes after a bounded look at blocks', async () => {
    const together = { q: '주문', tag: 'never-주문', sort: 'updatedAt' as const }
    expect(await searchCounts(sql, { ...countQuery.parse(together), limit: 50 }, undefined)).toEqual([])
    const plan = await planOf(together)
    expect(plan).not.toContain('CTE block')
    expect(plan).toMatch(/on count_info_(search|tag_keys) /)
  })

  test.for([
    [{ q: '4321' }, 'count_info_search'],
    [{ q: '없는 말' }, 'count_info_search'],
    [{ q: '없는' }, 'count_info_search'],
    [{ q: 'q' }, 'count_info_search'],
    [{ q: 'qq', sort: 'name' }, 'count_info_search'],
    [{ tag: 'tag-7', sort: '-updatedAt' }, 'count_info_tag_keys'],
    [{ tag: 'nowhere' }, 'count_info_tag_keys'],
    [{ status: 'paused', sort: 'name' }, 'count_info_status'],
  ] as const)('that few counts are on, %o, is found by %s', async ([query, index]) => {
    const plan = await planOf(query)
    expect(plan).toMatch(new RegExp(`(on|using) ${index} `))
    expect(plan).not.toContain('Seq Scan')
  })

  test('without a trigram to go by reads no trigram index', async () => {
    for (const q of ['...', '100%%', '!!']) {
      const plan = await planOf({ q })
      if (q !== '100%%') expect(plan).not.toContain('count_info_search')
      expect(plan).not.toContain('Seq Scan on count_info')
    }
  })

  test('is planned anew for each term, however often another was looked for', async () => {
    const search = (q: string) => searchCounts(sql, { ...countQuery.parse({ q }), limit: 50 }, undefined)
    for (let n = 0; n < 12; n++) expect(await search('카운트')).toHaveLength(50)
    expect(await search('4321')).not.toHaveLength(0)
    const [prepared] = await sql`select sum(generic_plans)::int as generic, sum(custom_plans)::int as custom
      from pg_prepared_statements where statement like ${'%search like%'}`
    expect(prepared?.generic).toBe(0)
    expect(prepared?.custom).toBeGreaterThanOrEqual(13)
  })
})
