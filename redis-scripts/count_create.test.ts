import { describe, expect, test } from 'vitest'
import { add, at, create, history, operate, remove, setClock, update } from './script-calls.ts'
import { engines, type ScriptShard, scriptStore, unchanged } from './script-store.ts'

const noon = at('2031-05-17T12:00:30Z')
const month = 30 * 86_400_000

describe.each(engines)('count_create on $name', ({ start }) => {
  const store = scriptStore(start)
  const ahead = async () => {
    const shard = await store.shard()
    await setClock(shard, noon)
    return shard
  }
  const record = (shard: ScriptShard, id = 'a') => shard.redis.hgetall(shard.keys.count(id))

  test('makes a record under a version of its own and queues it for write-behind', async () => {
    const shard = await ahead()
    expect(
      await create(shard, { id: 'a', created: 7, status: 'paused', min: -5, max: 5 }, { value: 3 }),
    ).toEqual(['created', 3, noon])
    expect(await record(shard)).toEqual({ v: '3', t: `${noon}`, l: '-5', u: '5', s: 'p', r: '7', c: '7' })
    expect(await shard.redis.hgetall(shard.keys.dirty.queue)).toEqual({
      'a 7': `${Math.floor(noon / 3.6e9)}`,
    })
    expect(await shard.redis.get(shard.keys.clock)).toBe(`${noon}`)
    expect(await shard.redis.get(shard.keys.revision)).toBe('7')
    expect(await shard.redis.exists(shard.keys.changes.queue)).toBe(0)
  })

  test('that comes again changes nothing', async () => {
    const shard = await ahead()
    await create(shard, { id: 'a', created: 7 }, { value: 3 })
    await operate(shard, add('a', 1))
    expect(await unchanged(shard, () => create(shard, { id: 'a', created: 7 }, { value: 3 }))).toEqual([
      'exists',
      4,
      noon + 1,
    ])
    expect(
      await unchanged(shard, () => create(shard, { id: 'a', created: 7, revision: 9 }, { restore: true })),
    ).toEqual(['exists', 4, noon + 1])
  })

  test('by a hundred callers at once makes one record', async () => {
    const shard = await ahead()
    const replies = await Promise.all(
      Array.from({ length: 100 }, () => create(shard.racing, { id: 'a', created: 7 }, { value: 3 })),
    )
    expect(replies.filter(([word]) => word === 'created')).toHaveLength(1)
    expect(replies.filter(([word]) => word === 'exists')).toHaveLength(99)
    expect(await shard.redis.get(shard.keys.clock)).toBe(`${noon}`)
  })

  test('that comes after the removal is stale', async () => {
    const shard = await ahead()
    await create(shard, { id: 'a', created: 7 })
    await remove(shard, { id: 'a', created: 7, revision: 8 })
    expect(await unchanged(shard, () => create(shard, { id: 'a', created: 7 }))).toEqual(['stale'])
    expect(await unchanged(shard, () => create(shard, { id: 'a', created: 6 }))).toEqual(['stale'])
  })

  test('of an earlier life than the present is stale', async () => {
    const shard = await ahead()
    await create(shard, { id: 'a', created: 7 })
    expect(await unchanged(shard, () => create(shard, { id: 'a', created: 5 }))).toEqual(['stale'])
  })

  test('of a removed id begins clean, under later versions', async () => {
    const shard = await ahead()
    await create(shard, { id: 'a', created: 7 }, { value: 3 })
    await operate(shard, add('a', 1))
    await setClock(shard, noon + 7.2e9)
    await operate(shard, add('a', 1))
    await remove(shard, { id: 'a', created: 7, revision: 8 })
    expect(await create(shard, { id: 'a', created: 9 }, { value: 1 })).toEqual([
      'created',
      1,
      noon + 7.2e9 + 2,
    ])
    expect(await history(shard, 'a')).toEqual({})
    expect(await record(shard)).not.toHaveProperty('o')
    expect(await shard.redis.hget(shard.keys.gone('a'), 'v')).toBe('5')
  })

  test('of a next life sets the earlier aside when its removal has not come yet', async () => {
    const shard = await ahead()
    await create(shard, { id: 'a', created: 5 }, { value: 1 })
    await operate(shard, add('a', 1))
    await remove(shard, { id: 'a', created: 5, revision: 6 })
    await create(shard, { id: 'a', created: 7 }, { value: 3 })
    await operate(shard, add('a', 1))
    await setClock(shard, noon + 7.2e9)
    await operate(shard, add('a', 1))
    expect(await create(shard, { id: 'a', created: 9 }, { value: 1 })).toEqual([
      'created',
      1,
      noon + 7.2e9 + 1,
    ])
    expect(await history(shard, 'a')).toEqual({})
    expect(await shard.redis.hmget(shard.keys.gone('a'), 'v', 'c', 'r')).toEqual(['5', '7', '8'])
    expect(await shard.redis.exists(shard.keys.goneHistory('a'))).toBe(1)
    for (const key of [shard.keys.gone('a'), shard.keys.goneHistory('a')]) {
      expect(await shard.redis.pttl(key)).toBeGreaterThan(month - 10_000)
    }
    expect(Object.keys(await shard.redis.hgetall(shard.keys.dirty.queue)).sort()).toEqual([
      'a 5',
      'a 7',
      'a 9',
    ])
    expect(await remove(shard, { id: 'a', created: 7, revision: 8 })).toEqual(['gone', 5, noon + 7.2e9])
  })

  test('of a next life leaves nothing of the life before last, and queues the earlier for write-behind', async () => {
    const shard = await ahead()
    await create(shard, { id: 'a', created: 5 })
    await operate(shard, add('a', 1))
    await setClock(shard, noon + 7.2e9)
    await operate(shard, add('a', 1))
    await remove(shard, { id: 'a', created: 5, revision: 6 })
    expect(await shard.redis.exists(shard.keys.goneHistory('a'))).toBe(1)
    await create(shard, { id: 'a', created: 7 })
    await shard.redis.del(shard.keys.dirty.queue)
    await create(shard, { id: 'a', created: 9 })
    expect(await shard.redis.hget(shard.keys.gone('a'), 'c')).toBe('7')
    expect(await shard.redis.exists(shard.keys.goneHistory('a'))).toBe(0)
    expect(Object.keys(await shard.redis.hgetall(shard.keys.dirty.queue)).sort()).toEqual(['a 7', 'a 9'])
  })

  describe('to restore', () => {
    async function trashed() {
      const shard = await ahead()
      await create(shard, { id: 'a', created: 7, max: 50 }, { value: 3 })
      await operate(shard, add('a', 1))
      await setClock(shard, noon + 7.2e9)
      await operate(shard, add('a', 10))
      const before = await history(shard, 'a')
      await remove(shard, { id: 'a', created: 7, revision: 8 })
      return { shard, before, next: noon + 7.2e9 + 2 }
    }

    test('brings a removed record back with value and history, under a new version, for good', async () => {
      const { shard, before, next } = await trashed()
      expect(
        await create(
          shard,
          { id: 'a', created: 7, revision: 9, max: 99, status: 'paused' },
          { restore: true },
        ),
      ).toEqual(['restored', 14, next])
      expect(await record(shard)).toMatchObject({ v: '14', t: `${next}`, u: '99', s: 'p', r: '9', c: '7' })
      expect(await history(shard, 'a')).toEqual(before)
      expect(await shard.redis.exists(shard.keys.gone('a'), shard.keys.goneHistory('a'))).toBe(0)
      for (const key of [shard.keys.count('a'), shard.keys.history('a')])
        expect(await shard.redis.pttl(key)).toBe(-1)
      await update(shard, { id: 'a', created: 7, revision: 10 })
      expect(await operate(shard, add('a', 1))).toEqual([['ok', 15, next + 2, 1]])
    })

    test('that comes again changes nothing', async () => {
      const { shard, next } = await trashed()
      const again = () => create(shard, { id: 'a', created: 7, revision: 9 }, { restore: true })
      await again()
      expect(await unchanged(shard, again)).toEqual(['exists', 14, next])
    })

    test('that is older than the removal is stale', async () => {
      const { shard } = await trashed()
      const old = () => create(shard, { id: 'a', created: 7, revision: 8 }, { restore: true })
      expect(await unchanged(shard, old)).toEqual(['stale'])
    })

    test('an earlier life than the present is stale', async () => {
      const { shard } = await trashed()
      await create(shard, { id: 'a', created: 9 })
      const old = () => create(shard, { id: 'a', created: 7, revision: 10 }, { restore: true })
      expect(await unchanged(shard, old)).toEqual(['stale'])
    })

    test('a record that is gone for good makes it anew', async () => {
      const { shard, next } = await trashed()
      await shard.redis.del(shard.keys.gone('a'), shard.keys.goneHistory('a'))
      expect(await create(shard, { id: 'a', created: 7, revision: 9 }, { value: 3, restore: true })).toEqual([
        'created',
        3,
        next,
      ])
    })
  })

  test.each(['4503599627370495', '-4503599627370495'])('takes %s, an end of the range', async (value) => {
    const shard = await ahead()
    expect(await create(shard, { id: 'a' }, { value })).toEqual(['created', Number(value), noon])
    expect((await record(shard)).v).toBe(value)
  })

  test.each<[string, (args: (string | number)[], keys: string[]) => void]>([
    ['without created', (args) => args.splice(1, 1, '')],
    ['without a revision', (args) => args.splice(2, 1, 'x')],
    ['with an unknown status', (args) => args.splice(3, 1, 'a')],
    ['with a wrong minimum', (args) => args.splice(4, 1, 'low')],
    ['with a wrong maximum', (args) => args.splice(5, 1, 'high')],
    ['without a value', (args) => args.splice(6, 1, '')],
    ['with half a value', (args) => args.splice(6, 1, '0.5')],
    ['with a value above the range', (args) => args.splice(6, 1, '4503599627370496')],
    ['with a value below the range', (args) => args.splice(6, 1, '-4503599627370496')],
    ['with an argument missing', (args) => args.pop()],
    ['with a key missing', (_, keys) => keys.pop()],
  ])('%s is refused and leaves every key as it was', async (_, spoil) => {
    const shard = await ahead()
    await create(shard, { id: 'a', created: 5 })
    await operate(shard, add('a', 1))
    const { clock, dirty, revision, count, gone, history: past, goneHistory } = shard.keys
    const keys = [count('a'), past('a'), gone('a'), goneHistory('a'), clock, dirty.queue, revision]
    const args = ['a', 7, 7, 'active', '', '', 3, '']
    spoil(args, keys)
    await unchanged(shard, () =>
      expect(shard.call('count_create', keys, args)).rejects.toThrow('BAD_ARG count_create'),
    )
  })
})
