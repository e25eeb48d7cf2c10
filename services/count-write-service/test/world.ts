import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createApiKey } from '@count/core/api-keys'
import { readConfig } from '@count/core/config'
import { crc16 } from '@count/core/crc16'
import { connectPostgres, migrate } from '@count/core/postgres'
import { createContext, listen, type RunningServer } from '@count/core/service'
import { freePort } from '@count/stack/ports'
import type { RedisOptions, RedisServer } from '@count/stack/redis-server'
import { testDatabases, testRedis } from '@count/stack/testing'
import { until } from '@count/stack/until'
import { openWrite } from '../src/app.ts'
import { writeSettings } from '../src/config.ts'

const root = join(import.meta.dirname, '../../..')
const infoSchema = join(root, 'services/count-management-service/sql')

export interface NewCount {
  initialValue?: number
  min?: number | null
  max?: number | null
  status?: string
}

/** A body, its status and whether it was answered before. */
export interface Answer {
  status: number
  replayed: boolean
  body: {
    value: number
    version: number
    delta: number
    type: string
    results: Answer['body'][]
    status: number
  }
}

export type World = Awaited<ReturnType<typeof openWorld>>

/** Every store that count-write-service talks to, real ones of this test file's own, and callers of its API. */
export async function openWorld({
  value = {},
  env = {},
}: {
  value?: Partial<RedisOptions>
  env?: NodeJS.ProcessEnv
} = {}) {
  const [primary, cache, databases] = await Promise.all([testRedis(value), testRedis(), testDatabases()])
  await migrate(databases.INFO_MIGRATION_URL, infoSchema)
  const info = connectPostgres(databases.INFO_MIGRATION_URL, {
    name: 'test',
    max: 2,
    statementTimeoutMs: 60_000,
  })
  const archive = connectPostgres(databases.ARCHIVE_MIGRATION_URL, {
    name: 'test',
    max: 2,
    statementTimeoutMs: 60_000,
  })
  const closing: (() => Promise<unknown>)[] = []
  const { key } = await newKey()

  const settings: NodeJS.ProcessEnv = {
    HOST: '127.0.0.1',
    PORT: '0',
    LOG_LEVEL: process.env.TEST_LOG ?? 'silent',
    VALUE_REDIS_URL: primary.url,
    CACHE_REDIS_URL: cache.url,
    INFO_DATABASE_URL: databases.INFO_REPLICA_DATABASE_URL,
    ARCHIVE_DATABASE_URL: databases.ARCHIVE_DATABASE_URL,
    ARCHIVE_MIGRATION_URL: databases.ARCHIVE_MIGRATION_URL,
    ...env,
  }

  async function newKey(scopes = ['counts:read', 'counts:write'], prefixes: string[] | null = null) {
    const made = createApiKey()
    await info`insert into api_key (id, name, secret_hash, scopes, prefixes)
      values (${made.id}, 'test', ${made.hash}, ${scopes}, ${prefixes})`
    return made
  }

  /** Puts a count into CountInfoDB; its record is made when it is first written. */
  async function define(
    id: string,
    { initialValue = 0, min = null, max = null, status = 'active' }: NewCount = {},
  ) {
    await info`
      with next as (select nextval('revision_seq') as revision)
      insert into count_info (
        id, created, revision, name, description, unit, tags, metadata, initial_value, min, max, status, hash)
      select ${id}, revision, revision, ${id}, '', '', '{}', '{}', ${initialValue}, ${min}, ${max}, ${status}, ${crc16(id)}
      from next`
  }

  /** Runs the service in this process. */
  async function run(overrides: NodeJS.ProcessEnv = {}): Promise<RunningServer> {
    const config = readConfig(writeSettings, { ...settings, ...overrides })
    const context = createContext('test', config.LOG_LEVEL)
    const server = await listen(config, context, [await openWrite(config, context)])
    closing.push(server.stop)
    return server
  }

  /** Runs the service as a process of its own, to be killed. */
  async function runProcess(overrides: NodeJS.ProcessEnv = {}) {
    const port = await freePort()
    const child: ChildProcess = spawn(process.execPath, ['src/server.ts'], {
      cwd: join(import.meta.dirname, '..'),
      env: { PATH: process.env.PATH, ...settings, ...overrides, PORT: String(port) },
      stdio: ['ignore', 'inherit', 'inherit'],
    })
    const exited = once(child, 'exit')
    closing.push(async () => {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL')
      await exited
    })
    const url = `http://127.0.0.1:${port}`
    await until('the service to listen', async () => (await fetch(`${url}/livez`)).ok, { deadlineMs: 20_000 })
    return { url, child, exited }
  }

  async function send(
    url: string,
    method: string,
    path: string,
    body: unknown,
    headers: Record<string, string> = {},
  ) {
    const response = await fetch(url + path, {
      method,
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', ...headers },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    })
    const text = await response.text()
    const answer: Answer & { headers: Headers } = {
      status: response.status,
      replayed: response.headers.get('idempotency-replayed') === 'true',
      body: text === '' ? undefined : JSON.parse(text),
      headers: response.headers,
    }
    return answer
  }

  const increment = (url: string, id: string, amount = 1, idempotencyKey?: string) =>
    send(
      url,
      'POST',
      `/api/v1/counts/${id}/increment`,
      { amount },
      idempotencyKey ? { 'idempotency-key': idempotencyKey } : {},
    )

  /** A client that retries under its idempotency key until it knows: what it added, exactly. */
  async function incrementSurely(
    url: () => string,
    id: string,
    amount: number,
    idempotencyKey: string,
  ): Promise<Answer> {
    return until(
      `an answer to ${idempotencyKey}`,
      async () => {
        const answer = await increment(url(), id, amount, idempotencyKey)
        return answer.status === 503 || answer.status === 429 ? undefined : answer
      },
      { deadlineMs: 60_000, everyMs: 20 },
    )
  }

  async function close() {
    await Promise.all(closing.map((end) => end()))
    await Promise.all([info.end(), archive.end()])
    await Promise.all([primary.stop(), cache.stop()])
    await databases.drop()
  }

  return {
    primary: primary as RedisServer,
    cache: cache as RedisServer,
    databases,
    info,
    archive,
    settings,
    key,
    newKey,
    define,
    run,
    runProcess,
    send,
    increment,
    incrementSurely,
    close,
  }
}
