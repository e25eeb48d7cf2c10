import { readConfig } from '@count/core/config'
import { untilReady } from '@count/core/redis'
import { DeploymentMismatch, openValueStore } from '@count/core/value-store'
import { startRedisCluster } from '@count/stack/redis-cluster'
import { askRedis, redisInfo } from '@count/stack/redis-command'
import { testRedis } from '@count/stack/testing'
import { until } from '@count/stack/until'
import { pino } from 'pino'
import { expect, test } from 'vitest'
import { analysisSettings } from '../src/config.ts'
import { openValueReplica } from '../src/value-replica.ts'

const log = pino({ level: 'silent' })
const configOf = (env: Record<string, string>) =>
  readConfig(analysisSettings, {
    SERVICE_TOKEN: 'a-service-token-of-tests',
    MANAGEMENT_URL: 'http://127.0.0.1:1',
    READ_URL: 'http://127.0.0.1:1',
    ...env,
  })
const today = { granularity: 'day', first: 20_000, last: 20_001, open: 20_001 } as const
const ids = Array.from({ length: 120 }, (_, n) => `count.${n}`)

test('on a cluster every shard is read from a replica of its own', async () => {
  const cluster = await startRedisCluster({ primaries: 3, replicas: 1 })
  const store = await openValueStore({ VALUE_REDIS_URL: cluster.url, SHARDS: 16 }, { log })
  try {
    for (const id of ids) {
      const shard = store.shardOf(id)
      const primary = store.primary(shard)
      await untilReady(primary, 5000)
      await primary.hset(store.keys(shard).count(id), { v: '7', t: '1', c: '5', s: 'active' })
    }
    for (const [i, replica] of cluster.replicas.entries())
      await until('the replica', async () => {
        const primary = cluster.primaries[i]
        const offset = primary && (await redisInfo(primary, 'replication', 'master_repl_offset'))
        return offset && offset === (await redisInfo(replica, 'replication', 'slave_repl_offset'))
      })
    const replica = await openValueReplica(configOf({ VALUE_REDIS_URL: cluster.url }), log)
    try {
      const scripts = async (server: Parameters<typeof askRedis>[0]) =>
        /cmdstat_evalsha:/.test(await askRedis(server, 'INFO', 'commandstats'))
      // The nodes of a new cluster hear of its replicas one after the other.
      const records = await until('every replica to be read', async () => {
        for (const primary of cluster.primaries) await askRedis(primary, 'CONFIG', 'RESETSTAT')
        const found = await replica.pasts([...ids, 'none'], today)
        return (await Promise.all(cluster.primaries.map(scripts))).includes(true) ? undefined : found
      })
      expect(await Promise.all(cluster.replicas.map(scripts))).toEqual([true, true, true])
      expect(records.size).toBe(ids.length)
      expect(records.get('count.119')).toMatchObject({ value: 7, created: 5 })
      await replica.check()
    } finally {
      await replica.close()
    }
  } finally {
    await store.close()
    await cluster.stop()
  }
})

test('a store that is away when the service opens is found when it is back', async () => {
  const server = await testRedis()
  const config = configOf({ VALUE_REDIS_URL: server.url })
  await server.kill('SIGKILL')
  const replica = await openValueReplica(config, log)
  await expect(replica.pasts(ids, today)).rejects.toThrow('the value replica')
  await expect(replica.check()).rejects.toThrow('the value replica')
  await server.restart()
  expect(await until('the store', async () => await replica.zone())).toBe('UTC')
  expect((await replica.pasts(ids, today)).size).toBe(0)
  await replica.close()
  await server.stop()
})

test('settings that contradict the store stop the service', async () => {
  const server = await testRedis()
  const store = await openValueStore({ VALUE_REDIS_URL: server.url, TIME_ZONE: 'Asia/Seoul' }, { log })
  await store.close()
  const config = configOf({ VALUE_REDIS_URL: server.url, TIME_ZONE: 'Europe/Berlin' })
  await expect(openValueReplica(config, log)).rejects.toThrow(DeploymentMismatch)
  await server.stop()
})
