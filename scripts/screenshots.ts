// The pictures of the README: sh scripts/run.sh scripts/screenshots.ts. Starts the whole system on data of its own, counts a day's
// worth into it and writes docs/images/*.png.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Browser, chromium } from 'playwright-core'
import { z } from 'zod'
import { chromiumArguments, findChromium } from '../packages/stack/src/chromium.ts'
import { until } from '../packages/stack/src/until.ts'

const root = join(import.meta.dirname, '..')
const images = join(root, 'docs/images')
const port = '8399'
const credentials = z.object({
  url: z.string(),
  admin: z.object({ username: z.string(), password: z.string() }),
  apiKey: z.string(),
})

const counts = [
  { id: 'page.views', name: 'Page views', unit: 'views', tags: ['web'], initialValue: 1_284_301 },
  {
    id: 'page.views.product',
    name: 'Product page views',
    unit: 'views',
    tags: ['web', 'shop'],
    initialValue: 96_110,
  },
  { id: 'shop.orders', name: 'Orders', unit: 'orders', tags: ['shop'], initialValue: 18_442 },
  { id: 'shop.stock.apple', name: '사과 재고', unit: '개', tags: ['shop', 'stock'], initialValue: 5_320 },
  { id: 'signup.total', name: '가입자', unit: '명', tags: ['growth'], initialValue: 40_187 },
  {
    id: 'votes.2026.spring',
    name: 'Spring vote 2026',
    unit: 'votes',
    tags: ['vote'],
    max: 100_000,
    initialValue: 73_950,
  },
  {
    id: 'quota.team-a',
    name: 'API quota, team A',
    unit: 'calls',
    tags: ['quota'],
    min: 0,
    initialValue: 250_000,
  },
  { id: 'support.open', name: 'Open tickets', unit: 'tickets', tags: ['support'], initialValue: 31 },
]

/** A day of page views, as an import of past history takes it: quiet at night. */
function pastDay(): string {
  const rows = Array.from({ length: 24 * 12 }, (_, i) => {
    const at = new Date(Date.now() - (i + 1) * 300_000)
    const delta = Math.round(60 + 50 * Math.sin(((at.getHours() - 8) / 24) * 2 * Math.PI) + ((i * 37) % 23))
    return `page.views,${at.toISOString()},${delta}`
  })
  return ['id,timestamp,delta', ...rows].join('\n')
}

/** A dashboard of every kind of panel but text. */
const board = {
  name: 'Shop today',
  range: '24h',
  panels: [
    {
      id: 'views',
      type: 'number',
      title: 'Page views',
      counts: { ids: ['page.views'] },
      layout: { x: 0, y: 0, w: 3, h: 2 },
    },
    {
      id: 'orders',
      type: 'number',
      title: 'Orders',
      counts: { ids: ['shop.orders'] },
      layout: { x: 3, y: 0, w: 3, h: 2 },
    },
    {
      id: 'vote',
      type: 'gauge',
      title: 'Spring vote 2026',
      counts: { ids: ['votes.2026.spring'] },
      max: 100_000,
      thresholds: [{ at: 90_000, tone: 'warn' }],
      layout: { x: 6, y: 0, w: 2, h: 2 },
    },
    {
      id: 'stock',
      type: 'bar',
      title: 'By count',
      counts: { tag: 'shop' },
      layout: { x: 8, y: 0, w: 4, h: 3 },
    },
    {
      id: 'day',
      type: 'line',
      title: 'Page views, changes',
      measure: 'change',
      counts: { ids: ['page.views'] },
      layout: { x: 0, y: 2, w: 8, h: 4 },
    },
    {
      id: 'all',
      type: 'table',
      title: 'All of them',
      counts: { prefix: 'shop.' },
      layout: { x: 8, y: 3, w: 4, h: 3 },
    },
  ],
}

/** Counts for a few seconds, so that the pages have something to show. */
async function count(url: string, apiKey: string): Promise<void> {
  const headers = { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' }
  for (let round = 0; round < 40; round++) {
    const operations = counts.map(({ id }, i) => ({
      id,
      op: 'increment',
      amount: 1 + ((round * 7 + i * 13) % 3),
    }))
    await fetch(`${url}/api/v1/counts/batch`, {
      method: 'POST',
      headers,
      body: JSON.stringify({ operations }),
    })
  }
}

async function shoot(browser: Browser, { url, admin, apiKey }: z.output<typeof credentials>): Promise<void> {
  const context = await browser.newContext({
    baseURL: url,
    viewport: { width: 1120, height: 640 },
    locale: 'en-GB',
    colorScheme: 'light',
  })
  const signedIn = await context.request.post('/api/v1/admin/session', { data: admin })
  const { csrfToken } = z.object({ csrfToken: z.string() }).parse(await signedIn.json())
  const headers = { 'x-csrf-token': csrfToken, origin: url }
  for (const data of counts) await context.request.post('/api/v1/admin/counts', { data, headers })
  await context.request.post('/api/v1/admin/import/history', {
    data: pastDay(),
    headers: { ...headers, 'content-type': 'text/csv' },
  })
  await count(url, apiKey)
  const made = await context.request.post('/api/v1/dashboards', { data: board, headers })
  const { id } = z.object({ id: z.string() }).parse(await made.json())
  const page = await context.newPage()
  await page.goto(`/dashboards/view?id=${id}`)
  for (const panel of board.panels) await page.locator(`.panel[data-drawn][data-panel=${panel.id}]`).waitFor()
  await page.screenshot({ path: join(images, 'dashboard.png') })
  await page.goto('/management/')
  await page
    .locator('tbody tr')
    .nth(counts.length - 1)
    .waitFor()
  await page.screenshot({ path: join(images, 'counts.png') })
  await page.emulateMedia({ colorScheme: 'dark' })
  await page.goto('/management/count?id=page.views')
  await page.locator('.chart figcaption').first().waitFor()
  await page.screenshot({ path: join(images, 'count.png') })
}

/** Ends the system as a user would. */
async function stop(system: ChildProcess): Promise<void> {
  if (system.exitCode !== null) return
  const gone = once(system, 'exit')
  system.kill('SIGTERM')
  await gone
}

const dataDir = mkdtempSync(join(tmpdir(), 'count-screenshots-'))
const system = spawn(process.execPath, [join(root, 'packages/stack/src/start.ts')], {
  stdio: ['ignore', 'ignore', 'inherit'],
  env: { ...process.env, DATA_DIR: dataDir, PORT: port, LOG_LEVEL: 'error', PUBLIC_URL: '' },
})
try {
  mkdirSync(images, { recursive: true })
  const ready = () =>
    fetch(`http://localhost:${port}/readyz`).then(
      (response) => response.ok,
      () => false,
    )
  await until('the system to be ready', ready, { deadlineMs: 120_000 })
  const browser = await chromium.launch({ executablePath: await findChromium(), args: chromiumArguments })
  const known = credentials.parse(JSON.parse(readFileSync(join(dataDir, 'credentials.json'), 'utf8')))
  await shoot(browser, known).finally(() => browser.close())
} finally {
  await stop(system)
  rmSync(dataDir, { recursive: true, force: true })
}
