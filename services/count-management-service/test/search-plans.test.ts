import { connectPostgres, type Sql } from '@count/core/postgres'
import { type TestDatabases, testDatabases } from '@count/stack/testing'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { migrateInfo } from '../src/app.ts'
import { searchCounts } from '../src/count-rows.ts'
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
      array['tag-' || n % 3000] || case when n % 3 = 0 then '{third}' else '{}' end::text[], 0, case when n % 2000 = 0 then 'paused' else 'active' end, '{}',
      now() - n * interval '1 s', 0 from generate_series(1, ${many}::int) n order by md5(n::text)`
  await owner.unsafe('vacuum analyze count_info')
  await owner.end()
})
afterAll(async () => {
  await sql.end()
  await databases.drop()
})

/** The plan of the statement that this search sends. */
async function planOf(query: Partial<CountQuery>): Promise<string> {
  let plan = ''
  const explaining = new Proxy(sql, {
    apply(target, _this, [strings, ...values]: [TemplateStringsArray, ...unknown[]]) {
      if (!/^select \* from \(/.test(strings[0] ?? ''))
        return Reflect.apply(target, undefined, [strings, ...values])
      const explained = Object.assign([`explain ${strings[0]}`, ...strings.slice(1)], { raw: strings.raw })
      return Reflect.apply(target, undefined, [explained, ...values]).then(
        (rows: { 'QUERY PLAN': string }[]) => {
          plan = rows.map((row) => row['QUERY PLAN']).join('\n')
          return []
        },
      )
    },
  })
  await searchCounts(explaining, { ...countQuery.parse(query), limit: 50 }, undefined)
  return plan
}

describe('a page of counts', () => {
  test.for(['id', '-id', 'name', '-name', 'updatedAt', '-updatedAt'] as const)(
    'by %s is read in order from one index, whose entries its filters are judged by',
    async (sort) => {
      const index = `count_info_${{ id: 'live', name: 'name', updatedAt: 'updated' }[sort.replace('-', '')]}`
      // What most counts have is found at once, in whichever index of that order.
      for (const filter of [{}, { q: '카운트' }])
        expect(await planOf({ sort, ...filter })).toMatch(/Limit[^\n]*\n[^\n]*-> +Index (Only )?Scan/)
      for (const filter of [{ q: '주문' }, { q: '주' }, { tag: 'third' }, { status: 'active' as const }])
        expect(await planOf({ sort, ...filter })).toMatch(
          new RegExp(`Limit[^\\n]*\\n[^\\n]*Index Only Scan( Backward)? using ${index} `),
        )
    },
  )

  test.for([
    [{ q: '4321' }, 'count_info_search'],
    [{ q: '없는 말' }, 'count_info_search'],
    [{ q: '없는' }, 'count_info_search'],
    [{ q: 'z' }, 'count_info_search'],
    [{ q: 'zz', sort: 'name' }, 'count_info_search'],
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
      expect(plan).not.toContain('Seq Scan')
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
