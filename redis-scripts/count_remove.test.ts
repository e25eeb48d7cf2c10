import { describe, expect, test } from 'vitest'
import { add, at, create, operate, remove, setClock } from './script-calls.ts'
import { engines, scriptStore, unchanged } from './script-store.ts'

const noon = at('2031-05-17T12:00:30Z')
const month = 30 * 86_400_000

describe.each(engines)('count_remove on $name', ({ start }) => {
  const store = scriptStore(start)

  /** A shard with one count `a` of value 6, created by revision 7, with closed history; its next version is `next`. */
  async function withCount() {
    const shard = await store.shard()
    await setClock(shard, noon)
    await create(shard, { id: 'a', created: 7 }, { value: 4 })
    await operate(shard, add('a', 1))
    await setClock(shard, noon + 7.2e9)
    await operate(shard, add('a', 1))
    return { shard, next: noon + 7.2e9 + 1 }
  }

  test('sets record and history aside for 30 days', async () => {
    const { shard, next } = await withCount()
    const { redis, keys } = shard
    const [record, past] = [await redis.hgetall(keys.count('a')), await redis.hgetall(keys.history('a'))]
    await redis.del(keys.dirty.queue)
    expect(await remove(shard, { id: 'a', created: 7, revision: 9 })).toEqual(['removed', 6, next])
    expect(await redis.exists(keys.count('a'), keys.history('a'))).toBe(0)
    expect(await redis.hgetall(keys.gone('a'))).toEqual({ ...record, r: '9' })
    expect(await redis.hgetall(keys.goneHistory('a'))).toEqual(past)
    for (const key of [keys.gone('a'), keys.goneHistory('a')]) {
      expect(await redis.pttl(key)).toBeGreaterThan(month - 10_000)
      expect(await redis.pttl(key)).toBeLessThanOrEqual(month)
    }
    expect(await redis.hgetall(keys.dirty.queue)).toEqual({ 'a 7': `${Math.floor(next / 3.6e9)}` })
    expect(await redis.get(keys.revision)).toBe('9')
    expect(await redis.get(keys.clock)).toBe(`${next}`)
    expect(await operate(shard, add('a', 1))).toEqual([['missing', 0, 0]])
  })

  test('that comes again changes nothing', async () => {
    const { shard, next } = await withCount()
    await remove(shard, { id: 'a', created: 7, revision: 9 })
    expect(await unchanged(shard, () => remove(shard, { id: 'a', created: 7, revision: 9 }))).toEqual([
      'gone',
      6,
      next - 1,
    ])
  })

  test('by a hundred callers at once removes once', async () => {
    const { shard } = await withCount()
    const replies = await Promise.all(
      Array.from({ length: 100 }, () => remove(shard.racing, { id: 'a', created: 7, revision: 9 })),
    )
    expect(replies.filter(([word]) => word === 'removed')).toHaveLength(1)
    expect(replies.filter(([word]) => word === 'gone')).toHaveLength(99)
  })

  test('of a later life replaces what was aside, history too', async () => {
    const { shard } = await withCount()
    await remove(shard, { id: 'a', created: 7, revision: 9 })
    await create(shard, { id: 'a', created: 10 }, { value: 1 })
    await remove(shard, { id: 'a', created: 10, revision: 11 })
    expect(await shard.redis.hmget(shard.keys.gone('a'), 'v', 'c')).toEqual(['1', '10'])
    expect(await shard.redis.exists(shard.keys.goneHistory('a'))).toBe(0)
  })

  test('of what was never there is missing', async () => {
    const { shard } = await withCount()
    expect(await unchanged(shard, () => remove(shard, { id: 'b', created: 7, revision: 9 }))).toEqual([
      'missing',
    ])
    expect(await unchanged(shard, () => remove(shard, { id: 'a', created: 8, revision: 9 }))).toEqual([
      'missing',
    ])
  })

  test('of an earlier life or revision is stale', async () => {
    const { shard } = await withCount()
    expect(await unchanged(shard, () => remove(shard, { id: 'a', created: 5, revision: 9 }))).toEqual([
      'stale',
    ])
    expect(await unchanged(shard, () => remove(shard, { id: 'a', created: 7, revision: 6 }))).toEqual([
      'stale',
    ])
  })

  test.each<[string, (args: (string | number)[], keys: string[]) => void]>([
    ['without created', (args) => args.splice(1, 1, '')],
    ['without a revision', (args) => args.splice(2, 1, 'x')],
    ['with an argument missing', (args) => args.pop()],
    ['with a key missing', (_, keys) => keys.pop()],
  ])('%s is refused and leaves every key as it was', async (_, spoil) => {
    const { shard } = await withCount()
    const { clock, dirty, revision, count, gone, history, goneHistory } = shard.keys
    const keys = [count('a'), history('a'), gone('a'), goneHistory('a'), clock, dirty.queue, revision]
    const args = ['a', 7, 9]
    spoil(args, keys)
    await unchanged(shard, () =>
      expect(shard.call('count_remove', keys, args)).rejects.toThrow('BAD_ARG count_remove'),
    )
  })
})
