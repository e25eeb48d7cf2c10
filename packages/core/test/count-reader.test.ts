import { openCache } from '@count/core/count-cache'
import type { CountReader } from '@count/core/count-reader'
import { crc16 } from '@count/core/crc16'
import { cacheKeys } from '@count/core/keys'
import { connectPostgres } from '@count/core/postgres'
import { countView } from '@count/core/schemas'
import { startPostgres } from '@count/stack/postgres-server'
import { moveSlot, type RedisCluster, startRedisCluster } from '@count/stack/redis-cluster'
import { askRedis, redisInfo } from '@count/stack/redis-command'
import type { RedisServer } from '@count/stack/redis-server'
import { until } from '@count/stack/until'
import { Registry } from 'prom-client'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { log, openReadingStores } from './reading-stores.ts'

type Stores = Awaited<ReturnType<typeof openReadingStores>>

/** The view, or the status of the refusal. */
async function view(reader: CountReader, id: string, strong = false) {
  const outcome = await reader.read(id, { strong })
  if (!outcome.ok) return outcome.problem.status
  const view = countView.parse(JSON.parse(outcome.json))
  expect(outcome.tag).toMatch(new RegExp(`^${view.version}\\.\\d+$`))
  return view
}
const amountOf = async (reader: CountReader, id: string, strong = false) => {
  const found = await view(reader, id, strong)
  return typeof found === 'number' ? `status ${found}` : found.value
}

describe('a reader', () => {
  let stores: Stores
  let reader: CountReader
  beforeAll(async () => {
    stores = await openReadingStores()
    reader = await stores.openReader()
  })
  afterAll(() => stores.close())
  const cached = (id: string) => until('the result', async () => (await stores.cache.results([id]))[0])
  const toCache = async (id: string) => {
    await reader.read(id)
    await cached(id)
  }
  const calls = async (server: { host: string; port: number }, command: string) =>
    Number((await redisInfo(server, 'commandstats', `cmdstat_${command}`))?.match(/calls=(\d+)/)?.[1] ?? 0)

  test('answers info and value with the version the value has had since it last changed', async () => {
    const id = stores.newId()
    const revision = await stores.create(id, {
      name: '조회수',
      unit: '회',
      tags: ['a', 'b'],
      initialValue: 5,
    })
    const version = await stores.write(id, 37)
    const outcome = await reader.read(id)
    expect(outcome).toEqual({
      ok: true,
      tag: `${version}.${revision}`,
      json: JSON.stringify({
        id,
        name: '조회수',
        unit: '회',
        tags: ['a', 'b'],
        value: 42,
        version,
        updatedAt: new Date(version / 1000).toISOString(),
      }),
    })
  })

  test('keeps all three levels and then needs no store', async () => {
    const id = stores.newId()
    await stores.create(id)
    const first = await reader.read(id)
    await cached(id)
    const entry = (await stores.cache.entries([id])).get(id)
    expect(entry?.info?.info.id).toBe(id)
    expect(entry?.value?.value).toBe(0)
    const before = await Promise.all([
      calls(stores.primaryServer, 'hmget'),
      calls(stores.cacheServer, 'evalsha'),
    ])
    expect(await reader.read(id)).toEqual(first)
    expect(
      await Promise.all([calls(stores.primaryServer, 'hmget'), calls(stores.cacheServer, 'evalsha')]),
    ).toEqual(before)
  })

  test('reads of one turn share one round trip to the cache', async () => {
    const ids = await Promise.all(
      Array.from({ length: 50 }, async () => {
        const id = stores.newId()
        await stores.create(id)
        return id
      }),
    )
    await reader.readMany(ids)
    for (const id of ids) await cached(id)
    const before = await calls(stores.cacheServer, 'mget')
    const outcomes = await Promise.all([...ids, ...ids].map((id) => reader.read(id)))
    expect((await calls(stores.cacheServer, 'mget')) - before).toBe(1)
    expect(outcomes.map((outcome) => outcome.ok && countView.parse(JSON.parse(outcome.json)).id)).toEqual([
      ...ids,
      ...ids,
    ])
  })

  test('a read begun after an invalidation sees the write', async () => {
    const id = stores.newId()
    await stores.create(id)
    for (let value = 1; value <= 20; value++) {
      const version = await stores.write(id)
      await stores.cache.invalidate([{ id, version }])
      expect(await amountOf(reader, id)).toBe(value)
      expect(await amountOf(reader, id)).toBe(value)
    }
  })

  test('sees a renaming after its invalidation, and makes the result from the cached value', async () => {
    const id = stores.newId()
    await stores.create(id, { name: 'before' })
    await toCache(id)
    const revision = await stores.rename(id, 'after')
    await stores.cache.invalidate([{ id, revision }])
    const reads = await calls(stores.primaryServer, 'hmget')
    expect(await view(reader, id)).toMatchObject({ name: 'after', value: 0 })
    expect(await calls(stores.primaryServer, 'hmget')).toBe(reads)
    expect((await cached(id)).tag).toMatch(new RegExp(`\\.${revision}$`))
  })

  test('a slow reader cannot cache what a write has outdated, whatever it read', async () => {
    const id = stores.newId()
    await stores.create(id)
    const slow = await stores.openReader({
      cache: {
        ...stores.cache,
        // Between the reading of the stores and the fill the count is written.
        fill(fill) {
          void (async () => {
            await stores.cache.invalidate([{ id, version: await stores.write(id) }])
            stores.cache.fill(fill)
          })()
        },
      },
    })
    expect(await amountOf(slow, id)).toBe(0)
    await until('the info of the late fill', async () => (await stores.cache.entries([id])).get(id)?.info)
    expect((await stores.cache.results([id]))[0]).toBeUndefined()
    expect(await amountOf(reader, id)).toBe(1)
  })

  test('what nothing invalidates is read anew thirty seconds after its reading at most', async () => {
    const id = stores.newId()
    await stores.create(id)
    await toCache(id)
    const life = Number(await askRedis(stores.cacheServer, 'PTTL', cacheKeys(id).result))
    expect(life).toBeLessThanOrEqual(30_000)
    await stores.write(id, 7)
    await askRedis(stores.cacheServer, 'DEL', cacheKeys(id).result)
    // The result made of the cached value lives no longer than that value.
    expect(await amountOf(reader, id)).toBe(0)
    await cached(id)
    const again = Number(await askRedis(stores.cacheServer, 'PTTL', cacheKeys(id).result))
    expect(again).toBeLessThanOrEqual(life)
    await askRedis(stores.cacheServer, 'DEL', cacheKeys(id).result, cacheKeys(id).value)
    expect(await amountOf(reader, id)).toBe(7)
  })

  test('an answer made of a value read twenty seconds ago has ten to live', async () => {
    const id = stores.newId()
    const created = await stores.create(id)
    await toCache(id)
    const version = (await stores.cache.entries([id])).get(id)?.value?.version
    await askRedis(stores.cacheServer, 'DEL', cacheKeys(id).result)
    const old = `${version} ${created} 5 ${Date.now() - 20_000}`
    await askRedis(stores.cacheServer, 'SET', cacheKeys(id).value, old)
    expect(await amountOf(reader, id)).toBe(5)
    await cached(id)
    const life = Number(await askRedis(stores.cacheServer, 'PTTL', cacheKeys(id).result))
    expect(life).toBeGreaterThan(0)
    expect(life).toBeLessThanOrEqual(10_000)
  })

  test('an info is read anew thirty seconds after its reading', async () => {
    const id = stores.newId()
    await stores.create(id, { name: 'before' })
    await toCache(id)
    await stores.rename(id, 'after')
    const readAgo = async (ms: number) => {
      await askRedis(stores.cacheServer, 'DEL', cacheKeys(id).result)
      await askRedis(stores.cacheServer, 'HSET', cacheKeys(id).info, 'a', String(Date.now() - ms))
      return view(reader, id)
    }
    expect(await readAgo(25_000)).toMatchObject({ name: 'before' })
    expect(await readAgo(31_000)).toMatchObject({ name: 'after' })
  })

  test('a strong read passes the cache by', async () => {
    const id = stores.newId()
    await stores.create(id, { name: 'before' })
    await toCache(id)
    await stores.write(id, 7)
    await stores.rename(id, 'after')
    expect(await view(reader, id)).toMatchObject({ value: 0, name: 'before' })
    expect(await view(reader, id, true)).toMatchObject({ value: 7, name: 'after' })
  })

  test('an unknown count is 404, one whose record is missing 503, and both are read as soon as they are there', async () => {
    const [unknown, half] = [stores.newId(), stores.newId()]
    const created = await stores.insert(half)
    for (const strong of [false, true]) {
      expect(await view(reader, unknown, strong)).toBe(404)
      expect(await view(reader, half, strong)).toBe(503)
    }
    await stores.record(half, created, 3)
    await stores.create(unknown)
    expect(await amountOf(reader, half)).toBe(3)
    expect(await amountOf(reader, unknown)).toBe(0)
  })

  test('many counts keep their order, the bad ones in their place', async () => {
    const [a, b] = [stores.newId(), stores.newId()]
    await stores.create(a)
    await stores.create(b, { initialValue: 4 })
    const outcomes = await reader.readMany([b, 'no-such-count', a, b])
    expect(
      outcomes.map((outcome) => (outcome.ok ? JSON.parse(outcome.json).value : outcome.problem.status)),
    ).toEqual([4, 404, 0, 4])
  })

  test('a count that was deleted and made anew is never half of each life', async () => {
    const id = stores.newId()
    const created = await stores.create(id, { name: 'first life', initialValue: 1 })
    await toCache(id)
    await stores.sql`update count_info set deleted_at = now(), revision = nextval('revision_seq') where id = ${id}`
    await stores.removeRecord(id, created)
    await askRedis(stores.cacheServer, 'DEL', cacheKeys(id).result, cacheKeys(id).value)
    // The cached info says it lives; the missing record makes the reader ask CountInfoDB.
    expect(await view(reader, id)).toBe(404)
    await stores.create(id, { name: 'second life', initialValue: 2 })
    expect(await view(reader, id)).toMatchObject({ name: 'second life', value: 2 })
  })

  test('gives infos, from the cache where it has them', async () => {
    const id = stores.newId()
    await stores.create(id, { tags: ['x'] })
    const read = async () => await reader.infos([id, 'no-such-count'])
    expect((await read()).get(id)).toMatchObject({
      id,
      tags: ['x'],
      unit: 'views',
      status: 'active',
      metadata: {},
    })
    expect((await read()).get('no-such-count')).toBe('missing')
    await until('the info in the cache', async () => (await stores.cache.entries([id])).get(id)?.info)
    await stores.sql`update count_info set tags = '{y}' where id = ${id}`
    expect((await read()).get(id)).toMatchObject({ tags: ['x'] })
  })

  test('a dead cache slows nothing down and serves nothing old', async () => {
    const id = stores.newId()
    await stores.create(id)
    await toCache(id)
    await stores.write(id, 9)
    const cache = await openCache(stores.cacheServer.url, { log, metrics: new Registry() })
    const hasty = await stores.openReader({ cache })
    await stores.cacheServer.pause()
    try {
      expect(await amountOf(hasty, id)).toBe(9)
      const start = performance.now()
      for (let i = 0; i < 100; i++) expect(await amountOf(hasty, id)).toBe(9)
      // Were each to wait for the cache, five seconds.
      expect(performance.now() - start).toBeLessThan(2500)
      expect(await amountOf(hasty, id, true)).toBe(9)
    } finally {
      await stores.cacheServer.resume()
      cache.close()
    }
  })

  test('a dead value store is 503 for what is not cached, not waited for long, and back when it is back', async () => {
    const [known, other] = [stores.newId(), stores.newId()]
    await stores.create(known)
    await stores.create(other)
    await reader.read(known)
    await cached(known)
    await stores.primaryServer.pause()
    try {
      expect(await amountOf(reader, known)).toBe(0)
      const start = performance.now()
      expect(await view(reader, other)).toBe(503)
      expect(await view(reader, other, true)).toBe(503)
      expect(performance.now() - start).toBeLessThan(8000)
    } finally {
      await stores.primaryServer.resume()
    }
    await until('the value', async () => (await view(reader, other)) !== 503)
  })
})

describe('without CountInfoDB', () => {
  let stores: Stores
  let server: Awaited<ReturnType<typeof startPostgres>>
  beforeAll(async () => {
    stores = await openReadingStores()
    server = await startPostgres()
  })
  afterAll(async () => {
    await stores.close()
    await server.stop()
  })

  test('known counts are read on, also an info that is out of date; others are 503', async () => {
    const sql = connectPostgres(server.url, { name: 'test', max: 2 })
    try {
      await sql`create table count_info (id text, name text, description text, unit text, tags text[], min bigint, max bigint,
        initial_value bigint, status text, metadata jsonb, revision bigint, created bigint, created_at timestamptz default now(),
        updated_at timestamptz default now(), deleted_at timestamptz)`
      const [known, renamed, old, other] = [stores.newId(), stores.newId(), stores.newId(), stores.newId()]
      for (const id of [known, renamed, old, other]) {
        await sql`insert into count_info (id, name, description, unit, tags, initial_value, status, metadata, revision, created)
          values (${id}, 'known', '', '', '{}', 0, 'active', '{}', 1, 1)`
        await stores.record(id, 1)
      }
      const reader = await stores.openReader({ sql })
      await reader.readMany([known, renamed, old])
      await until('the cache', async () => (await stores.cache.results([known, renamed, old])).every(Boolean))
      await server.kill('SIGKILL')
      // Its backends outlive it by a moment.
      await until('the last connection to end', () =>
        sql`select 1`.then(
          () => false,
          () => true,
        ),
      )

      await stores.cache.invalidate([{ id: renamed, revision: 2 }])
      await askRedis(stores.cacheServer, 'HSET', cacheKeys(old).info, 'a', String(Date.now() - 40_000))
      await askRedis(stores.cacheServer, 'DEL', cacheKeys(old).result)
      for (const id of [known, renamed, old])
        expect(await view(reader, id)).toMatchObject({ id, name: 'known', value: 0 })
      await stores.cache.invalidate([{ id: known, version: await stores.write(known, 5) }])
      expect(await amountOf(reader, known)).toBe(5)
      // Nothing is cached on the strength of an info known to be out of date.
      expect((await stores.cache.results([renamed, old])).every((result) => result === undefined)).toBe(true)
      expect(await view(reader, other)).toBe(503)
      expect(await view(reader, known, true)).toBe(503)
      const start = performance.now()
      for (let i = 0; i < 50; i++) expect(await amountOf(reader, old)).toBe(0)
      expect(performance.now() - start).toBeLessThan(2500)

      await server.restart()
      await until('CountInfoDB', async () => (await view(reader, other)) !== 503)
      expect(await amountOf(reader, known, true)).toBe(5)
    } finally {
      await sql.end({ timeout: 1 })
    }
  })
})

describe('with a replica', () => {
  let stores: Stores
  let reader: CountReader
  beforeAll(async () => {
    stores = await openReadingStores({ replica: true })
    reader = await stores.openReader()
  })
  afterAll(() => stores.close())
  const replica = () => stores.replicaServer as NonNullable<Stores['replicaServer']>
  const reads = async (server: { host: string; port: number }) =>
    Number((await redisInfo(server, 'commandstats', 'cmdstat_hmget'))?.match(/calls=(\d+)/)?.[1] ?? 0)
  const bothReads = async () => ({
    primary: await reads(stores.primaryServer),
    replica: await reads(replica()),
  })
  /** Whether a read of `id` asked the replica, the primary, or both. */
  async function asked(id: string, work: () => Promise<unknown>) {
    await askRedis(stores.cacheServer, 'DEL', cacheKeys(id).result)
    const before = await bothReads()
    await work()
    const after = await bothReads()
    return { primary: after.primary > before.primary, replica: after.replica > before.replica }
  }
  const dropValue = (id: string) =>
    askRedis(stores.cacheServer, 'DEL', cacheKeys(id).value, cacheKeys(id).result)
  const replicated = (id: string) =>
    until(
      'replication',
      async () =>
        (await askRedis(replica(), 'EXISTS', stores.store.keys(stores.store.shardOf(id)).count(id))) === '1',
    )

  /** Awaits that the replica alone is asked; on a busy machine it may be passed over for a moment. */
  const inUse = () =>
    until('the replica to be asked', async () => {
      const id = stores.newId()
      await stores.create(id, { initialValue: 3 })
      await replicated(id)
      const { primary, replica } = await asked(id, async () => expect(await amountOf(reader, id)).toBe(3))
      return replica && !primary
    })

  test('asks the replica', async () => {
    await inUse()
  })

  test('a strong read asks the primary', async () => {
    const id = stores.newId()
    await stores.create(id)
    await replicated(id)
    expect(await asked(id, () => reader.read(id, { strong: true }))).toEqual({
      primary: true,
      replica: false,
    })
  })

  test('a replica older than the fence, or without the record, sends the read to the primary', async () => {
    const id = stores.newId()
    await stores.create(id)
    await replicated(id)
    await reader.read(id)
    await replica().pause()
    const version = await stores.write(id, 8)
    await stores.cache.invalidate([{ id, version }])
    const fresh = stores.newId()
    await stores.create(fresh, { initialValue: 1 })
    try {
      expect(await amountOf(reader, id)).toBe(8)
      expect(await amountOf(reader, fresh)).toBe(1)
    } finally {
      await replica().resume()
    }
  })

  test('a replica that answers but is older than the fence is not believed', async () => {
    await inUse()
    const id = stores.newId()
    await stores.create(id)
    await replicated(id)
    const { store } = stores
    const keys = store.keys(store.shardOf(id))
    const version = await stores.write(id, 8)
    await until('replication', async () => (await askRedis(replica(), 'HGET', keys.count(id), 'v')) === '8')
    await stores.cache.invalidate([{ id, version }])
    // The replica falls back behind the fence, and by nothing that shows in its offset.
    await askRedis(replica(), 'CONFIG', 'SET', 'replica-read-only', 'no')
    await askRedis(replica(), 'HSET', keys.count(id), 'v', '0', 't', String(version - 1))
    const notBelieved = () =>
      until('the replica to be asked and not believed', async () => {
        await dropValue(id)
        await stores.cache.invalidate([{ id, version }])
        const { primary, replica } = await asked(id, async () => expect(await amountOf(reader, id)).toBe(8))
        return primary && replica
      })
    await notBelieved()
    await askRedis(replica(), 'DEL', keys.count(id))
    await notBelieved()
    await askRedis(replica(), 'CONFIG', 'SET', 'replica-read-only', 'yes')
  })

  test('an unlinked replica, and one over a second behind, is not asked until it has caught up', async () => {
    const id = stores.newId()
    await stores.create(id)
    await replicated(id)
    const notAsked = async () => {
      await dropValue(id)
      const { replica } = await asked(id, () => reader.read(id))
      return !replica
    }
    await askRedis(replica(), 'REPLICAOF', '127.0.0.1', '1')
    await until('the replica to be passed over', notAsked)
    await stores.write(id, 5)
    await dropValue(id)
    expect(await amountOf(reader, id)).toBe(5)
    await askRedis(replica(), 'REPLICAOF', stores.primaryServer.host, String(stores.primaryServer.port))
    await until('the replica to be asked again', async () => !(await notAsked()))
    await dropValue(id)
    expect(await amountOf(reader, id)).toBe(5)
  })

  test('a replica that is away costs a moment, then nothing', async () => {
    const id = stores.newId()
    await stores.create(id)
    await replica().kill('SIGKILL')
    try {
      expect(await amountOf(reader, id)).toBe(0)
      await until('the replica to be passed over', async () => {
        await dropValue(id)
        const start = performance.now()
        expect(await amountOf(reader, id)).toBe(0)
        return performance.now() - start < 20
      })
    } finally {
      await replica().restart()
      await replica().linked()
    }
  })

  test('while the primary is away the replica answers, unless it is below the fence', async () => {
    await inUse()
    const [id, fenced] = [stores.newId(), stores.newId()]
    await stores.create(id, { initialValue: 6 })
    await stores.create(fenced)
    await replicated(fenced)
    await stores.cache.invalidate([{ id: fenced, version: 9_000_000_000_000_000 }])
    const metrics = new Registry()
    const late = await stores.openReader({ metrics })
    await stores.primaryServer.kill('SIGKILL')
    await until('the primary to be asked first and in vain', async () => {
      await dropValue(id)
      expect(await amountOf(late, id)).toBe(6)
      return /server="primary"} [1-9]/.test(await metrics.metrics())
    })
    expect(await view(reader, fenced)).toBe(503)
    expect(await view(reader, id, true)).toBe(503)
  })
})

describe('on a cluster', () => {
  let cluster: RedisCluster
  let stores: Stores
  beforeAll(async () => {
    cluster = await startRedisCluster({ primaries: 3, replicas: 1, args: ['--cluster-node-timeout', '1000'] })
    stores = await openReadingStores({ valueUrl: cluster.url })
  })
  afterAll(async () => {
    await stores.close()
    await cluster.stop()
  })

  test('a shard that has moved is found at once', async () => {
    const reader = await stores.openReader()
    const id = stores.newId()
    await stores.create(id, { initialValue: 5 })
    await moveSlot(cluster.primaries, crc16(`s${stores.store.shardOf(id)}`) % 16384)
    expect(await amountOf(reader, id, true)).toBe(5)
  })

  test('counts of every shard are read, from replicas too, and after a failover', async () => {
    const metrics = new Registry()
    const reader = await stores.openReader({ metrics })
    const ids = Array.from({ length: 60 }, () => stores.newId())
    await Promise.all(ids.map((id, i) => stores.create(id, { initialValue: i })))
    const uncached = async () => {
      await Promise.all(
        ids.map((id) => askRedis(stores.cacheServer, 'DEL', cacheKeys(id).result, cacheKeys(id).value)),
      )
      const outcomes = await reader.readMany(ids)
      return outcomes.map((outcome) => (outcome.ok ? JSON.parse(outcome.json).value : outcome.problem.status))
    }
    const values = ids.map((_, i) => i)
    expect(await uncached()).toEqual(values)
    await until('replicas to be read', async () => {
      expect(await uncached()).toEqual(values)
      return /server="replica"} [1-9]/.test(await metrics.metrics())
    })
    const history = await reader.history(ids[7] as string, { granularity: 'hour', measure: 'value' })
    expect(history.ok && history.view.points.at(-1)?.value).toBe(7)

    await (cluster.primaries[0] as RedisServer).kill('SIGKILL')
    await cluster.healthy()
    const strong = async () => (await reader.readMany(ids, { strong: true })).every((outcome) => outcome.ok)
    await until('the promoted replica to be found', strong, { deadlineMs: 20_000 })
    expect(await uncached()).toEqual(values)
  })
})

describe('with a copy of CountInfoDB', () => {
  let stores: Stores
  beforeAll(async () => {
    stores = await openReadingStores()
  })
  afterAll(() => stores.close())

  test('the copy is asked first, and the database where the copy lacks the count or is behind', async () => {
    const copyStores = await openReadingStores()
    try {
      const { sql: copy } = copyStores
      const reader = await stores.openReader({ sqlReplica: copy })
      const [behind, lacking] = [stores.newId(), stores.newId()]
      const created = await stores.create(behind, { name: 'new' })
      await stores.create(lacking)
      await copyStores.insert(behind, { name: 'old' })
      await copy`update count_info set created = ${created}, revision = ${created} where id = ${behind}`
      expect(await view(reader, behind)).toMatchObject({ name: 'old' })
      const revision = await stores.rename(behind, 'newer')
      await stores.cache.invalidate([{ id: behind, revision }])
      expect(await view(reader, behind)).toMatchObject({ name: 'newer' })
      expect(await amountOf(reader, lacking)).toBe(0)
      expect(await view(reader, stores.newId())).toBe(404)
    } finally {
      await copyStores.close()
    }
  })
})
