import { execFile } from 'node:child_process'
import { appendFile, mkdir, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import { main } from '@count/backup/main'
import { databaseUrls, randomPasswords } from '@count/core/databases'
import { connectPostgres, migrate } from '@count/core/postgres'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { findPostgresClients } from '../src/postgres-clients.ts'
import { startPostgres } from '../src/postgres-server.ts'
import { startRedisCluster } from '../src/redis-cluster.ts'
import type { RedisServer } from '../src/redis-server.ts'
import { type TestDatabases, testDatabases, testRedis } from '../src/testing.ts'

const sqlOf = (service: string) => join(import.meta.dirname, `../../../services/${service}/sql`)

let databases: TestDatabases
let value: RedisServer
let cache: RedisServer
let stores: Record<string, string>
let dir: string
beforeAll(async () => {
  process.env.PATH = `${await findPostgresClients()}${delimiter}${process.env.PATH}`
  ;[databases, value, cache] = await Promise.all([testDatabases(), testRedis(), testRedis()])
  const { drop, superuserUrl, ...urls } = databases
  stores = { ...urls, VALUE_REDIS_URL: value.url, CACHE_REDIS_URL: cache.url }
  await migrate(urls.INFO_MIGRATION_URL, sqlOf('count-management-service'))
  await migrate(urls.ARCHIVE_MIGRATION_URL, sqlOf('count-write-service'))
  await migrate(urls.DASHBOARD_MIGRATION_URL, sqlOf('dashboard-provision-service'))
  const archive = connectPostgres(urls.ARCHIVE_DATABASE_URL, { name: 'test', max: 1 })
  await archive`insert into deployment values (4, 'Asia/Seoul')`
  await archive.end()
  await withRedis(value.url, async (redis) => {
    await redis.hset('{s0}:count:a:recovered', { v: 1, t: 2 })
    await redis.set('{s1}:recovered', 'a replid')
    await redis.set('{s1}:clock', '7')
    await redis.psetex('{s2}:writer:w', 600_000, 'expires')
    await redis.xadd('{s0}:events', '*', 'event', '{}')
    const many = redis.pipeline()
    for (let n = 0; n < 2000; n++) many.set(`{s${n % 16}}:count:${n}`, n)
    await many.exec()
  })
  dir = await backedUp()
})
afterAll(async () => {
  await Promise.all([value.stop(), cache.stop(), databases.drop()])
})

async function withRedis<T>(url: string, work: (redis: Redis) => Promise<T>): Promise<T> {
  const redis = new Redis(url, { maxRetriesPerRequest: 3 })
  return await work(redis).finally(() => redis.disconnect())
}

/** Every key of some servers, as it is stored and when it expires. */
async function contentOf(urls: string[]): Promise<Map<string, string>> {
  const content = new Map<string, string>()
  for (const url of urls)
    await withRedis(url, async (redis) => {
      for (const key of await redis.keys('*'))
        content.set(key, `${(await redis.dumpBuffer(key)).toString('hex')} ${await redis.pexpiretime(key)}`)
    })
  return new Map([...content].sort())
}

/** Tables, their rights and rows, as pg_dump tells them. */
async function textOf(url: string): Promise<string> {
  const { stdout } = await promisify(execFile)('pg_dump', [`--dbname=${url}`, '--no-comments'])
  // A random word against injection.
  return stdout.replace(/^\\(un)?restrict .*$/gm, '')
}

const freshDir = () => mkdtemp(join(tmpdir(), 'backup-'))
async function backedUp(from = stores): Promise<string> {
  const dir = join(await freshDir(), 'new')
  await main(['backup', dir], from)
  return dir
}

describe('a backup', () => {
  test('is restored to a deployment of other passwords, on a Cluster, and from there on one server', async () => {
    const [server, cluster, single] = await Promise.all([
      startPostgres({ durable: false }),
      startRedisCluster({ primaries: 3, replicas: 0 }),
      testRedis(),
    ])
    onTestFinished(async () => {
      await Promise.all([server.stop(), cluster.stop(), single.stop()])
    })
    const urls = databaseUrls(server.url, '', randomPasswords())
    const other = { ...stores, ...urls, POSTGRES_URL: server.url, VALUE_REDIS_URL: cluster.url }
    await main(['restore', dir], other)

    const expected = await contentOf([value.url])
    // Recovery has finished on no primary of what was restored.
    expect(expected.delete('{s1}:recovered')).toBe(true)
    expect(await contentOf(cluster.primaries.map(({ url }) => url))).toEqual(expected)
    const names = ['INFO_MIGRATION_URL', 'ARCHIVE_MIGRATION_URL', 'DASHBOARD_MIGRATION_URL'] as const
    for (const name of names) expect(await textOf(urls[name])).toBe(await textOf(databases[name]))

    const again = await backedUp(other)
    expect((await readdir(again)).filter((name) => name.endsWith('.rdb'))).toHaveLength(3)
    await main(['restore', again, '--overwrite'], { ...other, VALUE_REDIS_URL: single.url })
    expect(await contentOf([single.url])).toEqual(expected)
  })

  test('is restored over what its own stores hold now only when told so, and empties the cache', async () => {
    const mine = await backedUp()
    const [set, text] = [await contentOf([value.url]), await textOf(databases.DASHBOARD_MIGRATION_URL)]
    set.delete('{s1}:recovered')
    await withRedis(value.url, (redis) => redis.set('{s3}:count:later', '1'))
    await withRedis(cache.url, (redis) => redis.set('newer', '1'))
    const owner = connectPostgres(databases.DASHBOARD_MIGRATION_URL, { name: 'test', max: 1 })
    await owner`create table later (n int)`
    await owner.end()
    await expect(main(['restore', mine], stores)).rejects.toThrow(
      /^the value store is not empty\n(.*\n){2}.*is not empty$/,
    )
    expect(await contentOf([value.url])).toHaveProperty('size', set.size + 2)
    await main(['restore', mine, '--overwrite'], stores)
    expect(await contentOf([value.url])).toEqual(set)
    expect(await contentOf([cache.url])).toEqual(new Map())
    expect(await textOf(databases.DASHBOARD_MIGRATION_URL)).toBe(text)
  })
})

describe('refused is', () => {
  test('a restore while a service uses the stores', async () => {
    const service = connectPostgres(databases.INFO_DATABASE_URL, { name: 'service', max: 1 })
    const writer = new Redis(value.url, { connectionName: 'count-value' })
    onTestFinished(async () => {
      writer.disconnect()
      await service.end()
    })
    await service`select 1`
    await writer.ping()
    const restoring = main(['restore', dir, '--overwrite'], stores)
    await expect(restoring).rejects.toThrow(
      /value store is in use by count-value.*\n(.*\n)*database count_info.* is in use by info_service/,
    )
  })

  test.for<[string, RegExp, (dir: string) => Promise<unknown>]>([
    ['a directory that is not there', /no complete backup/, (dir) => rm(dir, { recursive: true })],
    ['a backup without its manifest', /no manifest\.json in it/, (dir) => rm(join(dir, 'manifest.json'))],
    ['a backup without one of its files', /archive\.dump is missing/, (dir) => rm(join(dir, 'archive.dump'))],
    [
      'a file that was changed',
      /value-0\.rdb is not what/,
      (dir) => appendFile(join(dir, 'value-0.rdb'), 'x'),
    ],
  ])('%s', async ([, message, harm]) => {
    const mine = await backedUp()
    const before = await contentOf([value.url])
    await harm(mine)
    await expect(main(['restore', mine, '--overwrite'], stores)).rejects.toThrow(message)
    expect(await contentOf([value.url])).toEqual(before)
  })

  test('a backup into a directory that holds something', async () => {
    const mine = await freshDir()
    await mkdir(join(mine, 'something'))
    await expect(main(['backup', mine], stores)).rejects.toThrow('is not empty')
  })

  test('a backup of what is not there, and it leaves no manifest', async () => {
    const mine = await freshDir()
    const away = {
      ...stores,
      ARCHIVE_MIGRATION_URL: stores.ARCHIVE_MIGRATION_URL?.replace(/:\d+\//, ':1/') ?? '',
    }
    await expect(main(['backup', mine], away)).rejects.toThrow(/pg_dump failed: .*refused/s)
    expect(await readdir(mine)).not.toContain('manifest.json')
  })

  test('what is not understood, told at once', async () => {
    await expect(main(['backup'], stores)).rejects.toThrow('backup <directory>')
    await expect(main(['backup', dir], { VALUE_REDIS_URL: 'x' })).rejects.toThrow(
      /VALUE_REDIS_URL must be(.*\n)+ARCHIVE_DATABASE_URL is missing/,
    )
  })
})
