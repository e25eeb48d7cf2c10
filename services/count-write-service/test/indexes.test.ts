import { afterAll, beforeAll, expect, test } from 'vitest'
import { openArchive } from '../src/archive.ts'
import { openLifecycles } from '../src/lifecycles.ts'
import { openWorld, type World } from './world.ts'

let world: World
beforeAll(async () => {
  world = await openWorld()
  await world.run()
  await world.archive`
    insert into count_record
    select 'seeded:' || n, n, n % 4, n, n, n, n, 'a', null, null, false from generate_series(1, 100000) n`
  await world.archive`
    insert into history_hour select 'seeded:' || n, n, 480000 + n % 1000, 1, n from generate_series(1, 100000) n`
  await world.info`
    insert into count_info (
      id, created, revision, name, description, unit, tags, metadata, initial_value, status, hash)
    select 'seeded:' || n, n, n, 'seeded', '', '', '{}', '{}', 0, 'active', n from generate_series(1, 20000) n`
  await Promise.all([world.archive`analyze`, world.info`analyze`])
})
afterAll(() => world.close())

test('history before a bucket is forgotten, later history stays', async () => {
  const left = () => world.archive`select min(bucket) as first, count(*)::int8 as rows from history_hour`
  await openArchive(world.archive).forget({ hour: 480_990, day: 0 })
  expect(await left()).toEqual([{ first: 480_990, rows: 1000 }])
})

/** Runs a query of the code under test on a connection that explains it instead; its plan as text. */
async function planOf(
  sql: World['archive'],
  run: (sql: World['archive']) => Promise<unknown>,
): Promise<string> {
  let text = ''
  const explaining = new Proxy(sql, {
    apply(target, _this, [strings, ...values]: [TemplateStringsArray, ...unknown[]]) {
      if (!/^\s*select/.test(strings[0] ?? '')) return Reflect.apply(target, undefined, [strings, ...values])
      const explained = Object.assign([`explain ${strings[0]}`, ...strings.slice(1)], { raw: strings.raw })
      return Reflect.apply(target, undefined, [explained, ...values]).then(
        (rows: { 'QUERY PLAN': string }[]) => {
          text += rows.map((row) => row['QUERY PLAN']).join('\n')
          return []
        },
      )
    },
  })
  await run(explaining)
  return text
}

test('recovery finds what lies above a clock by index, a page at a time (CA-010)', async () => {
  const plan = await planOf(world.archive, async (sql) => {
    for await (const _page of openArchive(sql).above(1, 99_000, 100)) break
  })
  expect(plan).toContain('count_record_shard_as_of')
  expect(plan).not.toMatch(/Seq Scan|Sort/)
})

test('recovery finds the highest reading of a shard by index', async () => {
  const plan = await planOf(world.archive, (sql) => openArchive(sql).highest(1))
  expect(plan).toContain('count_record_shard_as_of')
})

test('recovery finds later lifecycle changes by revision', async () => {
  const plan = await planOf(world.info, async (sql) => {
    for await (const _page of openLifecycles(sql, 4).since(1, 19_900)) break
  })
  expect(plan).toContain('count_info_revision')
  expect(plan).not.toMatch(/Seq Scan/)
})
