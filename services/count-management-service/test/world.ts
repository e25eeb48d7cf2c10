import { readConfig } from '@count/core/config'
import { shardKeys } from '@count/core/keys'
import { connectPostgres, type Sql } from '@count/core/postgres'
import { connectRedis, untilReady } from '@count/core/redis'
import { createContext, createServer, type ServerOptions, type ServiceParts } from '@count/core/service'
import { redisInfo } from '@count/stack/redis-command'
import type { RedisServer } from '@count/stack/redis-server'
import { type TestDatabases, testDatabases, testRedis } from '@count/stack/testing'
import type { FastifyInstance } from 'fastify'
import type { Redis } from 'ioredis'
import { pino } from 'pino'
import { openManagement } from '../src/app.ts'
import { managementSettings } from '../src/config.ts'
import { hashPassword } from '../src/passwords.ts'

export const serviceToken = 'a-service-token-of-tests'
export const password = 'correct horse battery staple'
export const log = pino({ level: 'silent' })
const shards = 4

/** One process of count-management-service. */
export interface Process {
  app: FastifyInstance
  close(): Promise<void>
}

/** The stores of one deployment, a first process of the service on them, and a user of each role. */
export interface World {
  databases: TestDatabases
  value: RedisServer
  cache: RedisServer
  /** The value store, read as it is. */
  redis: Redis
  /** CountInfoDB as its owner. */
  sql: Sql
  app: FastifyInstance
  /** Another process on the same stores, with the parts of other services in it. */
  open(env?: Record<string, string>, more?: ServiceParts[]): Promise<Process>
  /** Ends the first process. */
  end(): Promise<void>
  /** What recovery does after every start of the value store. */
  recover(): Promise<void>
  close(): Promise<void>
}

export async function openWorld(): Promise<World> {
  const databases = await testDatabases()
  const [value, cache] = await Promise.all([testRedis({ persistence: 'always' }), testRedis()])
  const redis = connectRedis(value.url, { name: 'test', log })
  await untilReady(redis, 5000)
  const closing: (() => Promise<void>)[] = []

  async function recover(): Promise<void> {
    await untilReady(redis, 5000)
    const replid = (await redisInfo(value, 'replication', 'master_replid')) ?? ''
    for (let shard = 0; shard < shards; shard++) await redis.set(shardKeys(shard).recovered, replid)
  }

  async function open(env: Record<string, string> = {}, more: ServiceParts[] = []): Promise<Process> {
    const { drop, ...urls } = databases
    const config = readConfig(managementSettings, {
      ...urls,
      VALUE_REDIS_URL: value.url,
      CACHE_REDIS_URL: cache.url,
      SERVICE_TOKEN: serviceToken,
      SHARDS: String(shards),
      LOG_LEVEL: 'silent',
      ...env,
    })
    const context = createContext('count-management-service', config.LOG_LEVEL)
    const parts = await openManagement(config, context)
    const options: ServerOptions = config.PUBLIC_URL ? { publicUrl: config.PUBLIC_URL } : {}
    const app = await createServer(context, [parts, ...more], options)
    let closed: Promise<void> | undefined
    const close = () => {
      closed ??= app.close().then(() => parts.close())
      return closed
    }
    closing.push(close)
    return { app, close }
  }

  await recover()
  const { app, close: end } = await open()
  const sql = connectPostgres(databases.INFO_MIGRATION_URL, { name: 'test', max: 3 })
  const hash = await hashPassword(password)
  for (const role of ['viewer', 'editor', 'admin']) {
    await sql`insert into app_user (username, password_hash, role) values (${role}, ${hash}, ${role})`
  }
  return {
    databases,
    value,
    cache,
    redis,
    sql,
    app,
    open,
    end,
    recover,
    async close() {
      for (const close of closing) await close()
      redis.disconnect()
      await sql.end({ timeout: 1 })
      await Promise.all([value.stop(), cache.stop()])
      await databases.drop()
    },
  }
}

/** What answers of this service may hold; which of it does is what tests look at. */
export interface Body {
  type: string
  detail: string
  errors: { path: string; message: string }[]
  items: Body[]
  nextCursor: string | null
  id: string
  key: string
  name: string
  state: Record<string, unknown>
  createdBy: string
  createdAt: string
  updatedAt: string
  revision: number
  version: number
  created: number
  value: number | null
  points: { at: string; value: number; partial?: true }[]
  username: string
  role: string
  csrfToken: string
  publicKey: string
  revoked: string[]
  revokedAt: string | null
  lastUsedAt: string | null
  previousUntil: string | null
  changedAt: string | null
  today: number | null
  spark: number[]
  tag: string
  tags: string[]
  counts: number
  deletedAt: string
  purgedAt: string
  disabled: boolean
  current: boolean
  userAgent: string
  seenAt: string
  expiresAt: string
  address: string
  at: string
  actor: string
  action: string
  subject: string
  before: Record<string, unknown> | null
  after: Record<string, unknown> | null
  reason: string | null
  undoable: boolean
  undoneBy: string | null
}

export interface Reply {
  status: number
  headers: Record<string, string | string[] | number | undefined>
  body: Body
}

export interface Caller {
  headers: Record<string, string>
  call(
    method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE',
    url: string,
    body?: object,
    headers?: Record<string, string>,
  ): Promise<Reply>
}

export function caller(app: FastifyInstance, headers: Record<string, string> = {}): Caller {
  return {
    headers,
    async call(method, url, body, more = {}) {
      const response = await app.inject({
        method,
        url,
        headers: { ...headers, ...more },
        ...(body ? { payload: body } : {}),
      })
      const text = response.body
      return {
        status: response.statusCode,
        headers: response.headers,
        body:
          String(response.headers['content-type']).includes('json') && text !== ''
            ? JSON.parse(text)
            : undefined,
      }
    },
  }
}

/** Signs in; what is called then carries cookie and CSRF token. */
export async function signIn(app: FastifyInstance, username: string, given = password): Promise<Caller> {
  const reply = await caller(app).call('POST', '/api/v1/admin/session', { username, password: given })
  if (reply.status !== 200) throw new Error(`signing in: ${reply.status} ${JSON.stringify(reply.body)}`)
  const cookie = String(reply.headers['set-cookie']).split(';')[0] ?? ''
  return caller(app, { cookie, 'x-csrf-token': reply.body.csrfToken })
}
