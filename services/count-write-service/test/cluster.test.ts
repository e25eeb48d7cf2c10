import { crc16 } from '@count/core/crc16'
import { shardOf } from '@count/core/keys'
import { moveSlot, type RedisCluster, startRedisCluster } from '@count/stack/redis-cluster'
import { askRedis } from '@count/stack/redis-command'
import type { RedisServer } from '@count/stack/redis-server'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { expectExact, type Ledger, progress, startConsumer, startLoad } from './ledger.ts'
import { openWorld, type World } from './world.ts'

vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 })

const shards = 64
const slots = 16_384
const ids = Array.from({ length: 90 }, (_, i) => `cluster:${i}`)
const slotOf = (id: string) => crc16(`s${shardOf(id, shards)}`) % slots

let cluster: RedisCluster
let world: World
let consumer: Awaited<ReturnType<typeof startConsumer>>
beforeEach(async () => {
  cluster = await startRedisCluster({
    primaries: 3,
    replicas: 1,
    persistence: 'always',
    args: ['--cluster-node-timeout', '1500'],
  })
  world = await openWorld({ env: { VALUE_REDIS_URL: cluster.url, VALUE_ACK: 'replica' } })
  for (const id of ids) await world.define(id)
  consumer = await startConsumer(world)
})
afterEach(async () => {
  await consumer.close()
  await world.close()
  await cluster.stop()
})

/** Two instances of the service; load on counts that are hit, by clients that retry, and on the rest, by clients that do not. */
async function load(isHit: (slot: number) => boolean) {
  const instances = await Promise.all([world.runProcess(), world.runProcess()])
  const urls = instances.map(
    ({ url }) =>
      () =>
        url,
  )
  const url = () => instances[0].url
  const hit = ids.filter((id) => isHit(slotOf(id)))
  const rest = ids.filter((id) => !isHit(slotOf(id)))
  expect(Math.min(hit.length, rest.length)).toBeGreaterThan(0)
  // Every record is made before anything happens.
  for (const id of ids) expect((await world.incrementSurely(url, id, 1, `first-${id}`)).status).toBe(200)
  const ledgers = {
    hit: startLoad(world, hit, urls, { clients: 4 }),
    rest: startLoad(world, rest, urls, { clients: 4, keyed: false }),
  }
  for (const ledger of Object.values(ledgers))
    for (const id of ledger.acknowledged.keys()) ledger.acknowledged.set(id, 1)
  await bothProgress(ledgers, 100)
  return { ...ledgers, url, hitId: hit[0] as string }
}

const bothProgress = async ({ hit, rest }: { hit: Ledger; rest: Ledger }, answers: number) => {
  await Promise.all([progress(hit, answers), progress(rest, answers)])
}

async function finish({ hit, rest }: { hit: Ledger; rest: Ledger }) {
  await Promise.all([hit.stop(), rest.stop()])
  await expectExact(world, hit, consumer)
  await expectExact(world, rest, consumer)
  expect([...rest.unsure.values()].reduce((sum, amount) => sum + amount)).toBe(0)
}

test('a primary killed under load: its replica goes on, nothing acknowledged is lost, no other shard refuses', async () => {
  const [dead] = cluster.primaries as [RedisServer]
  const [heir] = cluster.replicas as [RedisServer]
  const running = await load((slot) => slot < Math.floor(slots / 3))
  // What it takes now, its replica will never have: none of it may be acknowledged.
  heir.pause()
  await askRedis(dead, 'CLIENT', 'KILL', 'TYPE', 'replica')
  await progress(running.rest, 100)
  await dead.kill('SIGKILL')
  heir.resume()
  await cluster.healthy()
  await progress(running.rest, 100)
  // Alone, the promoted node can promise nothing; the same call says later what became of it.
  const { hitId, url } = running
  const refused = await world.increment(url(), hitId, 1, 'alone')
  expect(refused.status).toBe(503)
  expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
  await dead.restart()
  expect((await world.incrementSurely(url, hitId, 1, 'alone')).status).toBe(200)
  running.hit.acknowledged.set(hitId, (running.hit.acknowledged.get(hitId) as number) + 1)
  await bothProgress(running, 100)
  expect(await askRedis(dead, 'ROLE')).toMatch(/^slave/)
  await finish(running)
})

test('slots moved under load: their shard pauses, no other does, nothing is lost', async () => {
  const moved = new Set(ids.slice(0, 3).map(slotOf))
  const running = await load((slot) => moved.has(slot))
  for (const slot of moved) {
    await moveSlot(cluster.primaries, slot)
    await bothProgress(running, 50)
  }
  await finish(running)
})
