import { describe, expect, test } from 'vitest'
import { add, at, create, operate, remove, setClock, update } from './script-calls.ts'
import { engines, scriptStore, unchanged } from './script-store.ts'

const noon = at('2031-05-17T12:00:30Z')

describe.each(engines)('count_update on $name', ({ start }) => {
  const store = scriptStore(start)

  /** A shard with one count `a` of value 5, created by revision 7 under version `noon`. */
  async function withCount() {
    const shard = await store.shard()
    await setClock(shard, noon)
    await create(shard, { id: 'a', created: 7, min: 0, max: 9 }, { value: 5 })
    return shard
  }

  test('gives the record bounds and status of a later revision, and the event a version; value and its version stay', async () => {
    const shard = await withCount()
    await shard.redis.del(shard.keys.dirty.queue)
    expect(await update(shard, { id: 'a', created: 7, revision: 9, status: 'archived', min: -1 })).toEqual([
      'updated',
      5,
      noon + 1,
    ])
    expect(await shard.redis.hgetall(shard.keys.count('a'))).toEqual({
      v: '5',
      t: `${noon}`,
      l: '-1',
      u: '',
      s: 'x',
      r: '9',
      c: '7',
    })
    expect(await shard.redis.hgetall(shard.keys.dirty.queue)).toEqual({
      'a 7': `${Math.floor(noon / 3.6e9)}`,
    })
    expect(await shard.redis.get(shard.keys.revision)).toBe('9')
    expect(await shard.redis.get(shard.keys.clock)).toBe(`${noon + 1}`)
  })

  test('that comes again changes nothing', async () => {
    const shard = await withCount()
    const again = () => update(shard, { id: 'a', created: 7, revision: 9, max: 6 })
    await again()
    await operate(shard, add('a', 1))
    expect(await unchanged(shard, again)).toEqual(['same', 6, noon + 2])
  })

  test('by a hundred callers at once ends at the last revision', async () => {
    const shard = await withCount()
    const updates = Array.from({ length: 100 }, (_, i) => ({
      id: 'a',
      created: 7,
      revision: 8 + ((i * 37) % 100),
      max: 1000 + ((i * 37) % 100),
    }))
    const replies = await Promise.all(updates.map((one) => update(shard.racing, one)))
    expect(replies.every(([word]) => word === 'updated' || word === 'stale')).toBe(true)
    expect(await shard.redis.hmget(shard.keys.count('a'), 'r', 'u')).toEqual(['107', '1099'])
  })

  test('of an older revision is stale', async () => {
    const shard = await withCount()
    await update(shard, { id: 'a', created: 7, revision: 9 })
    expect(await unchanged(shard, () => update(shard, { id: 'a', created: 7, revision: 8 }))).toEqual([
      'stale',
    ])
  })

  test('of an earlier life is stale, of one that is not there yet missing', async () => {
    const shard = await withCount()
    expect(await unchanged(shard, () => update(shard, { id: 'a', created: 5, revision: 10 }))).toEqual([
      'stale',
    ])
    expect(await unchanged(shard, () => update(shard, { id: 'a', created: 9, revision: 10 }))).toEqual([
      'missing',
    ])
    expect(await unchanged(shard, () => update(shard, { id: 'b', created: 9, revision: 10 }))).toEqual([
      'missing',
    ])
    await remove(shard, { id: 'a', created: 7, revision: 8 })
    expect(await unchanged(shard, () => update(shard, { id: 'a', created: 7, revision: 10 }))).toEqual([
      'missing',
    ])
  })

  test('with bounds that the value violates is refused and told the value', async () => {
    const shard = await withCount()
    expect(await unchanged(shard, () => update(shard, { id: 'a', created: 7, revision: 9, min: 6 }))).toEqual(
      ['bounds', 5],
    )
    expect(await unchanged(shard, () => update(shard, { id: 'a', created: 7, revision: 9, max: 4 }))).toEqual(
      ['bounds', 5],
    )
    expect((await update(shard, { id: 'a', created: 7, revision: 9, min: 5, max: 5 }))[0]).toBe('updated')
  })

  test.each<[string, (args: (string | number)[], keys: string[]) => void]>([
    ['without created', (args) => args.splice(1, 1, '')],
    ['without a revision', (args) => args.splice(2, 1, '')],
    ['with an unknown status', (args) => args.splice(3, 1, 'gone')],
    ['with a wrong minimum', (args) => args.splice(4, 1, 'low')],
    ['with an argument missing', (args) => args.pop()],
    ['with a key missing', (_, keys) => keys.pop()],
  ])('%s is refused and leaves every key as it was', async (_, spoil) => {
    const shard = await withCount()
    const keys = [shard.keys.count('a'), shard.keys.clock, shard.keys.dirty.queue, shard.keys.revision]
    const args = ['a', 7, 9, 'active', '', '']
    spoil(args, keys)
    await unchanged(shard, () =>
      expect(shard.call('count_update', keys, args)).rejects.toThrow('BAD_ARG count_update'),
    )
  })
})
