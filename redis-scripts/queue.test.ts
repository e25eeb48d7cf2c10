import { describe, expect, test } from 'vitest'
import { ack, add, at, claim, create, operate, renew, setClock } from './script-calls.ts'
import { engines, type ScriptShard, scriptStore, unchanged } from './script-store.ts'

const noon = at('2031-05-17T12:00:30Z')

describe.each(engines)('the queues on $name', ({ start }) => {
  const store = scriptStore(start)

  /** A shard with counts `a` and `b`, both changed: two entries in either queue. */
  async function changed() {
    const shard = await store.shard()
    await setClock(shard, noon)
    for (const id of ['a', 'b']) await create(shard, { id })
    await operate(shard, add('a', 1), add('b', 2))
    return shard
  }
  const expire = (shard: ScriptShard, queue: 'changes' | 'dirty' = 'changes') =>
    shard.redis.hset(shard.keys[queue].lease, 'until', '1')
  const claimed = (shard: ScriptShard) => shard.redis.hgetall(shard.keys.changes.claimed)
  const entries = { 'a 1': `${noon} 1 1 1 ${noon + 2}`, 'b 1': `${noon + 1} 2 1 2 ${noon + 3}` }

  describe('queue_claim', () => {
    test.each(['changes', 'dirty'] as const)('moves %s aside under the next number', async (queue) => {
      const shard = await changed()
      const before = await shard.redis.hgetall(shard.keys[queue].queue)
      expect(await claim(shard, queue, 'x')).toEqual(['claimed', '1', 2])
      expect(await shard.redis.exists(shard.keys[queue].queue)).toBe(0)
      expect(await shard.redis.hgetall(shard.keys[queue].claimed)).toEqual(before)
    })

    test('of an empty queue takes no number', async () => {
      const shard = await store.shard()
      expect(await unchanged(shard, () => claim(shard, 'changes', 'x'))).toEqual(['empty'])
    })

    test('while another holds the lease is told who', async () => {
      const shard = await changed()
      await claim(shard, 'changes', 'x')
      expect(await unchanged(shard, () => claim(shard, 'changes', 'y'))).toEqual(['leased', 'x'])
    })

    test('that was not acknowledged comes again, identical, to whoever asks next', async () => {
      const shard = await changed()
      await claim(shard, 'changes', 'x')
      await operate(shard, add('a', 4))
      expect(await claim(shard, 'changes', 'x')).toEqual(['claimed', '2', 2])
      expect(await claimed(shard)).toEqual(entries)
      await expire(shard)
      expect(await claim(shard, 'changes', 'y')).toEqual(['claimed', '3', 2])
      expect(await claimed(shard)).toEqual(entries)
      await ack(shard, 'changes', 'y', '3')
      expect(await claim(shard, 'changes', 'y')).toEqual(['claimed', '4', 1])
      expect(await claimed(shard)).toEqual({ 'a 1': `${noon + 2} 4 1 5 ${noon + 4}` })
    })

    test('leases until the drainer has been silent for as long as it said', async () => {
      const shard = await changed()
      const [seconds, micros] = await shard.redis.time()
      await claim(shard, 'changes', 'x', 60_000)
      const until = Number(await shard.redis.hget(shard.keys.changes.lease, 'until'))
      const since = Number(seconds) * 1e6 + Number(micros)
      expect(until).toBeGreaterThanOrEqual(since + 60e6)
      expect(until).toBeLessThan(since + 70e6)
      expect(await shard.redis.pttl(shard.keys.changes.lease)).toBe(-1)
    })

    test('by a hundred drainers at once is one’s', async () => {
      const shard = await changed()
      const { queue, claimed, lease } = shard.keys.changes
      const replies = await Promise.all(
        Array.from({ length: 100 }, (_, i) =>
          shard.racing.call('queue_claim', [queue, claimed, lease], [`d${i}`, 10_000]),
        ),
      )
      const words = replies.map((reply) => (reply as string[])[0])
      expect(words.filter((word) => word === 'claimed')).toHaveLength(1)
      expect(words.filter((word) => word === 'leased')).toHaveLength(99)
    })

    test.each([
      ['no drainer', ['', 1000]],
      ['no lease', ['x', '']],
      ['a lease of nothing', ['x', 0]],
      ['too few arguments', ['x']],
      ['too many arguments', ['x', 1000, 1]],
    ])('with %s is refused and leaves every key as it was', async (_, args) => {
      const shard = await changed()
      const { queue, claimed, lease } = shard.keys.changes
      const call = () =>
        expect(shard.call('queue_claim', [queue, claimed, lease], args)).rejects.toThrow(
          'BAD_ARG queue_claim',
        )
      await unchanged(shard, call)
      await unchanged(shard, () =>
        expect(shard.call('queue_claim', [queue, claimed], ['x', 1000])).rejects.toThrow('BAD_ARG'),
      )
    })
  })

  describe('queue_ack', () => {
    test('removes the claim and gives up the lease, and nothing that came since', async () => {
      const shard = await changed()
      await claim(shard, 'changes', 'x')
      await operate(shard, add('a', 4))
      expect(await ack(shard, 'changes', 'x', '1')).toEqual(['acknowledged'])
      expect(await claimed(shard)).toEqual({})
      expect(await shard.redis.hlen(shard.keys.changes.queue)).toBe(1)
      expect(await claim(shard, 'changes', 'y')).toEqual(['claimed', '2', 1])
    })

    test('that comes again changes nothing', async () => {
      const shard = await changed()
      await claim(shard, 'changes', 'x')
      await ack(shard, 'changes', 'x', '1')
      expect(await unchanged(shard, () => ack(shard, 'changes', 'x', '1'))).toEqual(['lost'])
    })

    test('by a drainer that slept past its lease leaves its successor’s claim', async () => {
      const shard = await changed()
      await claim(shard, 'changes', 'x')
      await expire(shard)
      await claim(shard, 'changes', 'y')
      expect(await unchanged(shard, () => ack(shard, 'changes', 'x', '1'))).toEqual(['lost'])
      expect(await unchanged(shard, () => ack(shard, 'changes', 'x', '2'))).toEqual(['lost'])
      expect(await unchanged(shard, () => ack(shard, 'changes', 'y', '1'))).toEqual(['lost'])
      expect(await ack(shard, 'changes', 'y', '2')).toEqual(['acknowledged'])
    })

    test('by a drainer whose lease ended while nobody took over is good', async () => {
      const shard = await changed()
      await claim(shard, 'changes', 'x')
      await expire(shard)
      expect(await ack(shard, 'changes', 'x', '1')).toEqual(['acknowledged'])
    })

    test('with arguments missing is refused and leaves every key as it was', async () => {
      const shard = await changed()
      await claim(shard, 'changes', 'x')
      const { claimed, lease } = shard.keys.changes
      await unchanged(shard, () =>
        expect(shard.call('queue_ack', [claimed, lease], ['x'])).rejects.toThrow('BAD_ARG queue_ack'),
      )
      await unchanged(shard, () =>
        expect(shard.call('queue_ack', [lease], ['x', '1'])).rejects.toThrow('BAD_ARG queue_ack'),
      )
    })
  })

  describe('queue_renew', () => {
    test('keeps the lease', async () => {
      const shard = await changed()
      await claim(shard, 'changes', 'x')
      await expire(shard)
      expect(await renew(shard, 'changes', 'x', '1')).toEqual(['renewed'])
      expect(await renew(shard, 'changes', 'x', '1')).toEqual(['renewed'])
      expect(await claim(shard, 'changes', 'y')).toEqual(['leased', 'x'])
    })

    test('of another’s claim, or one acknowledged, changes nothing', async () => {
      const shard = await changed()
      await claim(shard, 'changes', 'x')
      expect(await unchanged(shard, () => renew(shard, 'changes', 'y', '1'))).toEqual(['lost'])
      expect(await unchanged(shard, () => renew(shard, 'changes', 'x', '2'))).toEqual(['lost'])
      await ack(shard, 'changes', 'x', '1')
      expect(await unchanged(shard, () => renew(shard, 'changes', 'x', '1'))).toEqual(['lost'])
    })

    test.each([[['x', '1']], [['x', '1', 0]], [['x', '1', 'long']]])(
      'with %j is refused and leaves every key as it was',
      async (args) => {
        const shard = await changed()
        await claim(shard, 'changes', 'x')
        const { lease } = shard.keys.changes
        await unchanged(shard, () =>
          expect(shard.call('queue_renew', [lease], args)).rejects.toThrow('BAD_ARG queue_renew'),
        )
      },
    )
  })
})
