import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { openCache } from '@count/core/count-cache'
import { openCountReader, type ReaderOptions } from '@count/core/count-reader'
import { crc16 } from '@count/core/crc16'
import { type Operation, openGroupCommit } from '@count/core/group-commit'
import { connectPostgres, migrate } from '@count/core/postgres'
import { callScript } from '@count/core/scripts'
import { openValueStore } from '@count/core/value-store'
import { openZone } from '@count/core/zone'
import { testDatabases, testRedis } from '@count/stack/testing'
import { pino } from 'pino'
import { Registry } from 'prom-client'

export const log = pino({ level: 'silent' })
export const infoMigrations = join(import.meta.dirname, '../../../services/count-management-service/sql')

/** A busy machine must not make a test of something else see a dead cache. */
export const patientMs = 5000

/** The stores that a reader needs, all real, and a writer that fills them as the other services do. */
export async function openReadingStores({
  replica = false,
  timeZone = 'UTC',
  valueUrl,
}: {
  replica?: boolean
  timeZone?: string
  valueUrl?: string
} = {}) {
  const primaryServer = await testRedis()
  const [cacheServer, replicaServer, databases] = await Promise.all([
    testRedis({ maxmemoryPolicy: 'allkeys-lru' }),
    replica ? testRedis({ replicaOf: primaryServer }) : undefined,
    testDatabases(),
  ])
  await replicaServer?.linked()
  await migrate(databases.INFO_MIGRATION_URL, infoMigrations)
  const sql = connectPostgres(databases.INFO_DATABASE_URL, { name: 'test', max: 3 })
  const store = await openValueStore(
    {
      VALUE_REDIS_URL: valueUrl ?? primaryServer.url,
      VALUE_REPLICA_REDIS_URL: replicaServer?.url,
      TIME_ZONE: timeZone,
    },
    {
      log,
      recover: async (shard, redis, replid) => void (await redis.set(store.keys(shard).recovered, replid)),
    },
  )
  const zone = openZone(timeZone)
  const commit = openGroupCommit(store, { log, zone, ack: 'local', idempotencyTtlMs: 1000 })
  const cache = await openCache(cacheServer.url, { log, metrics: new Registry(), timeoutMs: patientMs })
  const readers: { close(): void }[] = []

  async function openReader(more: Partial<ReaderOptions> = {}) {
    const metrics = new Registry()
    const reader = await openCountReader({ store, cache, sql, zone, log, metrics, ...more })
    readers.push(reader)
    return reader
  }

  /** A row of CountInfoDB alone; its revision. */
  async function insert(
    id: string,
    { name = `Count ${id}`, unit = 'views', tags = ['test'] } = {},
  ): Promise<number> {
    const [row] = await sql<{ revision: number }[]>`
      with next as (select nextval('revision_seq') as revision)
      insert into count_info (id, created, revision, name, description, unit, tags, initial_value, status, metadata, hash)
      select ${id}, revision, revision, ${name}, '', ${unit}, ${tags}, 0, 'active', '{}', ${crc16(id)} from next
      returning revision`
    return row?.revision as number
  }

  /** The record alone. */
  async function record(id: string, created: number, initialValue = 0): Promise<void> {
    const shard = store.shardOf(id)
    const keys = store.keys(shard)
    await callScript(
      await store.writable(shard),
      'count_create',
      [
        keys.count(id),
        keys.history(id),
        keys.gone(id),
        keys.goneHistory(id),
        keys.clock,
        keys.dirty.queue,
        keys.revision,
      ],
      [id, created, created, 'active', '', '', initialValue, ''],
    )
  }

  return {
    primaryServer,
    replicaServer,
    cacheServer,
    databases,
    sql,
    store,
    zone,
    cache,
    openReader,
    insert,
    record,
    newId: () => `t${randomBytes(6).toString('hex')}`,
    /** A count as management creates it; its first revision. */
    async create(
      id: string,
      { initialValue = 0, ...info }: Parameters<typeof insert>[1] & { initialValue?: number } = {},
    ) {
      const revision = await insert(id, info)
      await record(id, revision, initialValue)
      return revision
    },
    /** Removes the record alone. */
    async removeRecord(id: string, created: number) {
      const shard = store.shardOf(id)
      const keys = store.keys(shard)
      await callScript(
        await store.writable(shard),
        'count_remove',
        [
          keys.count(id),
          keys.history(id),
          keys.gone(id),
          keys.goneHistory(id),
          keys.clock,
          keys.dirty.queue,
          keys.revision,
        ],
        [id, created, created + 1],
      )
    },
    /** Renames a count in CountInfoDB alone; the new revision. */
    async rename(id: string, name: string): Promise<number> {
      const [row] = await sql<{ revision: number }[]>`
        update count_info set name = ${name}, revision = nextval('revision_seq') where id = ${id} and deleted_at is null
        returning revision`
      return row?.revision as number
    },
    /** Writes to the value store alone; the new version. */
    async write(id: string, amount = 1, kind: Operation['kind'] = 'increment'): Promise<number> {
      const [outcome] = await commit.apply({ operations: [{ id, kind, amount }], final: true })
      if (outcome?.word !== 'ok') throw new Error(outcome?.word)
      return outcome.version
    },
    async close() {
      for (const reader of readers) reader.close()
      await commit.close()
      cache.close()
      await store.close()
      await sql.end({ timeout: 1 })
      await Promise.all([primaryServer.stop(), replicaServer?.stop(), cacheServer.stop()])
      await databases.drop()
    },
  }
}
