import { readConfig } from '@count/core/config'
import { connectPostgres } from '@count/core/postgres'
import { createContext, listen } from '@count/core/service'
import { chromiumArguments, findChromium } from '@count/stack/chromium'
import { inProcessFetch, inProcessUrl } from '@count/stack/in-process-fetch'
import { testDatabases, testRedis } from '@count/stack/testing'
import { until } from '@count/stack/until'
import { openWeb } from '@count/web/web'
import { migrateInfo, openManagement } from 'count-management-service/app'
import { managementSettings } from 'count-management-service/config'
import { hashPassword } from 'count-management-service/passwords'
import { openRead } from 'count-read-service/app'
import { readSettings } from 'count-read-service/config'
import { openWrite } from 'count-write-service/app'
import { writeSettings } from 'count-write-service/config'
import { type BrowserContext, chromium, type Page } from 'playwright-core'
import { z } from 'zod'
import { openAnalysis } from '../src/app.ts'
import { analysisSettings } from '../src/config.ts'

export type Language = 'ko' | 'en'
export type Role = 'viewer' | 'editor'

interface Look {
  language?: Language
  theme?: 'light' | 'dark'
  width?: number
  role?: Role
}

/** Management, read, write and analysis in one process on real stores, counts with a past, and a browser. */
export type Pages = Awaited<ReturnType<typeof openPages>>

export const password = 'correct horse battery staple'
const admin = '/api/v1/admin'

export async function openPages() {
  const [value, cache, { drop, ...databases }] = await Promise.all([
    testRedis({ persistence: 'always' }),
    testRedis(),
    testDatabases(),
  ])
  const env = {
    ...databases,
    HOST: '127.0.0.1',
    PORT: '0',
    LOG_LEVEL: process.env.TEST_LOG ?? 'silent',
    VALUE_REDIS_URL: value.url,
    CACHE_REDIS_URL: cache.url,
    SERVICE_TOKEN: 'a-service-token-of-tests',
    MANAGEMENT_URL: inProcessUrl,
    READ_URL: inProcessUrl,
  }
  const context = {
    ...createContext('count', 'silent'),
    fetch: inProcessFetch(() => running?.app),
  }
  let running: Awaited<ReturnType<typeof listen>> | undefined
  const management = readConfig(managementSettings, env)
  await migrateInfo(management)
  running = await listen(management, context, [
    await openManagement(management, context),
    await openWrite(readConfig(writeSettings, env), context),
    await openRead(readConfig(readSettings, env), context),
    await openAnalysis(readConfig(analysisSettings, env), context),
    await openWeb('/analysis/'),
  ])
  const { url } = running
  const sql = connectPostgres(databases.INFO_MIGRATION_URL, { name: 'test', max: 1 })
  const hash = await hashPassword(password)
  for (const role of ['viewer', 'editor'])
    await sql`insert into app_user (username, password_hash, role) values (${role}, ${hash}, ${role})`

  const browser = await chromium.launch({ executablePath: await findChromium(), args: chromiumArguments })
  const faults: string[] = []
  const contexts: BrowserContext[] = []

  /** A window of its own session; its faults (a script error, a broken CSP) fail {@link close}. */
  async function look({ language = 'en', theme = 'light', width = 1280, role = 'editor' }: Look = {}) {
    const context = await browser.newContext({
      baseURL: url,
      viewport: { width, height: 900 },
      locale: language === 'ko' ? 'ko-KR' : 'en-GB',
      timezoneId: 'Asia/Seoul',
      colorScheme: theme,
      reducedMotion: 'reduce',
    })
    contexts.push(context)
    context.setDefaultTimeout(10_000)
    await signIn(context, role)
    const page = await context.newPage()
    page.on('pageerror', (error) => faults.push(error.stack ?? error.message))
    page.on('console', (message) => {
      if (/Content Security Policy|Error:/.test(message.text())) faults.push(message.text())
    })
    return page
  }

  const editor = await browser.newContext({ baseURL: url })
  contexts.push(editor)
  const csrf = await signIn(editor, 'editor')

  /** Calls as an editor does; @throws when refused */
  async function call(method: string, path: string, data?: object | string): Promise<unknown> {
    const type = typeof data === 'string' ? 'text/csv' : 'application/json'
    const reply = await editor.request.fetch(`${admin}${path}`, {
      method,
      headers: { 'x-csrf-token': csrf, 'if-match': '*', ...(data && { 'content-type': type }) },
      ...(data && { data: typeof data === 'string' ? data : JSON.stringify(data) }),
    })
    if (!reply.ok()) throw new Error(`${method} ${path}: ${reply.status()} ${await reply.text()}`)
    return reply.status() === 204 ? undefined : await reply.json()
  }

  /** Gives counts a past, as an administrator imports it: lines of `id,timestamp,delta`. */
  async function importHistory(lines: string[]): Promise<void> {
    const job = z.object({ id: z.string(), status: z.string(), errors: z.unknown() })
    let { id, status, ...rest } = job.parse(
      await call('POST', '/import/history', `id,timestamp,delta\n${lines.join('\n')}\n`),
    )
    await until('the import', async () => {
      ;({ status, ...rest } = job.parse(await call('GET', `/jobs/${id}`)))
      return status !== 'running'
    })
    if (status !== 'done') throw new Error(`importing: ${status} ${JSON.stringify(rest)}`)
  }

  async function close(): Promise<void> {
    for (const context of contexts) await context.close()
    await browser.close()
    await sql.end({ timeout: 1 })
    await running?.stop()
    await Promise.all([value.stop(), cache.stop()])
    await drop()
    if (faults.length > 0) throw new Error(`the pages had faults:\n${faults.join('\n')}`)
  }

  return { url, look, call, importHistory, close }
}

/** @returns the CSRF token */
async function signIn(context: BrowserContext, username: Role): Promise<string> {
  const reply = await context.request.post(`${admin}/session`, { data: { username, password } })
  if (!reply.ok()) throw new Error(`signing in: ${reply.status()} ${await reply.text()}`)
  return z.object({ csrfToken: z.string() }).parse(await reply.json()).csrfToken
}

/** Ends the page's session, as another process would. */
export async function endSession(page: Page, url: string): Promise<void> {
  const { csrfToken } = await (await page.request.get(`${admin}/session`)).json()
  await page.request.delete(`${admin}/session`, { headers: { 'x-csrf-token': csrfToken, origin: url } })
}

const hourMs = 3_600_000
const dayMs = 24 * hourMs

/** Repeatable noise from 0 to 1. */
const noise = (n: number) => {
  const x = Math.sin(n * 12.9898) * 43_758.5453
  return x - Math.floor(x)
}

/**
 * Counts with a past that has something to find: `shop.orders` grows, by hours for 60 days, with a week's pattern and one
 * day far too high; `shop.returns`, `shop.visits` and `news.signups` by days for 400; `new.count` has none.
 */
export async function seed({ call, importHistory }: Pages): Promise<void> {
  const counts = [
    { id: 'shop.orders', name: '주문', unit: '건', tags: ['shop'] },
    { id: 'shop.returns', name: '반품', unit: '건', tags: ['shop'] },
    { id: 'shop.visits', name: '방문', unit: '명', tags: ['shop', 'web'] },
    { id: 'news.signups', name: '뉴스레터 가입', unit: '명', tags: ['web'] },
    { id: 'new.count', name: '새 카운트' },
  ]
  const now = Date.now()
  const lines: string[] = []
  const sums = new Map<string, number>()
  const add = (id: string, at: number, delta: number) => {
    lines.push(`${id},${new Date(at).toISOString()},${Math.round(delta)}`)
    sums.set(id, (sums.get(id) ?? 0) + Math.round(delta))
  }
  for (let hour = 60 * 24; hour > 0; hour--) {
    const at = now - hour * hourMs
    const local = new Date(at + 9 * hourMs)
    const weekend = [0, 6].includes(local.getUTCDay()) ? 1.7 : 1
    const daytime = 12 + 10 * Math.sin(((local.getUTCHours() - 9) / 24) * 2 * Math.PI)
    const unusual = Math.floor(hour / 24) === 20 ? 3 : 1
    add('shop.orders', at, daytime * weekend * unusual * (1 + (60 * 24 - hour) / 3000) + 4 * noise(hour))
  }
  for (let day = 400; day > 0; day--) {
    const at = now - day * dayMs
    const week = 1 + 0.3 * Math.sin((new Date(at).getUTCDay() / 7) * 2 * Math.PI)
    add('shop.visits', at, (300 + (400 - day) * 0.8) * week + 60 * noise(day))
    add('shop.returns', at - hourMs, (18 + (400 - day) * 0.05) * week + 6 * noise(day + 7))
    add('news.signups', at, (day > 150 ? 40 : 65) + 12 * noise(day * 3))
  }
  // An import leaves the value: what came of the past is there from the start.
  for (const count of counts)
    await call('POST', '/counts', { ...count, initialValue: sums.get(count.id) ?? 0 })
  await importHistory(lines)
}

const { fill } = await import('../../../packages/web/public/i18n.js')
const table = z.record(z.string(), z.array(z.string()))
const { words: site } = await import('../public/words.js')
const { words: kit } = await import('../../../packages/web/public/words.js')
/** All texts of these pages: Korean, English, English in the plural. */
export const words = table.parse({ ...kit, ...site })

/** The text of a key as the pages say it, `{name}` filled from `values`; English in the plural. */
export const say =
  (language: Language) =>
  (key: string, values: Record<string, string> = {}): string => {
    const row = words[key]
    const text = language === 'ko' ? row?.[0] : row?.at(-1)
    if (text === undefined) throw new Error(`no words for ${key}`)
    return fill(text, values, language)
  }
