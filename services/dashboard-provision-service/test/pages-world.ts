import { createApiKey } from '@count/core/api-keys'
import { readConfig } from '@count/core/config'
import { connectPostgres } from '@count/core/postgres'
import { createContext, listen, type RunningServer } from '@count/core/service'
import { chromiumArguments, findChromium } from '@count/stack/chromium'
import { type FaultProxy, startFaultProxy } from '@count/stack/fault-proxy'
import { inProcessFetch, inProcessUrl } from '@count/stack/in-process-fetch'
import { testDatabases, testRedis } from '@count/stack/testing'
import { openManagement } from 'count-management-service/app'
import { managementSettings } from 'count-management-service/config'
import { hashPassword } from 'count-management-service/passwords'
import { openRead } from 'count-read-service/app'
import { readSettings } from 'count-read-service/config'
import { openWrite } from 'count-write-service/app'
import { writeSettings } from 'count-write-service/config'
import { openUpdate } from 'dashboard-update-service/app'
import { updateSettings } from 'dashboard-update-service/config'
import { type BrowserContext, chromium, type Page } from 'playwright-core'
import { z } from 'zod'
import { openProvision } from '../src/app.ts'
import { provisionSettings } from '../src/config.ts'

export type Language = 'ko' | 'en'
export type Role = 'viewer' | 'editor' | 'admin'
export type World = Awaited<ReturnType<typeof openWorld>>

const password = 'correct horse battery staple'

/** Every service that dashboards need, in one process on real stores. */
async function openServices() {
  const [value, cache, databases] = await Promise.all([
    testRedis({ persistence: 'always' }),
    testRedis(),
    testDatabases(),
  ])
  const { drop, superuserUrl, ...urls } = databases
  const env = {
    ...urls,
    HOST: '127.0.0.1',
    PORT: '0',
    LOG_LEVEL: process.env.TEST_LOG ?? 'silent',
    VALUE_REDIS_URL: value.url,
    CACHE_REDIS_URL: cache.url,
    SERVICE_TOKEN: 'a-service-token-of-tests',
    MANAGEMENT_URL: inProcessUrl,
    READ_URL: inProcessUrl,
    PROVISION_URL: inProcessUrl,
    WEBHOOK_ALLOW_PRIVATE: 'true',
  }
  let running: RunningServer | undefined
  const write = readConfig(writeSettings, env)
  const context = {
    ...createContext('pages', write.LOG_LEVEL),
    fetch: inProcessFetch(() => running?.app),
  }
  // Management first: it migrates what the others read.
  const management = await openManagement(readConfig(managementSettings, env), context)
  const others = await Promise.all([
    openWrite(write, context),
    openRead(readConfig(readSettings, env), context),
    openProvision(readConfig(provisionSettings, env), context),
    openUpdate(readConfig(updateSettings, env), context),
  ])
  running = await listen(write, context, [management, ...others])
  const sql = connectPostgres(databases.INFO_MIGRATION_URL, { name: 'test', max: 2 })
  const key = createApiKey()
  await sql`insert into api_key (id, name, secret_hash, scopes)
    values (${key.id}, 'test', ${key.hash}, ${['counts:read', 'counts:write']})`
  const hash = await hashPassword(password)
  for (const role of ['viewer', 'editor', 'admin'])
    await sql`insert into app_user (username, password_hash, role) values (${role}, ${hash}, ${role})`
  return {
    url: running.url,
    apiKey: key.key,
    async close() {
      await running?.stop()
      await sql.end({ timeout: 1 })
      await Promise.all([value.stop(), cache.stop()])
      await drop()
    },
  }
}

const answer = z.looseObject({ id: z.string(), revision: z.int(), token: z.string().optional() })
export type Answered = z.infer<typeof answer>

/** The services, a wire to them that can be cut, and a browser. */
export async function openWorld() {
  const services = await openServices()
  const wire: FaultProxy = await startFaultProxy({
    targetHost: '127.0.0.1',
    targetPort: Number(new URL(services.url).port),
  })
  const url = `http://127.0.0.1:${wire.port}`
  const browser = await chromium.launch({ executablePath: await findChromium(), args: chromiumArguments })
  const faults: string[] = []
  const contexts: BrowserContext[] = []

  /** A browser of its own; its faults (a script error, a broken CSP) fail {@link close}. */
  async function look({
    language = 'en',
    theme = 'light',
    width = 1280,
    role,
    touch = false,
  }: {
    language?: Language
    theme?: 'light' | 'dark'
    width?: number
    role?: Role
    touch?: boolean
  } = {}): Promise<Page> {
    const context = await browser.newContext({
      baseURL: url,
      viewport: { width, height: 900 },
      locale: language === 'ko' ? 'ko-KR' : 'en-GB',
      colorScheme: theme,
      hasTouch: touch,
      reducedMotion: 'reduce',
      acceptDownloads: true,
    })
    contexts.push(context)
    context.setDefaultTimeout(30_000)
    context.on('page', (page) => {
      page.on('pageerror', (error) => faults.push(error.stack ?? error.message))
      page.on('console', (message) => {
        if (message.text().includes('Content Security Policy')) faults.push(message.text())
      })
    })
    if (role) {
      const signedIn = await context.request.post(`${url}/api/v1/admin/session`, {
        data: { username: role, password },
      })
      if (!signedIn.ok()) throw new Error(`signing in: ${signedIn.status()} ${await signedIn.text()}`)
    }
    return await context.newPage()
  }

  const response = await fetch(`${services.url}/api/v1/admin/session`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ username: 'admin', password }),
  })
  const { csrfToken } = z.object({ csrfToken: z.string() }).parse(await response.json())
  const session = {
    cookie: response.headers.get('set-cookie')?.split(';')[0] ?? '',
    'x-csrf-token': csrfToken,
  }

  /** Calls the API as an administrator, past the wire. */
  async function call(method: string, path: string, body?: object, headers: Record<string, string> = {}) {
    const reply = await fetch(`${services.url}/api/v1${path}`, {
      method,
      headers: { ...session, ...headers, ...(body && { 'content-type': 'application/json' }) },
      ...(body && { body: JSON.stringify(body) }),
    })
    const text = await reply.text()
    if (!reply.ok) throw new Error(`${method} ${path}: ${reply.status} ${text}`)
    return text === '' ? undefined : JSON.parse(text)
  }

  return {
    url,
    wire,
    look,
    call,
    /** Creates a dashboard. */
    board: async (name: string, panels: object[], more: object = {}): Promise<Answered> =>
      answer.parse(await call('POST', '/dashboards', { name, panels, ...more })),
    /** Creates counts of these ids, called the same. */
    async counts(counts: Record<string, number>, more: object = {}) {
      for (const [id, initialValue] of Object.entries(counts))
        await call('POST', '/admin/counts', { id, name: id, initialValue, ...more })
    },
    async increment(id: string, amount: number) {
      const reply = await fetch(`${services.url}/api/v1/counts/${id}/increment`, {
        method: 'POST',
        headers: { authorization: `Bearer ${services.apiKey}`, 'content-type': 'application/json' },
        body: JSON.stringify({ amount }),
      })
      if (!reply.ok) throw new Error(`increment: ${reply.status} ${await reply.text()}`)
    },
    /** Streams that the server has open. */
    async streams(): Promise<number> {
      const text = await (await fetch(`${services.url}/metrics`)).text()
      return Number(/^dashboard_stream_clients (\d+)/m.exec(text)?.[1])
    },
    async close() {
      for (const context of contexts) await context.close()
      await browser.close()
      await wire.close()
      await services.close()
      if (faults.length > 0) throw new Error(`the pages had faults:\n${faults.join('\n')}`)
    },
  }
}

const { fill } = await import('../../../packages/web/public/i18n.js')
const { words: kit } = await import('../../../packages/web/public/words.js')
const { panelWords } = await import('../../../packages/web/public/panels/words.js')
const { words: site } = await import('../public/words.js')
const words = z.record(z.string(), z.array(z.string())).parse({ ...kit, ...panelWords, ...site })

/** The text of a key as the pages say it, `{name}` filled from `values`; English in the plural. */
export const say =
  (language: Language) =>
  (key: string, values: Record<string, string> = {}): string => {
    const row = words[key]
    const text = language === 'ko' ? row?.[0] : row?.at(-1)
    if (text === undefined) throw new Error(`no words for ${key}`)
    return fill(text, values, language)
  }

/** A panel of a dashboard. */
export const panel = (
  id: string,
  type: string,
  [x, y, w, h]: [number, number, number, number],
  more: object,
) => ({
  id,
  type,
  title: id,
  layout: { x, y, w, h },
  ...more,
})

/** A browser on a busy machine takes its time. */
export const patience = 120_000
