import { startFaultProxy } from '@count/stack/fault-proxy'
import { startKafka } from '@count/stack/kafka-server'
import { askRedis } from '@count/stack/redis-command'
import { until } from '@count/stack/until'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { expectExact, type Ledger, progress, startConsumer, startLoad } from './ledger.ts'
import { openWorld, type World } from './world.ts'

vi.setConfig({ testTimeout: 180_000 })

const ids = Array.from({ length: 20 }, (_, i) => `fault:${i}`)

let world: World
let consumer: Awaited<ReturnType<typeof startConsumer>>
beforeEach(async () => {
  world = await openWorld({ value: { persistence: 'always' } })
  for (const id of ids) await world.define(id)
  consumer = await startConsumer(world)
})
afterEach(async () => {
  await consumer.close()
  await world.close()
})

async function finish(ledger: Ledger) {
  await ledger.stop()
  await expectExact(world, ledger, consumer)
}

const port = (url: string) => Number(new URL(url).port)

describe('between service and value store', () => {
  test.each([
    ['keys', true],
    ['no keys', false],
  ])('replies lost, late and cut off count nothing twice and lose nothing: with %s', async (_name, keyed) => {
    const proxy = await startFaultProxy({ targetHost: '127.0.0.1', targetPort: port(world.primary.url) })
    const { url } = await world.run({ VALUE_REDIS_URL: `redis://127.0.0.1:${proxy.port}` })
    const ledger = startLoad(world, ids, [() => url], { keyed })
    await progress(ledger, 50)
    proxy.setReplyFault({ drop: 0.05, cut: 0.05 })
    await until('fifty faults', () => proxy.faults >= 50, { deadlineMs: 60_000 })
    proxy.setReplyFault({ delayMs: 50, drop: 0.02 })
    await until('ten faults more', () => proxy.faults >= 60, { deadlineMs: 60_000 })
    proxy.setReplyFault({})
    await finish(ledger)
    await proxy.close()
  })

  test('calls that were held up do not run after their repetition', async () => {
    const proxy = await startFaultProxy({ targetHost: '127.0.0.1', targetPort: port(world.primary.url) })
    const { url } = await world.run({ VALUE_REDIS_URL: `redis://127.0.0.1:${proxy.port}` })
    const ledger = startLoad(world, ids, [() => url], { keyed: false })
    await progress(ledger, 50)
    proxy.holdRequests(true)
    // The service gives the connection up; what it had sent waits in the proxy, and goes on beside the repetition.
    const unsure = () => [...ledger.unsure.values()].reduce((sum, amount) => sum + amount)
    await until('callers to be told', () => unsure() > 0, { deadlineMs: 20_000 })
    proxy.holdRequests(false)
    await progress(ledger, 100)
    await finish(ledger)
    await proxy.close()
  })
})

describe('the value store', () => {
  test('killed under load, it comes back with everything', async () => {
    const { url } = await world.run()
    const ledger = startLoad(world, ids, [() => url])
    for (let i = 0; i < 3; i++) {
      await progress(ledger, 100)
      await world.primary.kill('SIGKILL')
      await world.primary.restart()
    }
    await progress(ledger, 100)
    await finish(ledger)
  })

  test('frozen, it costs 503, and nothing is lost when it wakes', async () => {
    const { url } = await world.run()
    const ledger = startLoad(world, ids, [() => url])
    await progress(ledger, 100)
    world.primary.pause()
    const answer = await world.increment(url, 'fault:none', 1)
    expect(answer.status).toBe(503)
    world.primary.resume()
    await progress(ledger, 100)
    await finish(ledger)
  })
})

describe('the write service', () => {
  test('killed under load, its successor counts on exactly', async () => {
    let service = await world.runProcess()
    const ledger = startLoad(world, ids, [() => service.url])
    for (let i = 0; i < 2; i++) {
      await progress(ledger, 100)
      service.child.kill('SIGKILL')
      await service.exited
      service = await world.runProcess()
    }
    await progress(ledger, 100)
    await finish(ledger)
  })

  test('two instances share the work; when one is killed, the other takes over its claims', async () => {
    const [one, two] = await Promise.all([world.runProcess(), world.runProcess()])
    let first = one.url
    const ledger = startLoad(world, ids, [() => first, () => two.url])
    await progress(ledger, 200)
    one.child.kill('SIGKILL')
    await one.exited
    first = two.url
    await progress(ledger, 100)
    await finish(ledger)
  })

  test('frozen past its leases, it wakes and removes nothing of its successor’s', async () => {
    const [one, two] = await Promise.all([world.runProcess(), world.runProcess()])
    let first = one.url
    const ledger = startLoad(world, ids, [() => first, () => two.url])
    await progress(ledger, 200)
    one.child.kill('SIGSTOP')
    first = two.url
    // Nobody else can drain what the frozen one has claimed before its lease of 5 s has ended; 8 s is past it.
    const since = performance.now()
    await until('the lease to end', () => performance.now() - since > 8000, {
      deadlineMs: 20_000,
      everyMs: 100,
    })
    one.child.kill('SIGCONT')
    await progress(ledger, 200)
    await finish(ledger)
  })

  test('SIGTERM under load: what was accepted is answered, what was queued is drained', async () => {
    let service = await world.runProcess()
    const ledger = startLoad(world, ids, [() => service.url])
    await progress(ledger, 200)
    service.child.kill('SIGTERM')
    const [code] = await service.exited
    expect(code).toBe(0)
    service = await world.runProcess()
    await progress(ledger, 50)
    await finish(ledger)
  })
})

describe('with another store away, known counts are still written', () => {
  /** Load before, while the store is away, and after it is back; everything catches up. */
  async function survive(settings: NodeJS.ProcessEnv, away: () => unknown, back: () => unknown) {
    const { url } = await world.run(settings)
    const ledger = startLoad(world, ids, [() => url])
    await progress(ledger, 100)
    await away()
    await progress(ledger, 300)
    for (const queue of ['changes', 'dirty']) {
      for (const part of ['', ':claimed']) {
        const keys = [0, 1, 2, 3].map((shard) => `{s${shard}}:${queue}${part}`)
        const sizes = await Promise.all(
          keys.map(async (key) => Number(await askRedis(world.primary, 'HLEN', key))),
        )
        expect(sizes.reduce((sum, size) => sum + size)).toBeLessThanOrEqual(ids.length)
      }
    }
    await back()
    await progress(ledger, 100)
    await finish(ledger)
  }

  const behind = async (url: string) => {
    const target = new URL(url)
    const proxy = await startFaultProxy({ targetHost: target.hostname, targetPort: Number(target.port) })
    target.port = String(proxy.port)
    return { proxy, url: target.href }
  }

  test('the archive, frozen and cut off', async () => {
    const { proxy, url } = await behind(world.databases.ARCHIVE_DATABASE_URL)
    await survive(
      { ARCHIVE_DATABASE_URL: url },
      () => proxy.blackhole(true),
      () => {
        proxy.cutAll()
        proxy.blackhole(false)
      },
    )
    await proxy.close()
  })

  test('CountInfoDB, frozen', async () => {
    const { proxy, url } = await behind(world.databases.INFO_REPLICA_DATABASE_URL)
    await survive(
      { INFO_DATABASE_URL: url },
      () => proxy.blackhole(true),
      () => proxy.blackhole(false),
    )
    await proxy.close()
  })

  test('the cache, killed', () =>
    survive(
      {},
      () => world.cache.kill('SIGKILL'),
      () => world.cache.restart(),
    ))

  test('the cache, frozen', () =>
    survive(
      {},
      () => world.cache.pause(),
      () => world.cache.resume(),
    ))
})

test('with Kafka away nothing waits for it, and afterwards it gets every change', async () => {
  const kafka = await startKafka({})
  const service = await world.run({ KAFKA_BROKERS: kafka.brokers })
  const listener = await startConsumer(world, { KAFKA_BROKERS: kafka.brokers })
  const ledger = startLoad(world, ids, [() => service.url])
  await progress(ledger, 200)
  await kafka.kill('SIGKILL')
  await progress(ledger, 500)
  await kafka.restart()
  await progress(ledger, 100)
  await ledger.stop()
  // kafkajs may need half a minute to find a broker that was killed.
  await expectExact(world, ledger, listener, 90_000)
  await listener.close()
  await kafka.stop()
})
