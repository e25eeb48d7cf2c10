import { describe, expect, test } from 'vitest'
import { engines, scriptStore, unchanged } from './script-store.ts'

describe.each(engines)('events_append on $name', ({ start }) => {
  const store = scriptStore(start)

  async function stream() {
    const shard = await store.shard()
    const key = `{s${shard.keys.shard}}:events`
    return {
      shard,
      key,
      append: (length: number | string, ...events: string[]) =>
        shard.call('events_append', [key], [length, ...events]),
    }
  }

  test('keeps the order and says which came last', async () => {
    const { shard, key, append } = await stream()
    await append(100, 'a', 'b')
    const [word, id] = (await append(100, 'c')) as [string, string]
    const entries = await shard.redis.xrange(key, '-', '+')
    expect(entries.map(([, fields]) => fields)).toEqual(['a', 'b', 'c'].map((event) => ['event', event]))
    expect([word, id]).toEqual(['appended', entries[2]?.[0]])
  })

  test('cuts what is too much, a node at a time', async () => {
    const { shard, key, append } = await stream()
    for (let i = 0; i < 10; i++) await append(100, ...Array.from({ length: 100 }, () => 'x'))
    expect(await shard.redis.xlen(key)).toBeLessThanOrEqual(200)
  })

  test.each([[['0', 'x']], [['many', 'x']], [['100']]])(
    'with %j is refused and adds nothing',
    async (args) => {
      const { shard, key } = await stream()
      await unchanged(shard, () =>
        expect(shard.call('events_append', [key], args)).rejects.toThrow('BAD_ARG events_append'),
      )
    },
  )
})
