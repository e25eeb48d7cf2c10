import { describe, expect, test } from 'vitest'
import { add, apply, create } from './script-calls.ts'
import { type Callable, engines, scriptStore, unchanged } from './script-store.ts'

const high = 9e15

describe.each(engines)('recovery_finish on $name', ({ start }) => {
  const store = scriptStore(start)

  /** A shard that waits for recovery, its clock at 1000, which `x` is at work on. */
  async function lost() {
    const shard = await store.shard()
    await shard.redis.set(shard.keys.recovered, 'before')
    await shard.redis.set(shard.keys.clock, '1000')
    await shard.redis.set(shard.keys.recovery, 'x')
    return shard
  }
  const finish = (shard: Callable, holder: string, floor: number) =>
    shard.call(
      'recovery_finish',
      [shard.keys.clock, shard.keys.recovered, shard.keys.recovery],
      [holder, shard.replid, floor],
    )

  test('raises the clock and opens the shard', async () => {
    const shard = await lost()
    await create(shard, { id: 'a' })
    expect((await apply(shard, [{ operations: [add('a', 1)] }])).word).toBe('unrecovered')
    expect(await finish(shard, 'x', high)).toEqual(['recovered', `${high}`])
    expect(await shard.redis.exists(shard.keys.recovery)).toBe(0)
    const { answers } = await apply(shard, [{ operations: [add('a', 1)] }])
    expect(answers[0]?.outcomes).toEqual([['ok', 1, high + 1, 1]])
  })

  test('never moves the clock back', async () => {
    const shard = await lost()
    expect(await finish(shard, 'x', 999)).toEqual(['recovered', '1000'])
    expect(await shard.redis.get(shard.keys.clock)).toBe('1000')
  })

  test('by another than the holder, or a second time, changes nothing', async () => {
    const shard = await lost()
    expect(await unchanged(shard, () => finish(shard, 'y', high))).toEqual(['lost'])
    await finish(shard, 'x', high)
    expect(await unchanged(shard, () => finish(shard, 'x', high + 1))).toEqual(['lost'])
  })

  test('by a hundred callers at once finishes once', async () => {
    const shard = await lost()
    const replies = await Promise.all(Array.from({ length: 100 }, () => finish(shard.racing, 'x', high)))
    expect(replies.filter((reply) => (reply as string[])[0] === 'recovered')).toHaveLength(1)
  })

  test.each([[['x', 'id']], [['x', '', 5]], [['x', 'id', 'high']]])(
    'with %j is refused and leaves every key as it was',
    async (args) => {
      const shard = await lost()
      const keys = [shard.keys.clock, shard.keys.recovered, shard.keys.recovery]
      await unchanged(shard, () =>
        expect(shard.call('recovery_finish', keys, args)).rejects.toThrow('BAD_ARG recovery_finish'),
      )
    },
  )
})
