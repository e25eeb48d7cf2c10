import { readConfig } from '@count/core/config'
import { connectPostgres } from '@count/core/postgres'
import { createContext, listen } from '@count/core/service'
import { inProcessFetch, inProcessUrl } from '@count/stack/in-process-fetch'
import { redisInfo } from '@count/stack/redis-command'
import { testDatabases, testRedis } from '@count/stack/testing'
import { until } from '@count/stack/until'
import { migrateInfo, openManagement } from 'count-management-service/app'
import { managementSettings } from 'count-management-service/config'
import { hashPassword } from 'count-management-service/passwords'
import { openRead } from 'count-read-service/app'
import { readSettings } from 'count-read-service/config'
import { openWrite } from 'count-write-service/app'
import { writeSettings } from 'count-write-service/config'
import { z } from 'zod'
import { openAnalysis } from '../src/app.ts'
import type { PoolOptions } from '../src/child-pool.ts'
import { analysisSettings } from '../src/config.ts'

export const serviceToken = 'a-service-token-of-tests'
const password = 'correct horse battery staple'
const admin = '/api/v1/admin'

/** An answer, its JSON as far as tests look into it. */
export interface Reply {
  status: number
  headers: Headers
  text: string
  body: Record<string, unknown>
}

export type World = Awaited<ReturnType<typeof openWorld>>

/** Management, read, write and analysis in one process; the value store with a replica, which analysis reads from. */
export async function openWorld(pool: Partial<PoolOptions> = {}) {
  const [primary, cache, { drop, ...databases }] = await Promise.all([
    testRedis({ persistence: 'always' }),
    testRedis(),
    testDatabases(),
  ])
  const replica = await testRedis({ replicaOf: primary })
  await replica.linked()
  const env = {
    ...databases,
    HOST: '127.0.0.1',
    PORT: '0',
    LOG_LEVEL: process.env.TEST_LOG ?? 'silent',
    VALUE_REDIS_URL: primary.url,
    CACHE_REDIS_URL: cache.url,
    SERVICE_TOKEN: serviceToken,
    MANAGEMENT_URL: inProcessUrl,
    READ_URL: inProcessUrl,
  }
  const management = readConfig(managementSettings, env)
  const context = {
    ...createContext('count', management.LOG_LEVEL),
    fetch: inProcessFetch(() => running?.app),
  }
  let running: Awaited<ReturnType<typeof listen>> | undefined
  await migrateInfo(management)
  const parts = [
    await openManagement(management, context),
    await openWrite(readConfig(writeSettings, env), context),
    await openRead(readConfig(readSettings, env), context),
  ]
  const analysis = readConfig(analysisSettings, { ...env, VALUE_REPLICA_REDIS_URL: replica.url })
  running = await listen(management, context, [...parts, await openAnalysis(analysis, context, pool)])
  const { url, app } = running

  const sql = connectPostgres(databases.INFO_MIGRATION_URL, { name: 'test', max: 1 })
  const hash = await hashPassword(password)
  for (const role of ['viewer', 'editor', 'admin'])
    await sql`insert into app_user (username, password_hash, role) values (${role}, ${hash}, ${role})`

  /** The headers of a session. */
  async function signIn(username: string): Promise<Record<string, string>> {
    const answer = await fetch(`${url}${admin}/session`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ username, password }),
    })
    const { csrfToken } = z.object({ csrfToken: z.string() }).parse(await answer.json())
    return { cookie: answer.headers.getSetCookie()[0]?.split(';')[0] ?? '', 'x-csrf-token': csrfToken }
  }

  const [viewer, editor] = [await signIn('viewer'), await signIn('editor')]

  /** Asks for an analysis, as a viewer. */
  async function ask(path: string, headers: Record<string, string> = {}): Promise<Reply> {
    const answer = await fetch(`${url}/api/v1/analysis/${path}`, { headers: { ...viewer, ...headers } })
    // Not text(): it would swallow a byte order mark.
    const text = Buffer.from(await answer.arrayBuffer()).toString()
    const body = answer.headers.get('content-type')?.includes('json') ? JSON.parse(text) : {}
    return { status: answer.status, headers: answer.headers, text, body }
  }

  /** Calls as an editor. @throws when refused */
  async function edit(method: string, path: string, body: object | string): Promise<unknown> {
    const type = typeof body === 'string' ? 'text/csv' : 'application/json'
    const answer = await fetch(`${url}${admin}${path}`, {
      method,
      headers: { ...editor, 'if-match': '*', 'content-type': type },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    })
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`)
    return await answer.json()
  }

  const createCount = (id: string, more: object = {}) => edit('POST', '/counts', { id, name: id, ...more })

  /** Gives counts a past: lines of id, ms since 1970, delta. */
  async function importHistory(lines: [id: string, at: number, delta: number][]): Promise<void> {
    const rows = lines.map(([id, at, delta]) => `${id},${new Date(at).toISOString()},${delta}\n`)
    const job = z.object({ id: z.string(), status: z.string(), failed: z.int() })
    let state = job.parse(await edit('POST', '/import/history', `id,timestamp,delta\n${rows.join('')}`))
    await until('the import', async () => {
      const answer = await fetch(`${url}${admin}/jobs/${state.id}`, { headers: editor })
      state = job.parse(await answer.json())
      return state.status !== 'running'
    })
    if (state.status !== 'done' || state.failed > 0) throw new Error(JSON.stringify(state))
  }

  return {
    url,
    app,
    primary,
    replica,
    viewer,
    signIn,
    ask,
    edit,
    createCount,
    importHistory,
    /** All that the primary was told has arrived at the replica. */
    async replicated(): Promise<void> {
      await replica.linked()
      await until('the replica', async () => {
        const [of, there] = await Promise.all([offset(primary, 'master'), offset(replica, 'slave')])
        return of !== undefined && of === there
      })
    },
    async close(): Promise<void> {
      await sql.end({ timeout: 1 })
      await running?.stop()
      await replica.stop()
      await Promise.all([primary.stop(), cache.stop()])
      await drop()
    },
  }
}

const offset = (server: Parameters<typeof redisInfo>[0], role: 'master' | 'slave') =>
  redisInfo(server, 'replication', `${role}_repl_offset`)
