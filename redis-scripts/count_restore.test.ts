import { describe, expect, test } from 'vitest'
import {
  add,
  at,
  claim,
  create,
  history,
  operate,
  remove,
  restore,
  setClock,
  update,
} from './script-calls.ts'
import { engines, type ScriptShard, scriptStore, unchanged } from './script-store.ts'

const noon = at('2031-05-17T12:00:30Z')
/** Above all that the archive knows. */
const anew = noon + 3.6e9
const hour = Math.floor(noon / 3.6e9)
const day = Math.floor(noon / 86.4e9)
const packed = {
  [`h${day % 92}`]: `${day};11:5;12:7`,
  [`d${Math.floor(day / 32) % 117}`]: `${Math.floor(day / 32)};${day % 32}:12`,
}
const buckets = { [`h${hour - 1}`]: 5, [`h${hour}`]: 7, [`d${day}`]: 12 }

describe.each(engines)('count_restore on $name', ({ start }) => {
  const store = scriptStore(start)
  const archived = { id: 'a', created: 7, revision: 8, value: 12, version: noon, anew, history: packed }
  const record = (shard: ScriptShard) => shard.redis.hgetall(shard.keys.count('a'))

  test('puts a lost count back under a new version, announces it and queues it for write-behind', async () => {
    const shard = await store.shard()
    expect(await restore(shard, { ...archived, status: 'p', min: 0, max: 99 })).toEqual(['restored'])
    expect(await record(shard)).toEqual({ v: '12', t: `${anew}`, l: '0', u: '99', s: 'p', r: '8', c: '7' })
    expect(await history(shard, 'a')).toEqual(buckets)
    expect(await shard.redis.hgetall(shard.keys.changes.queue)).toEqual({
      'a 7': `${anew} 0 0 12 ${anew} ${anew}`,
    })
    expect(await shard.redis.hgetall(shard.keys.dirty.queue)).toEqual({ 'a 7': `${hour + 1}` })
    expect(await shard.redis.exists(shard.keys.clock)).toBe(0)
  })

  test('that comes again changes nothing', async () => {
    const shard = await store.shard()
    await restore(shard, archived)
    expect(await unchanged(shard, () => restore(shard, archived))).toEqual(['known'])
    expect(await unchanged(shard, () => restore(shard, { ...archived, anew: anew + 10 }))).toEqual(['known'])
  })

  test('by a hundred callers at once restores once', async () => {
    const shard = await store.shard()
    const replies = await Promise.all(
      Array.from({ length: 100 }, (_, i) => restore(shard.racing, { ...archived, anew: anew + i })),
    )
    expect(replies.filter(([word]) => word === 'restored')).toHaveLength(1)
  })

  test('of what the store knows as well, or better, changes nothing', async () => {
    const shard = await store.shard()
    await setClock(shard, noon)
    await create(shard, { id: 'a', created: 7, revision: 8 })
    expect(await unchanged(shard, () => restore(shard, archived))).toEqual(['known'])
    await operate(shard, add('a', 1))
    expect(await unchanged(shard, () => restore(shard, archived))).toEqual(['known'])
    await remove(shard, { id: 'a', created: 7, revision: 9 })
    expect(await unchanged(shard, () => restore(shard, archived))).toEqual(['known'])
    await create(shard, { id: 'a', created: 10 })
    expect(await unchanged(shard, () => restore(shard, archived))).toEqual(['known'])
  })

  test('over an older state of the count takes the archive’s, keeps its minutes, and forgets its open buckets', async () => {
    const shard = await store.shard()
    await setClock(shard, noon - 7.2e9)
    await create(shard, { id: 'a', created: 7, revision: 8, max: 5 })
    await operate(shard, add('a', 3))
    await setClock(shard, noon - 7.1e9)
    await operate(shard, add('a', 1))
    expect(await restore(shard, archived)).toEqual(['restored'])
    expect(await record(shard)).toEqual({ v: '12', t: `${anew}`, l: '', u: '', s: 'a', r: '8', c: '7' })
    expect(await history(shard, 'a')).toEqual({ ...buckets, [`m${Math.floor((noon - 7.2e9) / 60e6)}`]: 3 })
  })

  test('of a later revision alone is taken too', async () => {
    const shard = await store.shard()
    await setClock(shard, noon)
    await create(shard, { id: 'a', created: 7 })
    expect(await restore(shard, { ...archived, status: 'x' })).toEqual(['restored'])
    expect(await record(shard)).toMatchObject({ s: 'x', r: '8', t: `${anew}` })
  })

  test('of a later life leaves nothing of the earlier in it', async () => {
    const shard = await store.shard()
    await setClock(shard, noon - 7.2e9)
    await create(shard, { id: 'a', created: 5 })
    await operate(shard, add('a', 3))
    await setClock(shard, noon - 7.1e9)
    await operate(shard, add('a', 1))
    expect(await restore(shard, archived)).toEqual(['restored'])
    expect(await history(shard, 'a')).toEqual(buckets)
  })

  test('of a removed count puts it into the trash, unannounced', async () => {
    const shard = await store.shard()
    expect(await restore(shard, { ...archived, removed: true })).toEqual(['restored'])
    expect(await shard.redis.hmget(shard.keys.gone('a'), 'v', 't', 'c')).toEqual(['12', `${anew}`, '7'])
    expect(await shard.redis.hgetall(shard.keys.goneHistory('a'))).toEqual(packed)
    for (const key of [shard.keys.gone('a'), shard.keys.goneHistory('a')]) {
      expect(await shard.redis.pttl(key)).toBeGreaterThan(29 * 86_400_000)
    }
    expect(
      await shard.redis.exists(shard.keys.count('a'), shard.keys.history('a'), shard.keys.changes.queue),
    ).toBe(0)
    expect(await create(shard, { id: 'a', created: 7 })).toEqual(['stale'])
    expect(await unchanged(shard, () => restore(shard, { ...archived, removed: true }))).toEqual(['known'])
  })

  test.each([7, 5])('of a removed count ends the life %d of it that the store still has', async (created) => {
    const shard = await store.shard()
    await setClock(shard, noon - 7.2e9)
    await create(shard, { id: 'a', created })
    await operate(shard, add('a', 3))
    await setClock(shard, noon - 7.1e9)
    await operate(shard, add('a', 1))
    expect(await restore(shard, { ...archived, removed: true })).toEqual(['restored'])
    expect(await shard.redis.exists(shard.keys.count('a'), shard.keys.history('a'))).toBe(0)
  })

  test('of a removed count leaves nothing of an earlier removed life in it', async () => {
    const shard = await store.shard()
    await restore(shard, { ...archived, created: 5, revision: 6, removed: true })
    await restore(shard, { ...archived, removed: true, history: {} })
    expect(await shard.redis.hget(shard.keys.gone('a'), 'c')).toBe('7')
    expect(await shard.redis.exists(shard.keys.goneHistory('a'))).toBe(0)
  })

  test('of a count that came out of the trash takes it out', async () => {
    const shard = await store.shard()
    await restore(shard, { ...archived, removed: true })
    expect(await restore(shard, { ...archived, revision: 9, version: noon + 5, anew: anew + 5 })).toEqual([
      'restored',
    ])
    expect(await shard.redis.exists(shard.keys.gone('a'), shard.keys.goneHistory('a'))).toBe(0)
    expect(await history(shard, 'a')).toEqual(buckets)
  })

  test('is announced along with the changes that follow', async () => {
    const shard = await store.shard()
    await restore(shard, archived)
    await setClock(shard, anew + 10)
    await update(shard, { id: 'a', created: 7, revision: 9 })
    await operate(shard, add('a', 3), add('a', -1))
    await operate(shard, add('a', 1))
    const entry = await shard.redis.hget(shard.keys.changes.queue, 'a 7')
    expect(entry).toBe(`${anew} 3 3 15 ${anew + 13} ${anew}`)
    await claim(shard, 'changes', 'relay')
    await operate(shard, add('a', 1))
    expect(await shard.redis.hget(shard.keys.changes.queue, 'a 7')).toBe(`${anew + 13} 1 1 16 ${anew + 14}`)
  })

  test('replaces changes that were queued before the loss', async () => {
    const shard = await store.shard()
    await setClock(shard, noon - 60e6)
    await create(shard, { id: 'a', created: 7 })
    await operate(shard, add('a', 3))
    await restore(shard, archived)
    expect(await shard.redis.hget(shard.keys.changes.queue, 'a 7')).toBe(`${anew} 0 0 12 ${anew} ${anew}`)
  })

  test.each<[string, (args: (string | number)[], keys: string[]) => void]>([
    ['without created', (args) => args.splice(1, 1, '')],
    ['without a revision', (args) => args.splice(2, 1, '')],
    ['with an unknown status', (args) => args.splice(3, 1, 'active')],
    ['without a value', (args) => args.splice(6, 1, '')],
    ['without a version', (args) => args.splice(7, 1, '')],
    ['without a new version', (args) => args.splice(8, 1, '')],
    ['with half a history', (args) => args.splice(10, 1, '["h1"]')],
    ['with a history that is no JSON', (args) => args.splice(10, 1, '[')],
    ['with an argument missing', (args) => args.pop()],
    ['with a key missing', (_, keys) => keys.pop()],
  ])('%s is refused and leaves every key as it was', async (_, spoil) => {
    const shard = await store.shard()
    const { changes, dirty, count, gone, history: past, goneHistory } = shard.keys
    const keys = [count('a'), past('a'), gone('a'), goneHistory('a'), changes.queue, dirty.queue]
    const args = ['a', 7, 8, 'a', '', '', 12, noon, anew, '', '[]']
    spoil(args, keys)
    await unchanged(shard, () =>
      expect(shard.call('count_restore', keys, args)).rejects.toThrow('BAD_ARG count_restore'),
    )
  })
})
