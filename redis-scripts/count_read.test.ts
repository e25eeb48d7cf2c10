import { describe, expect, test } from 'vitest'
import { add, at, create, operate, readBuckets, remove, setClock } from './script-calls.ts'
import { engines, type ScriptShard, scriptStore, unchanged } from './script-store.ts'

const noon = at('2031-05-17T12:00:30Z')
const slot = `m${Math.floor(noon / 3.6e9) % 50}`

describe.each(engines)('count_read on $name', ({ start }) => {
  const store = scriptStore(start)
  type Read = [place: string, record: (string | null)[], packed: (string | null)[]]

  async function read(shard: ScriptShard, ...wanted: [id: string, created: string, ...fields: string[]][]) {
    const { keys } = shard
    const named = wanted.flatMap(([id]) => [
      keys.count(id),
      keys.history(id),
      keys.gone(id),
      keys.goneHistory(id),
    ])
    const asked = JSON.stringify(wanted.map(([, ...rest]) => rest))
    return (await shard.call('count_read', [keys.clock, ...named], [asked])) as [string, ...Read[]]
  }

  /** A shard with a live count `a` (created 9) and its earlier life (created 7) removed, both with closed history. */
  async function lives() {
    const shard = await store.shard()
    await setClock(shard, noon)
    for (const created of [7, 9]) {
      await create(shard, { id: 'a', created, min: 0 }, { value: created })
      await operate(shard, add('a', 1))
      await setClock(shard, noon + created * 60e6)
      await operate(shard, add('a', 2))
      if (created === 7) await remove(shard, { id: 'a', created, revision: 8 })
    }
    return shard
  }

  test('finds the live record, or the life asked for, with the fields asked for, and the clock', async () => {
    const shard = await lives()
    const record = await shard.redis.hgetall(shard.keys.count('a'))
    const [clock, live, seven, nine, eight, other] = await unchanged(shard, () =>
      read(shard, ['a', '', slot, 'd1'], ['a', '7', slot], ['a', '9'], ['a', '8', slot], ['b', '']),
    )
    expect(clock).toBe(`${noon + 9 * 60e6}`)
    const { v, t, l, u, s, r, c, o } = record
    expect(live).toEqual([
      'live',
      [v, t, l, u, s, r, c, o],
      [await shard.redis.hget(shard.keys.history('a'), slot), null],
    ])
    expect(seven?.[0]).toBe('gone')
    expect(seven?.[1].slice(0, 2)).toEqual(['10', `${noon + 7 * 60e6}`])
    expect(seven?.[2]).toEqual([await shard.redis.hget(shard.keys.goneHistory('a'), slot)])
    expect(nine).toEqual(['live', [v, t, l, u, s, r, c, o], []])
    expect(eight).toEqual(['missing', [], []])
    expect(other).toEqual(['missing', [], []])
  })

  test('reads nothing of a shard that was never written as clock 0', async () => {
    const shard = await store.shard()
    expect(await read(shard, ['a', ''])).toEqual(['0', ['missing', [], []]])
  })

  test('sees a bucket open or closed, never both nor neither, while it closes', async () => {
    const shard = await store.shard()
    await setClock(shard, noon)
    await create(shard, { id: 'a' })
    const seen = async () => {
      const [, one] = await read(shard, ['a', '', slot])
      const sums = readBuckets(one?.[2][0] ? { [slot]: one[2][0] } : {}, one?.[1][7] ?? '')
      const minutes = Object.entries(sums).filter(([name]) => name.startsWith('m'))
      return [Number(one?.[1][0]), minutes.reduce((sum, [, delta]) => sum + delta, 0)]
    }
    for (let minute = 0; minute < 30; minute++) {
      const [first, , second] = await Promise.all([
        seen(),
        setClock(shard, noon + minute * 60e6).then(() => operate(shard.racing, add('a', 1))),
        seen(),
      ])
      expect(first[0]).toBe(first[1])
      expect(second[0]).toBe(second[1])
    }
  })

  test.each(['[', '7', '[["",""]]'])('of %s is refused', async (wanted) => {
    const shard = await lives()
    const keys = wanted === '[["",""]]' ? [shard.keys.clock, shard.keys.count('a')] : [shard.keys.clock]
    await unchanged(shard, () =>
      expect(shard.call('count_read', keys, [wanted])).rejects.toThrow('BAD_ARG count_read'),
    )
  })
})
