import { randomBytes } from 'node:crypto'
import { createConnection } from 'node:net'
import { text } from 'node:stream/consumers'
import {
  closeDatabase,
  connected,
  DATABASE_NAMES,
  type DatabaseUrls,
  databaseUrls,
  ownerOf,
  type Passwords,
} from '@count/core/databases'
import { type RedisOptions, type RedisServer, startRedis } from './redis-server.ts'
import { until } from './until.ts'

/** The environment variable by which test-setup.ts tells the test files what it started. */
export const TEST_RUN = 'COUNT_TEST_RUN'

export type TestRun = { superuserUrl: string; passwords: Passwords; kafkaSocket: string }

/** The suffix of the databases that each test file's own are copied from. */
export const template = '_template'

export type TestDatabases = DatabaseUrls & {
  /** of the superuser, database `postgres` */
  superuserUrl: string
  /** Removes them. @throws when the test left connections open, 2 s after it should have closed them */
  drop(): Promise<void>
}

/** Three empty databases of this caller's own, with the roles and rights of `createDatabases`. */
export async function testDatabases(): Promise<TestDatabases> {
  const { superuserUrl, passwords } = testRun()
  const suffix = `_${randomBytes(6).toString('hex')}`
  await connected(superuserUrl, async (sql) => {
    for (const name of DATABASE_NAMES) {
      await sql.unsafe(`CREATE DATABASE ${name}${suffix} OWNER ${ownerOf(name)} TEMPLATE ${name}${template}`)
      await closeDatabase(sql, name, suffix)
    }
  })
  const names = DATABASE_NAMES.map((name) => name + suffix)
  return {
    ...databaseUrls(superuserUrl, suffix, passwords),
    superuserUrl,
    drop: () => drop(superuserUrl, names),
  }
}

async function drop(superuserUrl: string, names: string[]): Promise<void> {
  await connected(superuserUrl, async (sql) => {
    const open = () =>
      sql`SELECT usename, left(query, 60) AS query FROM pg_stat_activity WHERE datname IN ${sql(names)}
        AND backend_type = 'client backend'`
    // The server notices a closed connection a moment after the client closed it.
    const closed = until('connections to end', async () => (await open()).length === 0, { deadlineMs: 2_000 })
    const left = await closed.then(() => [], open)
    for (const name of names) await sql.unsafe(`DROP DATABASE ${name} WITH (FORCE)`)
    if (left.length > 0) throw new Error(`the test left connections open: ${JSON.stringify(left)}`)
  })
}

/** A redis-server of this caller's own; nothing is written to disk unless `persistence` says so. `stop` it at the end. */
export async function testRedis(options: Partial<RedisOptions> = {}): Promise<RedisServer> {
  return await startRedis({ persistence: 'none', ...options })
}

/**
 * The run's Kafka, started when the first test asks for it (in about 10 s).
 * @returns KAFKA_BROKERS and a topic name (of a topic that does not exist) of this caller's own
 */
export async function testKafka(): Promise<{ brokers: string; topic: string }> {
  const answer = JSON.parse(await text(createConnection(testRun().kafkaSocket)))
  if (answer.error) throw new Error(answer.error)
  return { brokers: answer.brokers, topic: `test-${randomBytes(6).toString('hex')}` }
}

function testRun(): TestRun {
  const run = process.env[TEST_RUN]
  if (!run)
    throw new Error('run the tests with --config vitest.workspace.ts, whose globalSetup starts their stores')
  return JSON.parse(run)
}
