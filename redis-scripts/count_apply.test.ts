import { callScript } from '@count/core/scripts'
import type { Redis } from 'ioredis'
import { describe, expect, test } from 'vitest'
import {
  ack,
  add,
  apply,
  at,
  claim,
  create,
  encodeApply,
  history,
  type Offsets,
  type Op,
  operate,
  remove,
  set,
  setClock,
  update,
} from './script-calls.ts'
import { engines, type ScriptShard, scriptStore, unchanged } from './script-store.ts'

const most = 2 ** 52 - 1
const noon = at('2031-05-17T12:00:30Z')

/** The present generation of kept answers, an hour each. */
const now = () => Math.floor(Date.now() / 3_600_000)

describe.each(engines)('count_apply on $name', ({ start }) => {
  const store = scriptStore(start)

  /** A shard whose next version is `noon`, with one count `a` (version `noon`) unless told otherwise. */
  async function withCount(info: Partial<Parameters<typeof create>[1]> = {}, value = 0) {
    const shard = await store.shard()
    await setClock(shard, noon)
    await create(shard, { id: 'a', ...info }, { value })
    return shard
  }

  /** Refused operations leave everything but the writer's own record. */
  async function refused(shard: ScriptShard, ...operations: Op[]) {
    const before = await shard.dump()
    const { answers, writer } = await apply(shard, [{ operations, key: 'k', content: 'c' }])
    await shard.redis.del(writer)
    expect(await shard.dump()).toEqual(before)
    return answers[0]?.outcomes
  }

  describe('an operation', () => {
    test('adds, takes away and sets, each under a later version, with its difference', async () => {
      const shard = await withCount({}, 10)
      expect(await operate(shard, add('a', 5), add('a', -7), set('a', 100))).toEqual([
        ['ok', 15, noon + 1, 5],
        ['ok', 8, noon + 2, -7],
        ['ok', 100, noon + 3, 92],
      ])
      expect(await shard.redis.hmget(shard.keys.count('a'), 'v', 't')).toEqual(['100', `${noon + 3}`])
      expect(await shard.redis.get(shard.keys.clock)).toBe(`${noon + 3}`)
    })

    test('takes the store’s time as its version when the clock is behind it', async () => {
      const shard = await store.shard()
      await create(shard, { id: 'a' })
      const before = await shard.redis.time()
      const [first, second] = await operate(shard, add('a', 1), add('a', 1))
      const time = Number(before[0]) * 1e6 + Number(before[1])
      expect(first?.[2]).toBeGreaterThanOrEqual(time)
      expect(first?.[2]).toBeLessThan(time + 5e6)
      expect(second?.[2]).toBe((first?.[2] ?? 0) + 1)
    })

    test('on a missing count is refused as missing', async () => {
      const shard = await withCount()
      expect(await refused(shard, add('b', 1))).toEqual([['missing', 0, 0]])
    })

    test('on a paused or archived count is refused and told value and version', async () => {
      const shard = await withCount({ status: 'paused' }, 4)
      expect(await refused(shard, add('a', 1))).toEqual([['paused', 4, noon]])
      await update(shard, { id: 'a', revision: 2, status: 'archived' })
      expect(await refused(shard, set('a', 4))).toEqual([['archived', 4, noon]])
      await update(shard, { id: 'a', revision: 3, status: 'active' })
      expect(await operate(shard, add('a', 1))).toEqual([['ok', 5, noon + 3, 1]])
    })

    test('that names the version it expects is refused when another came between', async () => {
      const shard = await withCount({}, 4)
      expect(await operate(shard, set('a', 9, noon))).toEqual([['ok', 9, noon + 1, 5]])
      expect(await refused(shard, set('a', 9, noon))).toEqual([['mismatch', 9, noon + 1]])
      expect(await operate(shard, set('a', 9, noon + 1))).toEqual([['ok', 9, noon + 2, 0]])
    })

    test('may reach its bounds and not pass them', async () => {
      const shard = await withCount({ min: -3, max: 3 })
      expect(await operate(shard, add('a', 3))).toEqual([['ok', 3, noon + 1, 3]])
      expect(await refused(shard, add('a', 1))).toEqual([['bounds', 3, noon + 1]])
      expect(await refused(shard, set('a', -4))).toEqual([['bounds', 3, noon + 1]])
      expect(await operate(shard, set('a', -3))).toEqual([['ok', -3, noon + 2, -6]])
      expect(await refused(shard, add('a', -1))).toEqual([['bounds', -3, noon + 2]])
    })

    test('is exact up to both ends of the range, and refused beyond', async () => {
      const shard = await withCount()
      expect(await operate(shard, set('a', most - 1), add('a', 1), add('a', 1), add('a', most))).toEqual([
        ['ok', most - 1, noon + 1, most - 1],
        ['ok', most, noon + 2, 1],
        ['range', most, noon + 2],
        ['range', most, noon + 2],
      ])
      expect(await operate(shard, set('a', -most), add('a', -1), add('a', most), add('a', most - 2))).toEqual(
        [
          ['ok', -most, noon + 3, -2 * most],
          ['range', -most, noon + 3],
          ['ok', 0, noon + 4, most],
          ['ok', most - 2, noon + 5, most - 2],
        ],
      )
      expect(await shard.redis.hget(shard.keys.count('a'), 'v')).toBe('4503599627370493')
      const change = await shard.redis.hget(shard.keys.changes.queue, 'a 1')
      expect(change).toBe(`${noon} 4503599627370493 5 4503599627370493 ${noon + 5}`)
      expect((await history(shard, 'a')).d22416).toBe(4503599627370493)
    })

    test('that is refused among others writes nothing of its own, and they are done', async () => {
      const shard = await withCount({ max: 5 })
      await create(shard, { id: 'b' })
      const outcomes = await operate(shard, add('a', 4), add('c', 1), add('b', 1), add('a', 2), add('a', 1))
      expect(outcomes.map(([word, value]) => [word, value])).toEqual([
        ['ok', 4],
        ['missing', 0],
        ['ok', 1],
        ['bounds', 4],
        ['ok', 5],
      ])
    })
  })

  describe('a request that is not final', () => {
    test('is refused whole when one of its counts is missing', async () => {
      const shard = await withCount()
      const operations = [add('a', 1), set('b', 1, 7), add('a', 1)]
      const { answers } = await apply(shard, [
        { operations, final: false, key: 'k', content: 'c' },
        { operations: [add('a', 5)], final: false },
      ])
      expect(answers.map(({ outcomes }) => outcomes)).toEqual([
        [
          ['waiting', 0, 0],
          ['missing', 0, 0],
          ['waiting', 0, 0],
        ],
        [['ok', 5, noon + 1, 5]],
      ])
      expect(await shard.redis.exists(shard.keys.idempotency(now()))).toBe(0)
    })
  })

  describe('a call', () => {
    test('that comes again gets its first answer and adds nothing', async () => {
      const shard = await withCount()
      const call = () =>
        apply(shard, [{ operations: [add('a', 1), add('a', 10_000)] }], { writer: 'w', number: 3 })
      const first = await call()
      const before = await shard.dump()
      await shard.redis.expire(shard.keys.writer('w'), 60)
      expect((await call()).answers).toEqual(first.answers)
      const [again] = (await shard.dump())['writer:w'] ?? []
      expect(again).toBe(before['writer:w']?.[0])
      // Written anew, so that a WAIT behind it waits for what the first call wrote.
      expect(await shard.redis.ttl(shard.keys.writer('w'))).toBeGreaterThan(3590)
      expect(await shard.redis.hget(shard.keys.count('a'), 'v')).toBe('10001')
    })

    test('that comes again is answered even past its deadline and on a primary not recovered', async () => {
      const shard = await withCount()
      const requests = [{ operations: [add('a', 1)] }]
      const first = await apply(shard, requests, { writer: 'w', number: 3 })
      const again = await apply(shard, requests, { writer: 'w', number: 3, deadline: 1, replid: 'other' })
      expect([again.word, again.answers]).toEqual(['done', first.answers])
    })

    test('of which all was refused is remembered too', async () => {
      const shard = await withCount({ status: 'paused' })
      const call = () => apply(shard, [{ operations: [add('a', 1)] }], { writer: 'w', number: 3 })
      expect((await call()).answers[0]?.outcomes).toEqual([['paused', 0, noon]])
      await update(shard, { id: 'a', revision: 2, status: 'active' })
      expect((await call()).answers[0]?.outcomes).toEqual([['paused', 0, noon]])
    })

    test('under a lower number than the last is stale', async () => {
      const shard = await withCount()
      await apply(shard, [{ operations: [add('a', 1)] }], { writer: 'w', number: 10 })
      const late = () => apply(shard, [{ operations: [add('a', 1)] }], { writer: 'w', number: 9 })
      expect(await unchanged(shard, late)).toMatchObject({ word: 'stale', number: 9, answers: [] })
      const other = await apply(shard, [{ operations: [add('a', 1)] }], { writer: 'other', number: 9 })
      expect(other.word).toBe('done')
    })

    test('past its deadline is late, and tells the store’s time', async () => {
      const shard = await withCount()
      const [seconds] = await shard.redis.time()
      const past = () =>
        apply(shard, [{ operations: [add('a', 1)] }], { deadline: Number(seconds) * 1e6 - 1 })
      const { word, time } = await unchanged(shard, past)
      expect(word).toBe('late')
      expect(time).toBeGreaterThanOrEqual(Number(seconds) * 1e6)
      expect((await apply(shard, [{ operations: [add('a', 1)] }], { deadline: time + 60e6 })).word).toBe(
        'done',
      )
    })

    test('on a primary that recovery has not finished on is unrecovered', async () => {
      const shard = await withCount()
      const call = () => apply(shard, [{ operations: [add('a', 1)] }], { replid: 'another' })
      expect((await unchanged(shard, call)).word).toBe('unrecovered')
      await shard.redis.del(shard.keys.recovered)
      expect((await unchanged(shard, call)).word).toBe('unrecovered')
    })

    test('of a thousand operations on as many counts is one call', async () => {
      const { racing: shard } = await withCount()
      const ids = Array.from({ length: 1000 }, (_, i) => `n${i}`)
      for (const id of ids)
        await shard.redis.hset(
          shard.keys.count(id),
          'v',
          0,
          't',
          1,
          'l',
          '',
          'u',
          '',
          's',
          'a',
          'r',
          1,
          'c',
          1,
        )
      const { answers } = await apply(
        shard,
        ids.map((id, i) => ({ operations: [add(id, i)], key: id, content: 'c' })),
      )
      expect(answers.map(({ outcomes }) => outcomes[0])).toEqual(
        ids.map((_, i) => ['ok', i, noon + 1 + i, i]),
      )
      expect(await shard.redis.hlen(shard.keys.changes.queue)).toBe(1000)
    })

    test('a hundred callers at once land exactly on the bound', async () => {
      const shard = await withCount({ min: 0 }, 137)
      const connections = Array.from({ length: 10 }, () => shard.redis.duplicate({ lazyConnect: true }))
      await Promise.all(connections.map((connection) => connection.connect()))
      try {
        const words = await Promise.all(
          Array.from({ length: 100 }, async (_, i) => {
            const { keys, args } = encodeApply(shard, [{ operations: [add('a', -2)] }], { writer: `w${i}` })
            const reply = (await callScript(
              connections[i % 10] as Redis,
              'count_apply',
              keys,
              args,
            )) as string[]
            return JSON.parse(reply[3] ?? '')[0][1]
          }),
        )
        expect(words.filter((word) => word === 'bounds')).toHaveLength(32)
        expect(await shard.redis.hget(shard.keys.count('a'), 'v')).toBe('1')
      } finally {
        for (const connection of connections) connection.disconnect()
      }
    })

    test.each<[string, (args: (string | number)[], keys: string[]) => void]>([
      ['without a number', (args) => args.splice(1, 1, 'x')],
      ['without a deadline', (args) => args.splice(2, 1, '')],
      ['without an offset', (args) => args.splice(3, 1, '')],
      ['without the offset’s change', (args) => args.splice(4, 1, 'never')],
      ['without the next offset', (args) => args.splice(5, 1, '')],
      ['without a time to keep answers', (args) => args.splice(6, 1, '')],
      ['with no time to keep answers', (args) => args.splice(6, 1, 0)],
      ['with half a millisecond to keep answers', (args) => args.splice(6, 1, '0.5')],
      ['whose requests are no JSON', (args) => args.splice(8, 1, '[[')],
      ['whose requests are no list', (args) => args.splice(8, 1, '7')],
      ['without requests', (args) => args.pop()],
      ['with keys missing', (_, keys) => keys.pop()],
    ])('%s is refused and leaves every key as it was', async (_, spoil) => {
      const shard = await withCount()
      await apply(shard, [{ operations: [add('a', 1)], key: 'other', content: 'c' }], { writer: 'w' })
      // A key of the count's closed history too: the clock went on.
      await setClock(shard, noon + 90e6)
      const { keys, args } = encodeApply(shard, [{ operations: [add('a', 1)], key: 'k', content: 'c' }], {
        writer: 'w',
        number: 2,
      })
      spoil(args, keys)
      await unchanged(shard, () =>
        expect(shard.call('count_apply', keys, args)).rejects.toThrow('BAD_ARG count_apply'),
      )
    })

    test.each<[string, unknown]>([
      ['an unknown count', [[0, '', 1, 2, 0, 1]]],
      ['no amount', [[0, '', 1, 1, 0]]],
      ['an amount that is no number', [[0, '', 1, 1, 0, 'x']]],
      ['an amount that is nothing', [[0, '', 1, 1, 1, null]]],
    ])('that names %s fails before anything is written', async (_, requests) => {
      const shard = await withCount()
      const { keys, args } = encodeApply(shard, [{ operations: [add('a', 1)] }], { writer: 'w' })
      args[8] = JSON.stringify(requests)
      await unchanged(shard, () => expect(shard.call('count_apply', keys, args)).rejects.toThrow())
    })

    test.each(['NaN', 'Infinity', '-Infinity', '1e999', '0.5'])(
      'that adds %s is out of range',
      async (amount) => {
        const shard = await withCount()
        const { keys, args } = encodeApply(shard, [{ operations: [add('a', 1)] }], { writer: 'w' })
        args[8] = `[[0,"",1,1,0,${amount}]]`
        const reply = (await shard.call('count_apply', keys, args)) as string[]
        expect(reply[3]).toBe(`[[0,"range",0,${noon}]]`)
      },
    )
  })

  describe('an idempotency key', () => {
    const keyed = (content: string, ...operations: Op[]) => ({ operations, key: 'k', content })

    test('gets the first answer again in a later call, and adds nothing', async () => {
      const shard = await withCount()
      const first = await apply(shard, [keyed('c', add('a', 2), add('a', 3))])
      const second = await apply(shard, [keyed('c', add('a', 2), add('a', 3))])
      expect(first.answers).toEqual([
        {
          replayed: false,
          outcomes: [
            ['ok', 2, noon + 1, 2],
            ['ok', 5, noon + 2, 3],
          ],
        },
      ])
      expect(second.answers).toEqual([{ ...first.answers[0], replayed: true }])
      expect(await shard.redis.hget(shard.keys.count('a'), 'v')).toBe('5')
    })

    test('is refused with another content', async () => {
      const shard = await withCount()
      await apply(shard, [keyed('c', add('a', 2))])
      const { answers } = await apply(shard, [keyed('d', add('a', 2))])
      expect(answers).toEqual([{ replayed: false, outcomes: [['reused', 0, 0]] }])
      expect(await shard.redis.hget(shard.keys.count('a'), 'v')).toBe('2')
    })

    test('is kept by a request without operations, and refused with another content then', async () => {
      const shard = await withCount()
      const answers = [keyed('c'), keyed('c'), keyed('d', add('a', 2)), keyed('c', add('a', 2))]
      expect((await apply(shard, answers)).answers).toEqual([
        { replayed: false, outcomes: [] },
        { replayed: true, outcomes: [] },
        { replayed: false, outcomes: [['reused', 0, 0]] },
        { replayed: true, outcomes: [] },
      ])
      expect((await apply(shard, answers.slice(2))).answers).toEqual([
        { replayed: false, outcomes: [['reused', 0, 0]] },
        { replayed: true, outcomes: [] },
      ])
      expect(await shard.redis.hget(shard.keys.count('a'), 'v')).toBe('0')
    })

    test('used by several requests of one call counts once', async () => {
      const shard = await withCount()
      const { answers } = await apply(shard, [
        keyed('c', add('a', 2)),
        keyed('c', add('a', 2)),
        keyed('d', add('a', 2)),
      ])
      expect(answers).toEqual([
        { replayed: false, outcomes: [['ok', 2, noon + 1, 2]] },
        { replayed: true, outcomes: [['ok', 2, noon + 1, 2]] },
        { replayed: false, outcomes: [['reused', 0, 0]] },
      ])
    })

    test('whose request was wholly refused is judged anew', async () => {
      const shard = await withCount({ max: 1 })
      const { answers } = await apply(shard, [keyed('c', add('a', 2))])
      expect(answers[0]?.outcomes).toEqual([['bounds', 0, noon]])
      await update(shard, { id: 'a', revision: 2, max: 2 })
      const again = await apply(shard, [keyed('c', add('a', 2))])
      expect(again.answers[0]).toMatchObject({ replayed: false, outcomes: [['ok', 2, noon + 2, 2]] })
    })

    test('replays refusals along with what was written', async () => {
      const shard = await withCount({ max: 2 })
      const request = keyed('c', add('a', 2), add('a', 1), add('b', 1))
      const first = await apply(shard, [request])
      await update(shard, { id: 'a', revision: 2, max: 9 })
      expect((await apply(shard, [request])).answers).toEqual([{ ...first.answers[0], replayed: true }])
    })

    test('keeps its answer as long as told, and at most twice as long', async () => {
      const shard = await withCount()
      const { time } = await apply(shard, [keyed('c', add('a', 2))], { keptMs: 40_000 })
      const generation = Math.floor(time / 1000 / 40_000)
      const left = await shard.redis.pttl(shard.keys.idempotency(generation))
      const end = (generation + 2) * 40_000 - time / 1000
      expect(left).toBeGreaterThan(end - 10_000)
      expect(left).toBeLessThanOrEqual(Math.ceil(end))
      await shard.redis.del(shard.keys.idempotency(generation))
      expect((await apply(shard, [keyed('c', add('a', 2))], { keptMs: 40_000 })).answers[0]?.replayed).toBe(
        false,
      )
    })

    test.each([-1, 0, 1])('is found by a caller whose clock is %i generations off', async (off) => {
      const shard = await withCount()
      await apply(shard, [keyed('c', add('a', 2))], { generation: now() + off })
      expect(await shard.redis.hkeys(shard.keys.idempotency(now()))).toEqual(['k'])
      for (const seen of [-1, 0, 1]) {
        const { answers } = await apply(shard, [keyed('c', add('a', 2))], { generation: now() + seen })
        expect(answers[0]?.replayed).toBe(true)
      }
    })

    test('of a caller whose clock is further off is late: it could not be found again', async () => {
      const shard = await withCount()
      for (const generation of [now() - 2, now() + 2]) {
        const { word } = await apply(shard, [keyed('c', add('a', 2))], { generation })
        expect(word).toBe('late')
      }
    })

    test('may have an empty content', async () => {
      const shard = await withCount()
      await apply(shard, [keyed('', add('a', 2))])
      expect((await apply(shard, [keyed('', add('a', 2))])).answers[0]?.replayed).toBe(true)
    })
  })

  describe('the queues', () => {
    const queued = (shard: ScriptShard, queue: 'changes' | 'dirty', id = 'a 1') =>
      shard.redis.hget(shard.keys[queue].queue, id)

    test('conflate: from the version before the first change, the sum, the number, the last value and version', async () => {
      const shard = await withCount({}, 10)
      await operate(shard, add('a', 5), add('a', -7))
      expect(await queued(shard, 'changes')).toBe(`${noon} -2 2 8 ${noon + 2}`)
      await operate(shard, set('a', 0))
      expect(await queued(shard, 'changes')).toBe(`${noon} -10 3 0 ${noon + 3}`)
    })

    test('of one call add up exactly, also where their sum and the value together are beyond 2^53', async () => {
      const shard = await withCount({}, -4)
      await operate(shard, set('a', most - 1), set('a', most))
      expect(await queued(shard, 'changes')).toBe(`${noon} ${most + 4} 2 ${most} ${noon + 2}`)
      expect((await history(shard, 'a'))[`m${Math.floor(noon / 60e6)}`]).toBe(most + 4)
    })

    test('begin anew behind a claim', async () => {
      const shard = await withCount()
      await operate(shard, add('a', 5))
      await claim(shard, 'changes', 'relay')
      await operate(shard, add('a', 2))
      expect(await queued(shard, 'changes')).toBe(`${noon + 1} 2 1 7 ${noon + 2}`)
      expect(await shard.redis.hget(shard.keys.changes.claimed, 'a 1')).toBe(`${noon} 5 1 5 ${noon + 1}`)
      await ack(shard, 'changes', 'relay', '1')
      expect(await queued(shard, 'changes')).toBe(`${noon + 1} 2 1 7 ${noon + 2}`)
    })

    test('name the life of the count', async () => {
      const shard = await withCount()
      await operate(shard, add('a', 5))
      await remove(shard, { id: 'a', revision: 2 })
      await create(shard, { id: 'a', created: 3 })
      await operate(shard, add('a', 1))
      expect(await queued(shard, 'changes', 'a 1')).toBe(`${noon} 5 1 5 ${noon + 1}`)
      expect(await queued(shard, 'changes', 'a 3')).toBe(`${noon + 3} 1 1 1 ${noon + 4}`)
    })

    test('keep the version under which recovery brought a count back', async () => {
      const shard = await withCount()
      await shard.redis.hset(shard.keys.changes.queue, 'a 1', `${noon} 0 0 0 ${noon} ${noon}`)
      await operate(shard, add('a', 5))
      await operate(shard, add('a', 5))
      expect(await queued(shard, 'changes')).toBe(`${noon} 10 2 10 ${noon + 2} ${noon}`)
    })

    test('keep the hour of the first change for write-behind', async () => {
      const shard = await withCount()
      const hour = Math.floor(noon / 3.6e9)
      await shard.redis.del(shard.keys.dirty.queue)
      await operate(shard, add('a', 1))
      await setClock(shard, noon + 2 * 3.6e9)
      await operate(shard, add('a', 1))
      expect(await queued(shard, 'dirty')).toBe(`${hour}`)
      await claim(shard, 'dirty', 'writer')
      await operate(shard, add('a', 1))
      expect(await queued(shard, 'dirty')).toBe(`${hour + 2}`)
    })
  })

  describe('history', () => {
    const minute = Math.floor(noon / 60e6)
    const hour = Math.floor(noon / 3.6e9)
    const day = Math.floor(noon / 86.4e9)
    const closed = async (shard: ScriptShard) => shard.redis.hgetall(shard.keys.history('a'))
    const open = (shard: ScriptShard) => shard.redis.hget(shard.keys.count('a'), 'o')
    const addAt = async (shard: ScriptShard, time: number, amount: number, offsets?: Offsets) => {
      await setClock(shard, time)
      await apply(shard, [{ operations: [add('a', amount)] }], { offsets })
    }

    test('keeps open buckets in the record until they close', async () => {
      const shard = await withCount()
      await operate(shard, add('a', 3), add('a', -1))
      await operate(shard, add('a', 5))
      expect(await open(shard)).toBe(`${minute}:7:7:${day}:7`)
      expect(await closed(shard)).toEqual({})
    })

    test('closes a minute, an hour and a day when the next begins, each into its place', async () => {
      const shard = await withCount()
      await addAt(shard, at('2031-05-17T12:00:59.999999Z'), 1)
      await addAt(shard, at('2031-05-17T12:01:00Z'), 2)
      expect(await closed(shard)).toEqual({ [`m${hour % 50}`]: `${hour};0:1` })
      expect(await open(shard)).toBe(`${minute + 1}:2:3:${day}:3`)
      await addAt(shard, at('2031-05-17T13:00:00Z'), 4)
      expect(await closed(shard)).toEqual({
        [`m${hour % 50}`]: `${hour};0:1;1:2`,
        [`h${day % 92}`]: `${day};12:3`,
      })
      expect(await open(shard)).toBe(`${minute + 60}:4:4:${day}:7`)
      await addAt(shard, at('2031-05-18T00:00:00Z'), 8)
      expect((await closed(shard))[`d${Math.floor(day / 32) % 117}`]).toBe(
        `${Math.floor(day / 32)};${day % 32}:7`,
      )
      expect(await history(shard, 'a')).toEqual({
        [`m${minute}`]: 1,
        [`m${minute + 1}`]: 2,
        [`m${minute + 60}`]: 4,
        [`m${minute + 720}`]: 8,
        [`h${hour}`]: 3,
        [`h${hour + 1}`]: 4,
        [`h${hour + 12}`]: 8,
        [`d${day}`]: 7,
        [`d${day + 1}`]: 8,
      })
    })

    test('writes nothing for a bucket whose changes cancel out', async () => {
      const shard = await withCount()
      await operate(shard, add('a', 3), add('a', -3))
      await addAt(shard, noon + 86.4e9, 1)
      expect(await closed(shard)).toEqual({})
    })

    test('overwrites the oldest block when a ring comes round, and no other', async () => {
      const shard = await withCount()
      await addAt(shard, noon, 1)
      await addAt(shard, noon + 49 * 3.6e9, 2)
      await addAt(shard, noon + 50 * 3.6e9, 4)
      await addAt(shard, noon + 51 * 3.6e9, 8)
      const fields = await closed(shard)
      expect(fields[`m${(hour + 49) % 50}`]).toBe(`${hour + 49};0:2`)
      expect(fields[`m${hour % 50}`]).toBe(`${hour + 50};0:4`)
      for (const [ring, size, letter] of [
        [92, 86.4e9, 'h'],
        [117, 32 * 86.4e9, 'd'],
      ] as const) {
        const other = await withCount()
        await addAt(other, noon, 1)
        await addAt(other, noon + ring * size, 2)
        const block = Math.floor(noon / size)
        expect((await closed(other))[`${letter}${block % ring}`]).toMatch(new RegExp(`^${block};\\d+:1$`))
        await addAt(other, noon + (ring + 1) * size, 4)
        expect((await closed(other))[`${letter}${block % ring}`]).toMatch(
          new RegExp(`^${block + ring};\\d+:2$`),
        )
      }
    })

    test('does not put a bucket that closes late over a newer block', async () => {
      const shard = await withCount()
      await addAt(shard, noon, 1)
      // An import into the minute slot's next round, while the old minute is still open.
      await shard.redis.hset(shard.keys.history('a'), `m${hour % 50}`, `${hour + 50};3:9`)
      await addAt(shard, noon + 50 * 3.6e9 + 600e6, 2)
      await addAt(shard, noon + 51 * 3.6e9, 4)
      expect((await closed(shard))[`m${hour % 50}`]).toBe(`${hour + 50};3:9;10:2`)
    })

    test('cuts days by the zone’s offset', async () => {
      const shard = await withCount()
      const seoul = { offset: 32_400, changesAt: 8_640_000_000_000, next: 32_400 }
      await addAt(shard, at('2031-05-17T14:59:59Z'), 1, seoul)
      await addAt(shard, at('2031-05-17T15:00:00Z'), 2, seoul)
      expect(await history(shard, 'a')).toMatchObject({ [`d${day}`]: 1, [`d${day + 1}`]: 2 })
    })

    test('takes the next offset at the very second it is in force', async () => {
      const shard = await withCount()
      const offsets = { offset: 0, changesAt: noon / 1e6 - 30, next: 43_200 }
      await addAt(shard, noon - 30e6 - 1, 1, offsets)
      await addAt(shard, noon - 30e6, 2, offsets)
      expect(await history(shard, 'a')).toMatchObject({ [`d${day}`]: 1, [`d${day + 1}`]: 2 })
    })

    test('counts a day of 25 hours as one', async () => {
      const changesAt = Date.parse('2031-11-02T06:00:00Z') / 1000
      const newYork = { offset: -14_400, changesAt, next: -18_000 }
      const shard = await withCount()
      // The day has 25 hours: 04:00Z to 05:00Z of the next day.
      const local = Math.floor(Date.parse('2031-11-02T00:00:00Z') / 86.4e6)
      await addAt(shard, at('2031-11-02T03:59:59Z'), 1, newYork)
      await addAt(shard, at('2031-11-02T04:00:00Z'), 2, newYork)
      await addAt(shard, at('2031-11-02T05:59:59Z'), 4, newYork)
      await addAt(shard, at('2031-11-02T06:00:00Z'), 8, newYork)
      await addAt(shard, at('2031-11-03T04:59:59Z'), 16, newYork)
      await addAt(shard, at('2031-11-03T05:00:00Z'), 32, newYork)
      const days = Object.entries(await history(shard, 'a')).filter(([name]) => name.startsWith('d'))
      expect(Object.fromEntries(days)).toEqual({
        [`d${local - 1}`]: 1,
        [`d${local}`]: 30,
        [`d${local + 1}`]: 32,
      })
    })
  })
})
