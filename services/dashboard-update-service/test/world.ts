import { type ChildProcess, spawn } from 'node:child_process'
import { generateKeyPairSync, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { join } from 'node:path'
import type { Role } from '@count/core/access'
import { createApiKey } from '@count/core/api-keys'
import { readConfig } from '@count/core/config'
import type { Panel } from '@count/core/dashboards'
import { connectPostgres } from '@count/core/postgres'
import { createContext, listen, type RunningServer } from '@count/core/service'
import { signSession } from '@count/core/sessions'
import { testDatabases, testRedis } from '@count/stack/testing'
import { until } from '@count/stack/until'
import { openManagement } from 'count-management-service/app'
import { managementSettings } from 'count-management-service/config'
import { openWrite } from 'count-write-service/app'
import { writeSettings } from 'count-write-service/config'
import { openUpdate, type UpdateOptions } from '../src/app.ts'
import { updateSettings } from '../src/config.ts'
import { fakeProvision } from './fake-provision.ts'
import { follow, type Page } from './page.ts'
import { type Watcher, watch } from './watcher.ts'

export type World = Awaited<ReturnType<typeof openWorld>>

const serviceToken = 'a-service-token-of-tests'

/** A panel that shows these counts; each test's own layout does not matter here. */
export const panel = (id: string, counts: Panel['counts'], more: Partial<Panel> = {}): Panel => ({
  id,
  type: 'number',
  title: id,
  counts,
  layout: { x: 0, y: 0, w: 2, h: 2 },
  ...more,
})

/**
 * Real stores, the real write and management services on them, and dashboard-update-service, whose provision and sessions
 * are the test's.
 */
export async function openWorld({ env = {} }: { env?: NodeJS.ProcessEnv } = {}) {
  const [primary, cache, databases] = await Promise.all([
    testRedis({ persistence: 'always' }),
    testRedis(),
    testDatabases(),
  ])
  const replica = await testRedis({ replicaOf: primary })
  await replica.linked()
  const keys = generateKeyPairSync('ed25519')
  const publicKey = keys.publicKey.export({ format: 'der', type: 'spki' }).toString('base64')
  const revoked: string[] = []
  const provision = await fakeProvision(serviceToken, { publicKey, revoked })
  const children = new Set<ChildProcess>()
  const watchers: Watcher[] = []
  const pages: Page[] = []
  const servers = new Set<RunningServer>()

  const { drop, superuserUrl, ...urls } = databases
  const settings: NodeJS.ProcessEnv = {
    ...urls,
    HOST: '127.0.0.1',
    PORT: '0',
    LOG_LEVEL: process.env.TEST_LOG ?? 'silent',
    VALUE_REDIS_URL: primary.url,
    VALUE_REPLICA_REDIS_URL: replica.url,
    CACHE_REDIS_URL: cache.url,
    SERVICE_TOKEN: serviceToken,
    MANAGEMENT_URL: provision.url,
    PROVISION_URL: provision.url,
    ...env,
  }

  /** Management and write in one process. */
  async function startWriting(): Promise<RunningServer> {
    const context = createContext('writing', 'silent')
    const management = readConfig(managementSettings, settings)
    const write = readConfig(writeSettings, settings)
    // One after the other: management migrates.
    const parts = [await openManagement(management, context), await openWrite(write, context)]
    const server = await listen(write, context, parts)
    servers.add(server)
    return server
  }

  async function startUpdate(overrides: NodeJS.ProcessEnv = {}, options: UpdateOptions = {}) {
    const config = readConfig(updateSettings, { ...settings, ...overrides })
    const context = createContext('update', config.LOG_LEVEL)
    const server = await listen(config, context, [await openUpdate(config, context, options)])
    servers.add(server)
    return server
  }

  /** dashboard-update-service as a process of its own, to be killed. */
  async function startUpdateProcess(port: number) {
    const child = spawn(process.execPath, ['src/server.ts'], {
      cwd: join(import.meta.dirname, '..'),
      env: { PATH: process.env.PATH, ...settings, PORT: String(port) },
      stdio: ['ignore', 'inherit', 'inherit'],
    })
    children.add(child)
    const url = `http://127.0.0.1:${port}`
    await until('the service to listen', async () => (await fetch(`${url}/livez`)).ok)
    return { url, kill: () => end(child) }
  }

  async function end(child: ChildProcess): Promise<void> {
    children.delete(child)
    const exited = once(child, 'exit')
    child.kill('SIGKILL')
    await exited
  }

  /** A cookie of a new session. */
  function session(role: Role = 'viewer', seconds = 3600) {
    const sid = randomUUID()
    const claims = { sid, user: role, role, csrf: 'csrf', exp: Math.floor(Date.now() / 1000) + seconds }
    return { sid, cookie: `count_session=${signSession(keys.privateKey, claims)}` }
  }

  const writing = await startWriting()
  const sql = connectPostgres(databases.INFO_MIGRATION_URL, { name: 'test', max: 2 })
  const apiKey = createApiKey()
  await sql`insert into api_key (id, name, secret_hash, scopes)
    values (${apiKey.id}, 'test', ${apiKey.hash}, ${['counts:read', 'counts:write']})`
  const admin = await signIn()

  async function signIn() {
    const { hashPassword } = await import('count-management-service/passwords')
    const password = 'correct horse battery staple'
    await sql`insert into app_user (username, password_hash, role)
      values ('admin', ${await hashPassword(password)}, 'admin')`
    const response = await fetch(`${writing.url}/api/v1/admin/session`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ username: 'admin', password }),
    })
    const { csrfToken } = (await response.json()) as { csrfToken: string }
    return { cookie: response.headers.get('set-cookie')?.split(';')[0] ?? '', 'x-csrf-token': csrfToken }
  }

  async function send(method: string, path: string, body?: object, headers: Record<string, string> = {}) {
    const response = await fetch(writing.url + path, {
      method,
      headers: {
        ...(path.startsWith('/api/v1/admin') ? admin : { authorization: `Bearer ${apiKey.key}` }),
        ...(body ? { 'content-type': 'application/json' } : {}),
        ...headers,
      },
      body: body && JSON.stringify(body),
    })
    const text = await response.text()
    const answer: { value: number; version: number; id: string } = text === '' ? undefined : JSON.parse(text)
    return { status: response.status, body: answer }
  }

  async function expectStatus(wanted: number, answer: ReturnType<typeof send>) {
    const { status, body } = await answer
    if (status !== wanted) throw new Error(`answered ${status}: ${JSON.stringify(body)}`)
    return body
  }

  const create = (id: string, more: object = {}) =>
    expectStatus(201, send('POST', '/api/v1/admin/counts', { id, name: `Count ${id}`, ...more }))
  const change = (id: string, more: object) =>
    expectStatus(200, send('PATCH', `/api/v1/admin/counts/${id}`, more, { 'if-match': '*' }))
  const remove = (id: string) =>
    expectStatus(204, send('DELETE', `/api/v1/admin/counts/${id}`, undefined, { 'if-match': '*' }))
  const increment = (id: string, amount = 1) =>
    expectStatus(200, send('POST', `/api/v1/counts/${id}/increment`, { amount }))

  /** Sends until it is answered, under one key: counted once. */
  const incrementSurely = (id: string, amount = 1) => {
    const key = randomUUID()
    return until(
      'an answer',
      async () => {
        const answer = await send(
          'POST',
          `/api/v1/counts/${id}/increment`,
          { amount },
          { 'idempotency-key': key },
        )
        return answer.status === 200
      },
      { deadlineMs: 60_000, everyMs: 50 },
    )
  }

  /** Watches a dashboard with a session of its own. */
  async function open(
    server: Pick<RunningServer, 'url'>,
    dashboard: string,
    headers: Record<string, string> = { cookie: session().cookie },
  ): Promise<Watcher> {
    const watcher = await watch(`${server.url}/api/v1/dashboards/${dashboard}/stream`, headers)
    watchers.push(watcher)
    return watcher
  }

  /** Watches it as a page does, over and over. */
  function show(url: () => string, dashboard: string): Page {
    const page = follow(`/api/v1/dashboards/${dashboard}/stream`, url, { cookie: session().cookie })
    pages.push(page)
    return page
  }

  return {
    primary,
    replica,
    cache,
    databases,
    sql,
    provision,
    revoked,
    session,
    startUpdate,
    startUpdateProcess,
    send,
    create,
    change,
    remove,
    increment,
    incrementSurely,
    open,
    show,
    async close() {
      await Promise.all([...watchers, ...pages].map((one) => one.close()))
      await Promise.all([...servers].map((server) => server.stop()))
      await Promise.all([...children].map(end))
      await provision.close()
      await sql.end({ timeout: 1 })
      await Promise.all([replica.stop(), cache.stop()])
      await primary.stop()
      await drop()
    },
  }
}
