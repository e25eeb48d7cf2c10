import { type FaultProxy, startFaultProxy } from '@count/stack/fault-proxy'
import type { RedisOptions, RedisServer } from '@count/stack/redis-server'
import { testRedis } from '@count/stack/testing'
import { until } from '@count/stack/until'
import { Redis } from 'ioredis'
import { pino } from 'pino'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { type GroupCommit, type Operation, openGroupCommit } from '../src/group-commit.ts'
import { callScript } from '../src/scripts.ts'
import { openValueStore, StoreUnavailable, type ValueStore } from '../src/value-store.ts'
import { openZone } from '../src/zone.ts'

const log = pino({ level: 'silent' })
const closing: (() => Promise<unknown>)[] = []

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

interface World {
  server: RedisServer
  proxy: FaultProxy
  store: ValueStore
  writer: GroupCommit
  /** To the server itself, past the proxy. */
  direct: Redis
  value(id?: string): Promise<number>
}

/** A writer that reaches its store, of one shard, through a proxy; with a count `a` of value 0. */
async function world(
  options: Partial<RedisOptions> = {},
  ack: 'local' | 'replica' = 'local',
): Promise<World> {
  const server = await testRedis(options)
  closing.push(() => server.stop())
  const proxy = await startFaultProxy({ targetHost: server.host, targetPort: server.port })
  closing.push(() => proxy.close())
  // As recovery would, without an archive.
  const recover = async (shard: number, redis: Redis, replid: string) => {
    await redis.set(store.keys(shard).recovered, replid)
  }
  const url = `redis://${proxy.host}:${proxy.port}`
  const store: ValueStore = await openValueStore({ VALUE_REDIS_URL: url, SHARDS: 1 }, { log, recover })
  closing.push(() => store.close())
  const writer = openGroupCommit(store, { log, zone: openZone('UTC'), ack, idempotencyTtlMs: 60_000 })
  closing.push(() => writer.close())
  const direct = new Redis(server.url, { protocol: 2 })
  direct.on('error', () => {})
  closing.push(async () => direct.disconnect())
  const keys = store.keys(0)
  const record = [keys.count('a'), keys.history('a'), keys.gone('a'), keys.goneHistory('a')]
  const made = [...record, keys.clock, keys.dirty.queue, keys.revision]
  await callScript(await store.writable(0), 'count_create', made, ['a', 1, 1, 'active', '', '', 0, ''])
  return {
    server,
    proxy,
    store,
    writer,
    direct,
    value: async () => Number(await direct.hget(keys.count('a'), 'v')),
  }
}

const one: Operation = { id: 'a', kind: 'increment', amount: 1 }
const keyed = (key: string) => ({ operations: [one], idempotency: { scope: key, content: 'c' } })

/** What a caller does: repeats the same request under the same key until it is told what became of it. */
async function insist(writer: GroupCommit, key: string) {
  for (;;) {
    try {
      return (await writer.apply(keyed(key)))[0]
    } catch (error) {
      if (!(error instanceof StoreUnavailable)) throw error
    }
  }
}

describe('a writer', () => {
  test('counts once what it had to repeat because replies were lost or connections cut', async () => {
    const { proxy, writer, value } = await world()
    await writer.apply({ operations: [one] })
    proxy.setReplyFault({ drop: 0.1, cut: 0.05 })
    const values: number[] = []
    let unsure = 0
    // Several calls may leave in one packet, so how many replies there are to lose is not known beforehand.
    for (let wave = 0; wave < 50 || proxy.faults <= 10; wave++) {
      const asked = Array.from({ length: 5 }, () => writer.apply({ operations: [one] }))
      for (const answer of await Promise.allSettled(asked)) {
        if (answer.status === 'fulfilled') values.push(...answer.value.map((outcome) => outcome.value))
        else unsure++
      }
    }
    proxy.setReplyFault({})
    await insist(writer, 'last')
    expect(new Set(values).size).toBe(values.length)
    // Exact but for those that were told 503, after two seconds of bad luck.
    expect(unsure).toBeLessThan(25)
    expect(await value()).toBeGreaterThanOrEqual(values.length + 2)
    expect(await value()).toBeLessThanOrEqual(values.length + 2 + unsure)
  })

  test('goes on by itself when every connection is cut, again and again', async () => {
    const { proxy, writer, value } = await world()
    const callers = Array.from({ length: 8 }, async (_, i) => {
      for (let n = 0; n < 25; n++) await insist(writer, `${i} ${n}`)
    })
    for (let at = 10; at < 180; at += 10) {
      await until(`${at} to be counted`, async () => (await value()) >= at, { everyMs: 1 })
      proxy.cutAll()
    }
    await Promise.all(callers)
    expect(proxy.faults).toBeGreaterThan(10)
    expect(await value()).toBe(200)
  })

  test('answers 503 after two seconds while replies are late; the same key tells what became of the request', async () => {
    const { proxy, writer, value } = await world()
    await writer.apply({ operations: [one] })
    proxy.setReplyFault({ delayMs: 5000 })
    const began = performance.now()
    await expect(writer.apply(keyed('k'))).rejects.toThrow(StoreUnavailable)
    expect(performance.now() - began).toBeLessThan(2500)
    proxy.setReplyFault({})
    proxy.cutAll()
    expect(await insist(writer, 'k')).toMatchObject({ word: 'ok', value: 2, replayed: true })
    expect(await value()).toBe(2)
  })

  test('counts once what was held up on the way and arrives after its caller gave up', async () => {
    const { proxy, writer, value, direct } = await world()
    await writer.apply({ operations: [one] })
    const before = await direct.get('{s0}:clock')
    proxy.holdRequests(true)
    await expect(writer.apply(keyed('k'))).rejects.toThrow(StoreUnavailable)
    expect(await direct.get('{s0}:clock')).toBe(before)
    proxy.holdRequests(false)
    expect(await insist(writer, 'k')).toMatchObject({ word: 'ok', value: 2, replayed: true })
    expect(await value()).toBe(2)
  })

  test('is not hurt by its own packets of long ago', async () => {
    const { writer, direct, server, value } = await world()
    await writer.apply({ operations: [one] })
    const spy = new Redis(server.url, { protocol: 2 })
    const monitor = await spy.monitor()
    const sent: string[][] = []
    monitor.on('monitor', (_time: string, args: string[]) => {
      if (/^evalsha$/i.test(args[0] ?? '')) sent.push(args)
    })
    try {
      await writer.apply({ operations: [one] })
      await writer.apply({ operations: [one] })
      const [first, second] = await until('both calls to be seen', () =>
        sent.length >= 2 ? sent : undefined,
      )
      const replay = async (args: string[] = []) =>
        ((await direct.call('EVALSHA', args.slice(1))) as string[])[0]
      expect(await replay(first)).toBe('stale')
      expect(await replay(second)).toBe('done')
      expect(await value()).toBe(3)
    } finally {
      monitor.disconnect()
      spy.disconnect()
    }
  })

  test('drops a call that comes after its deadline, tells its callers, and goes on', async () => {
    // Without the sweep, so that whoever is not told by the late call itself waits for ever.
    vi.useFakeTimers({ toFake: ['setInterval'] })
    const { proxy, writer, value, direct } = await world()
    vi.useRealTimers()
    await writer.apply({ operations: [one] })
    const time = async () => Number((await direct.time())[0])
    const deadline = (await time()) + 11
    proxy.holdRequests(true)
    const late = writer.apply({ operations: [one] })
    const judged = expect(late).rejects.toThrow(StoreUnavailable)
    await until('the deadline to pass', async () => (await time()) > deadline, {
      deadlineMs: 15_000,
      everyMs: 100,
    })
    proxy.holdRequests(false)
    await judged
    expect((await insist(writer, 'k'))?.value).toBe(2)
    expect(await value()).toBe(2)
  })

  test('never sends what waited too long behind a silent store', async () => {
    const { server, writer, value } = await world()
    await writer.apply({ operations: [one] })
    await server.pause()
    const first = writer.apply({ operations: [one] })
    const sent = expect(first).rejects.toThrow(StoreUnavailable)
    await until('the first to be sent', () => writer.backlog().waiting === 1)
    await new Promise((resolve) => setImmediate(resolve))
    const unsent = expect(writer.apply({ operations: [{ ...one, amount: 100 }] })).rejects.toThrow(
      StoreUnavailable,
    )
    await Promise.all([sent, unsent])
    await server.resume()
    expect((await insist(writer, 'k'))?.value).toBe(3)
    expect(await value()).toBe(3)
  })

  test('loses and doubles nothing when the store is killed under load', async () => {
    const { server, writer, value } = await world({ persistence: 'always' })
    const callers = Array.from({ length: 10 }, async (_, i) => {
      for (let n = 0; n < 60; n++) await insist(writer, `${i} ${n}`)
    })
    for (const at of [100, 250, 400]) {
      await until(`${at} to be counted`, async () => (await value()) >= at)
      await server.kill('SIGKILL')
      await server.restart()
    }
    await Promise.all(callers)
    expect(await value()).toBe(600)
  })
})

describe('a writer that waits for a replica', () => {
  async function replicated() {
    const made = await world({}, 'replica')
    const replica = await testRedis({ replicaOf: made.server })
    closing.push(() => replica.stop())
    await replica.linked()
    return { ...made, replica }
  }

  test('answers when the replica has the write', async () => {
    const { writer, replica } = await replicated()
    expect((await insist(writer, 'k'))?.value).toBe(1)
    const reader = new Redis(replica.url, { protocol: 2 })
    expect(await reader.hget('{s0}:count:a', 'v')).toBe('1')
    reader.disconnect()
  })

  test('answers 503 while it is frozen, also to a repetition; then the same key tells the truth', async () => {
    const { writer, replica, value } = await replicated()
    await insist(writer, 'before')
    await replica.pause()
    await expect(writer.apply(keyed('k'))).rejects.toThrow('WAIT')
    expect(await value()).toBe(2)
    await expect(writer.apply(keyed('k'))).rejects.toThrow('WAIT')
    await replica.resume()
    expect(await insist(writer, 'k')).toMatchObject({ word: 'ok', value: 2, replayed: true })
    expect(await value()).toBe(2)
  })
})
