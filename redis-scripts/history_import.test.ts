import { describe, expect, test } from 'vitest'
import {
  add,
  at,
  create,
  history,
  importHistory,
  type Offsets,
  operate,
  remove,
  setClock,
} from './script-calls.ts'
import { engines, type ScriptShard, scriptStore, unchanged } from './script-store.ts'

const noon = at('2031-05-17T12:00:30Z')
const minute = Math.floor(noon / 60e6)
const hour = Math.floor(noon / 3.6e9)
const day = Math.floor(noon / 86.4e9)
const most = 2 ** 52 - 1

describe.each(engines)('history_import on $name', ({ start }) => {
  const store = scriptStore(start)

  async function withCounts() {
    const shard = await store.shard()
    await setClock(shard, noon)
    for (const id of ['a', 'b']) await create(shard, { id }, { value: 5 })
    await shard.redis.del(shard.keys.dirty.queue)
    return shard
  }
  const values = (shard: ScriptShard) => shard.redis.hmget(shard.keys.count('a'), 'v', 't')

  test('adds to each bucket, leaves the value, and queues the oldest hour for write-behind', async () => {
    const shard = await withCounts()
    const rows: [number, number][] = [
      [noon - 3.6e9, 2],
      [noon - 3.6e9, 3],
      [noon - 86.4e9, -1],
      [noon, 7],
    ]
    expect(
      await importHistory(shard, 'job', 1, [
        { id: 'a', rows },
        { id: 'b', rows: [[noon, 1]] },
      ]),
    ).toEqual(['imported'])
    expect(await values(shard)).toEqual(['5', `${noon}`])
    expect(await history(shard, 'a')).toEqual({
      [`m${minute}`]: 7,
      [`m${minute - 60}`]: 5,
      [`m${minute - 1440}`]: -1,
      [`h${hour}`]: 7,
      [`h${hour - 1}`]: 5,
      [`h${hour - 24}`]: -1,
      [`d${day}`]: 12,
      [`d${day - 1}`]: -1,
    })
    expect((await history(shard, 'b'))[`d${day}`]).toBe(1)
    expect(await shard.redis.hgetall(shard.keys.dirty.queue)).toEqual({
      'a 1': `${hour - 24}`,
      'b 1': `${hour}`,
    })
    expect(await shard.redis.exists(shard.keys.changes.queue)).toBe(0)
    expect(await shard.redis.get(shard.keys.clock)).toBe(`${noon + 2}`)
  })

  test('of a block done before changes nothing; another block and another job count', async () => {
    const shard = await withCounts()
    const once = () => importHistory(shard, 'job', 1, [{ id: 'a', rows: [[noon, 2]] }])
    await once()
    expect(await unchanged(shard, once)).toEqual(['repeated'])
    await importHistory(shard, 'job', 2, [{ id: 'a', rows: [[noon, 2]] }])
    await importHistory(shard, 'other', 1, [{ id: 'a', rows: [[noon, 2]] }])
    expect((await history(shard, 'a'))[`h${hour}`]).toBe(6)
    expect(await shard.redis.ttl(shard.keys.imported('job'))).toBeGreaterThan(6 * 86_400)
  })

  test('by a hundred callers at once counts once', async () => {
    const shard = await withCounts()
    const replies = await Promise.all(
      Array.from({ length: 100 }, () =>
        importHistory(shard.racing, 'job', 1, [{ id: 'a', rows: [[noon, 2]] }]),
      ),
    )
    expect(replies.filter(([word]) => word === 'imported')).toHaveLength(1)
    expect((await history(shard, 'a'))[`h${hour}`]).toBe(2)
  })

  test('tells the places of counts that are not live, or another life by now, and imports the rest', async () => {
    const shard = await withCounts()
    await remove(shard, { id: 'a' })
    await create(shard, { id: 'a', created: 3 })
    const rows: [number, number][] = [[noon, 2]]
    const counts = [
      { id: 'c', rows },
      { id: 'b', rows },
      { id: 'a', rows },
      { id: 'a', created: 3, rows: [] as [number, number][] },
    ]
    expect(await importHistory(shard, 'job', 1, counts.slice(0, 3))).toEqual(['imported', 1, 3])
    expect((await history(shard, 'b'))[`h${hour}`]).toBe(2)
    expect(await history(shard, 'a')).toEqual({})
    expect(await shard.redis.exists(shard.keys.history('c'))).toBe(0)
  })

  test('keeps an hour for write-behind that is older already', async () => {
    const shard = await withCounts()
    await importHistory(shard, 'job', 1, [{ id: 'a', rows: [[noon - 7.2e9, 2]] }])
    await importHistory(shard, 'job', 2, [{ id: 'a', rows: [[noon, 2]] }])
    expect(await shard.redis.hget(shard.keys.dirty.queue, 'a 1')).toBe(`${hour - 2}`)
    await importHistory(shard, 'job', 3, [{ id: 'a', rows: [[noon - 86.4e9, 2]] }])
    expect(await shard.redis.hget(shard.keys.dirty.queue, 'a 1')).toBe(`${hour - 24}`)
  })

  test('adds to what is open and what has closed, which adds in turn', async () => {
    const shard = await withCounts()
    await operate(shard, add('a', 1))
    await importHistory(shard, 'job', 1, [{ id: 'a', rows: [[noon, 10]] }])
    await setClock(shard, noon + 60e6)
    await operate(shard, add('a', 2))
    await importHistory(shard, 'job', 2, [{ id: 'a', rows: [[noon, 100]] }])
    await setClock(shard, noon + 86.4e9)
    await operate(shard, add('a', 4))
    await importHistory(shard, 'job', 3, [{ id: 'a', rows: [[noon, 1000]] }])
    expect(await history(shard, 'a')).toMatchObject({
      [`m${minute}`]: 1111,
      [`m${minute + 1}`]: 2,
      [`h${hour}`]: 1113,
      [`d${day}`]: 1113,
      [`d${day + 1}`]: 4,
    })
  })

  test('leaves a slot whose block is newer, and replaces an older', async () => {
    const shard = await withCounts()
    await operate(shard, add('a', 1))
    await setClock(shard, noon + 60e6)
    await operate(shard, add('a', 2))
    // 50 hours of minutes, 92 days of hours, 117 months of days.
    await importHistory(shard, 'job', 1, [
      {
        id: 'a',
        rows: [
          [noon - 50 * 3.6e9, 10],
          [noon - 92 * 86.4e9, 20],
        ],
      },
    ])
    const seen = await history(shard, 'a')
    expect([seen[`m${minute}`], seen[`m${minute - 3000}`], seen[`d${day - 92}`]]).toEqual([1, undefined, 20])
    await importHistory(shard, 'job', 2, [{ id: 'a', rows: [[noon + 50 * 3.6e9, 30]] }])
    expect((await history(shard, 'a'))[`m${minute}`]).toBeUndefined()
    expect((await history(shard, 'a'))[`m${minute + 3000}`]).toBe(30)
  })

  test('cuts days as its caller says', async () => {
    const shard = await withCounts()
    const offsets: Offsets = { offset: 32_400, changesAt: noon / 1e6, next: 46_800 }
    await importHistory(
      shard,
      'job',
      1,
      [
        {
          id: 'a',
          rows: [
            [noon - 1e6, 1],
            [noon, 2],
          ],
        },
      ],
      offsets,
    )
    expect(await history(shard, 'a')).toMatchObject({ [`d${day}`]: 1, [`d${day + 1}`]: 2 })
  })

  test('is exact to the ends of the range, and refused whole beyond', async () => {
    const shard = await withCounts()
    const rows: [number, number][] = [
      [noon, most],
      [noon - 3.6e9, -most],
    ]
    for (const block of [1, 2]) await importHistory(shard, 'job', block, [{ id: 'a', rows }])
    await importHistory(shard, 'job', 3, [
      {
        id: 'a',
        rows: [
          [noon, 1],
          [noon - 3.6e9, -1],
        ],
      },
    ])
    expect((await history(shard, 'a'))[`h${hour}`]).toBe(Number.MAX_SAFE_INTEGER)
    expect((await history(shard, 'a'))[`h${hour - 1}`]).toBe(Number.MIN_SAFE_INTEGER)
    const beyond = () =>
      importHistory(shard, 'job', 4, [
        { id: 'b', rows },
        { id: 'a', rows: [[noon, 1]] },
      ])
    expect(await unchanged(shard, beyond)).toEqual(['range', 2])
  })

  test.each<[string, (args: (string | number)[], keys: string[]) => void]>([
    ['with counts that are no JSON', (args) => args.splice(1, 1, '[')],
    ['with counts that are no list', (args) => args.splice(1, 1, '7')],
    ['without counts', (args) => args.pop()],
    ['with an argument too many', (args) => args.push('')],
    ['with a key missing', (_, keys) => keys.pop()],
  ])('%s is refused and leaves every key as it was', async (_, spoil) => {
    const shard = await withCounts()
    const { clock, dirty, imported, count, history } = shard.keys
    const keys = [clock, dirty.queue, imported('job'), count('a'), history('a')]
    const args = [1, `[["a","1",${hour},"h0",${day},12,5]]`]
    spoil(args, keys)
    await unchanged(shard, () =>
      expect(shard.call('history_import', keys, args)).rejects.toThrow('BAD_ARG history_import'),
    )
  })

  test.each([
    `[["a","1","x","h0",${day},12,5]]`,
    `[["a","1",${hour},"h0",${day},12,"x"]]`,
    `[["a","1",${hour},"h0",${day}]]`,
  ])('of %s fails before anything is written', async (counts) => {
    const shard = await withCounts()
    await operate(shard, add('a', 1))
    const { clock, dirty, imported, count, history } = shard.keys
    const keys = [clock, dirty.queue, imported('job'), count('a'), history('a')]
    await unchanged(shard, () => expect(shard.call('history_import', keys, [1, counts])).rejects.toThrow())
  })
})
