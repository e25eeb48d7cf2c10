import { afterEach, describe, expect, test } from 'vitest'
import {
  ack,
  add,
  apply,
  at,
  claim,
  create,
  importHistory,
  operate,
  remove,
  renew,
  restore,
  setClock,
  update,
} from './script-calls.ts'
import { engines, type ScriptShard, scriptStore, unchanged } from './script-store.ts'

const noon = at('2031-05-17T12:00:30Z')

describe.each(engines)('a full store on $name', ({ start }) => {
  const store = scriptStore(start)
  let shard: ScriptShard

  /** A shard with changed counts `a` and `b`, whose server has no memory left. */
  async function full() {
    shard = await store.shard()
    await setClock(shard, noon)
    for (const id of ['a', 'b']) await create(shard, { id })
    await operate(shard, add('a', 1), add('b', 2))
    await setClock(shard, noon + 3.7e9)
    await shard.redis.config('SET', 'maxmemory', '1')
    return shard
  }
  afterEach(async () => {
    await shard.redis.config('SET', 'maxmemory', '0')
  })

  test.each<[string, (shard: ScriptShard) => Promise<unknown>]>([
    [
      'count_apply',
      (one) => apply(one, [{ operations: [add('a', 1), add('b', 1)], key: 'k', content: 'c' }]),
    ],
    ['count_create', (one) => create(one, { id: 'c' })],
    ['count_update', (one) => update(one, { id: 'a', revision: 2, max: 9 })],
    ['count_restore', (one) => restore(one, { id: 'a', value: 5, version: noon + 9e9, anew: noon + 9e9 })],
    ['history_import', (one) => importHistory(one, 'job', 1, [{ id: 'a', rows: [[noon, 1]] }])],
  ])('refuses %s and nothing is half written', async (_, call) => {
    const one = await full()
    await unchanged(one, () => expect(call(one)).rejects.toThrow(/^OOM/))
    await one.redis.config('SET', 'maxmemory', '0')
    await call(one)
  })

  test('still drains, removes and finishes recovery', async () => {
    const one = await full()
    expect(await claim(one, 'changes', 'x')).toEqual(['claimed', '1', 2])
    expect(await renew(one, 'changes', 'x', '1')).toEqual(['renewed'])
    expect(await ack(one, 'changes', 'x', '1')).toEqual(['acknowledged'])
    expect((await remove(one, { id: 'a' }))[0]).toBe('removed')
    await one.redis.config('SET', 'maxmemory', '0')
    await one.redis.set(one.keys.recovery, 'x')
    await one.redis.config('SET', 'maxmemory', '1')
    const keys = [one.keys.clock, one.keys.recovered, one.keys.recovery]
    expect(await one.call('recovery_finish', keys, ['x', one.replid, 5])).toEqual([
      'recovered',
      `${noon + 3.7e9}`,
    ])
  })
})
