import { encodeCursor } from '@count/core/cursor'
import { openValueStore } from '@count/core/value-store'
import { openZone } from '@count/core/zone'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { foldTags } from '../src/tags.ts'
import { type Body, type Caller, log, openWorld, signIn, type World } from './world.ts'

const path = '/api/v1/admin/counts'
let world: World
let editor: Caller
beforeAll(async () => {
  world = await openWorld()
  editor = await signIn(world.app, 'editor')
})
afterAll(() => world.close())

const create = async (body: object) => expect((await editor.call('POST', path, body)).status).toBe(201)
const read = async (url: string) => (await editor.call('GET', url)).body
async function pages(url: string): Promise<Body[]> {
  const seen: Body[] = []
  let cursor: string | null = ''
  while (cursor !== null) {
    const page = await read(`${url}${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ''}`)
    seen.push(...page.items)
    cursor = page.nextCursor
  }
  return seen
}
const ids = (items: Body[]) => items.map(({ id }) => id)

describe('the value beside a count', () => {
  test('comes with when it changed, the change of the day and those of 24 hours, oldest first', async () => {
    await create({ id: 'live.one', name: 'One', initialValue: 100 })
    await create({ id: 'live.two', name: 'Two' })
    const began = Date.now()
    const reply = await editor.call('PUT', `${path}/live.one/value`, { value: 107, reason: 'x' })
    const { items } = await read(`${path}?q=live.`)
    expect(items).toMatchObject([
      { id: 'live.one', value: 107, today: 7 },
      { id: 'live.two', value: 0, today: 0, spark: Array(24).fill(0) },
    ])
    const [one] = items as [Body]
    expect(one.spark).toHaveLength(24)
    expect(one.spark.reduce((sum, change) => sum + change)).toBe(7)
    expect(one.spark.at(-1)).toBe(7)
    expect(one.changedAt).toBe(new Date(reply.body.version / 1000).toISOString())
    expect(Math.abs(Date.parse(one.changedAt ?? '') - began)).toBeLessThan(5000)
    expect(await read(`${path}/live.one`)).toEqual(one)
  })

  test('takes hours and the day from the past, each where it belongs, in the zone of the deployment', async () => {
    await create({ id: 'past.one', name: 'Past' })
    const { created } = await read(`${path}/past.one`)
    const store = await openValueStore({ VALUE_REDIS_URL: world.value.url }, { log })
    const keys = store.keys(store.shardOf('past.one'))
    await store.close()
    const hour = Math.floor(Date.now() / 3_600_000)
    const day = openZone('UTC').dayOf(Date.now())
    const put = async (letter: string, size: number, ring: number, index: number, delta: number) => {
      const block = Math.floor(index / size)
      const key = keys.history('past.one')
      const field = `${letter}${block % ring}`
      const held = await world.redis.hget(key, field)
      await world.redis.hset(key, field, `${held ?? block};${index % size}:${delta}`)
    }
    await put('h', 24, 92, hour - 24, 1000)
    await put('h', 24, 92, hour - 23, 5)
    await put('h', 24, 92, hour - 1, 3)
    await put('d', 32, 117, day - 1, 500)
    await put('d', 32, 117, day, 8)
    const [one] = (await read(`${path}?q=past.one`)).items as [Body]
    expect(one.spark).toEqual([5, ...Array(21).fill(0), 3, 0])
    expect(one.today).toBe(8)
    expect(one.created).toBe(created)
  })

  test('is unknown, and the list is still there, while the record is not', async () => {
    await create({ id: 'lost.one', name: 'Lost' })
    for (let shard = 0; shard < 4; shard++) await world.redis.del(`{s${shard}}:count:lost.one`)
    expect((await read(`${path}?q=lost.`)).items).toMatchObject([
      { id: 'lost.one', value: null, version: null, changedAt: null, today: null, spark: [] },
    ])
  })

  test('a thousand rows are read by two scripts a shard, whatever their number', async () => {
    await world.sql`insert into count_info (id, created, revision, name, description, unit, tags, initial_value, status, metadata, hash)
      select 'many.' || n, nextval('revision_seq'), 1, 'x', '', '', '{}', 0, 'active', '{}', 0 from generate_series(1, 500) n`
    const calls = async () => {
      const text = await world.redis.info('commandstats')
      return [...text.matchAll(/cmdstat_(?:evalsha|eval|evalsha_ro|eval_ro):calls=(\d+)/g)].reduce(
        (sum, [, n]) => sum + Number(n),
        0,
      )
    }
    const before = await calls()
    expect((await read(`${path}?q=many.&limit=1000`)).items).toHaveLength(500)
    expect((await calls()) - before).toBeLessThanOrEqual(12)
  })
})

describe('sorting', () => {
  const names = ['beta', 'Alpha', '나비', '가방', 'alpha', 'Beta', 'gamma', '가방']

  beforeAll(async () => {
    for (const [n, name] of names.entries()) await create({ id: `sort.${n}`, name, tags: ['sorted'] })
    // All of one instant but two: ids decide; µs must not be lost.
    await world.sql`update count_info set updated_at = '2026-01-01T00:00:00.123456Z' where id like 'sort.%'`
    await world.sql`update count_info set updated_at = '2026-01-01T00:00:00.123455Z' where id = 'sort.6'`
    await world.sql`update count_info set updated_at = '2026-01-01T00:00:00.123457Z' where id = 'sort.1'`
  })

  test.for([
    ['id', [0, 1, 2, 3, 4, 5, 6, 7]],
    ['-id', [7, 6, 5, 4, 3, 2, 1, 0]],
    ['name', [1, 4, 0, 5, 6, 3, 7, 2]],
    ['-name', [2, 7, 3, 6, 5, 0, 4, 1]],
    ['updatedAt', [6, 0, 2, 3, 4, 5, 7, 1]],
    ['-updatedAt', [1, 7, 5, 4, 3, 2, 0, 6]],
  ] as const)('by %s holds over pages of any size', async ([sort, order]) => {
    for (const limit of [1, 3, 8]) {
      expect(ids(await pages(`${path}?tag=sorted&sort=${sort}&limit=${limit}`))).toEqual(
        order.map((n) => `sort.${n}`),
      )
    }
  })

  test('a page goes on where it ended, whatever was added or deleted before and behind', async () => {
    const first = await read(`${path}?tag=sorted&sort=name&limit=3`)
    expect(ids(first.items)).toEqual(['sort.1', 'sort.4', 'sort.0'])
    await create({ id: 'sort.8', name: 'aaa', tags: ['sorted'] })
    await create({ id: 'sort.9', name: 'BETA', tags: ['sorted'] })
    await editor.call('DELETE', `${path}/sort.0`, undefined, { 'if-match': '*' })
    const next = await read(`${path}?tag=sorted&sort=name&limit=3&cursor=${first.nextCursor}`)
    expect(ids(next.items)).toEqual(['sort.5', 'sort.9', 'sort.6'])
  })

  test.for([
    ['updatedAt', 'yesterday'],
    ['updatedAt', 1.5],
    ['name', 5],
    ['name', 'a\u0000b'],
    ['id', 'a'],
  ])('a cursor of this order that was never given, %o, is refused', async ([sort, key]) => {
    const cursor = encodeCursor(JSON.stringify([sort, key, 'sort.1']))
    expect((await editor.call('GET', `${path}?sort=${sort}&cursor=${cursor}`)).status).toBe(400)
  })

  test('a cursor of another order, and another order than there is, are refused', async () => {
    const { nextCursor } = await read(`${path}?sort=name&limit=1`)
    for (const query of [
      `sort=id&cursor=${nextCursor}`,
      `sort=-name&cursor=${nextCursor}`,
      'sort=value',
      'sort=--id',
    ])
      expect((await editor.call('GET', `${path}?${query}`)).status).toBe(400)
    const long = 'ㅎ'.repeat(200)
    await create({ id: 'sorted.last', name: long })
    await create({ id: 'sorted.next', name: long })
    const all = ids(await pages(`${path}?q=sorted.&sort=-name&limit=1`))
    expect(all).toEqual(['sorted.next', 'sorted.last'])
  })
})

describe('terms', () => {
  beforeAll(async () => {
    await create({ id: 'term.shop-42', name: '주문(취소) Order-count 7' })
    await create({ id: 'zq.term', name: '오늘 주문' })
    await create({
      id: 'term.zq',
      name: '𠀀'.repeat(200),
      tags: Array.from({ length: 32 }, (_, n) => `${n}${'가'.repeat(60)}`),
    })
  })

  test.for([
    ['주', ['term.shop-42', 'zq.term']],
    ['주문', ['term.shop-42', 'zq.term']],
    ['취소', ['term.shop-42']],
    ['문', []],
    ['늘', []],
    ['or', ['term.shop-42']],
    ['CO', ['term.shop-42']],
    ['rd', []],
    ['zq', ['zq.term']],
    ['te', ['term.shop-42', 'term.zq']],
    ['sh', []],
    ['𠀀', ['term.zq']],
    ['rde', ['term.shop-42']],
    ['.zq', ['term.zq']],
    ['문(취', ['term.shop-42']],
    ['op-42', ['term.shop-42']],
    ['r-c', ['term.shop-42']],
    ['42주', []],
    ['2주문', []],
  ] as const)(
    '%s finds %o: short ones where the id or a word begins, others anywhere',
    async ([q, expected]) => {
      const found = ids((await read(`${path}?q=${encodeURIComponent(q)}&limit=1000`)).items)
      const ours = found.filter((id) => /^(term\.|zq\.)/.test(id))
      expect(ours).toEqual(expected)
    },
  )
})

describe('tags', () => {
  test('are listed with how many live counts bear them, the most used first, by part, in pages', async () => {
    for (const [n, tags] of [
      ['x.red', 'X.blue'],
      ['x.red'],
      ['x.red', 'x.gone'],
      ['X.blue', 'x.green'],
    ].entries())
      await create({ id: `tagged.${n}`, name: 'x', tags })
    await editor.call('PATCH', `${path}/tagged.2`, { tags: [] }, { 'if-match': '*' })
    await create({ id: 'tagged.5', name: 'x', tags: ['x.gone'] })
    await editor.call('DELETE', `${path}/tagged.5`, undefined, { 'if-match': '*' })
    const expected = [
      { tag: 'X.blue', counts: 2 },
      { tag: 'x.red', counts: 2 },
      { tag: 'x.green', counts: 1 },
    ]
    expect((await read('/api/v1/admin/tags?q=x.')).items).toEqual(expected)
    expect(await pages('/api/v1/admin/tags?q=x.&limit=1')).toEqual(expected)
    // Adding up changes no sum, nor do others who do it at once.
    await Promise.all([foldTags(world.sql), foldTags(world.sql), foldTags(world.sql)])
    expect((await read('/api/v1/admin/tags?q=x.')).items).toEqual(expected)
    const kept = await world.sql`select tag, counts from count_tag where lower(tag) like 'x.%' order by tag`
    expect(kept).toEqual([expected[0], expected[2], expected[1]])
    expect((await read('/api/v1/admin/tags?q=%25')).items).toEqual([])
    expect((await editor.call('GET', '/api/v1/admin/tags?cursor=nonsense')).status).toBe(400)
  })
})
