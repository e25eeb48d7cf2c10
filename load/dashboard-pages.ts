// Measures the pages of dashboards in headless Chromium: npm run bench:pages [rounds]
import { availableParallelism, loadavg } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import { chromiumArguments, findChromium } from '@count/stack/chromium'
import { type Browser, chromium, type Page } from 'playwright-core'
import { z } from 'zod'
import { expectBody, openClient } from './client.ts'
import { keep, runToEnd } from './closing.ts'
import { type Server, startServer } from './server.ts'
import { number, table } from './table.ts'

const panels = 50
const counts = 100
const changesPerSecond = 10
const liveMs = 15_000
const writes = 30
const countOf = (i: number) => `bench.pages:${String(i).padStart(3, '0')}`

/** The last 90 days in buckets of two hours: more than 1,000 points a line. */
const range = '90d'
const bucketMs = 7_200_000
const points = 1080

type Api = Awaited<ReturnType<typeof signIn>>

async function signIn({ url, admin }: Server) {
  const response = await fetch(`${url}/api/v1/admin/session`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(admin),
  })
  const { csrfToken } = z.object({ csrfToken: z.string() }).parse(await response.json())
  const headers = {
    cookie: response.headers.get('set-cookie')?.split(';')[0] ?? '',
    'x-csrf-token': csrfToken,
  }
  return async (path: string, body: string | object, type = 'application/json'): Promise<unknown> => {
    const answer = await fetch(`${url}/api/v1${path}`, {
      method: 'POST',
      headers: { ...headers, 'content-type': type },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    })
    const text = await answer.text()
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${text}`)
    return JSON.parse(text)
  }
}

/** Counts with a past in every bucket, and two dashboards of 50 lines: of one count each, and of two. */
async function prepare(api: Api): Promise<{ single: string; double: string }> {
  for (let i = 0; i < counts; i++)
    await api('/admin/counts', { id: countOf(i), name: `Count ${i}`, initialValue: 1_000_000 + i })
  const now = Date.now()
  for (let i = 0; i < counts; i += 10) {
    const rows = ['id,timestamp,delta']
    for (let n = i; n < i + 10; n++) {
      for (let k = 1; k < points; k++)
        rows.push(`${countOf(n)},${new Date(now - k * bucketMs).toISOString()},${((k * (37 + n)) % 113) + 1}`)
    }
    await api('/admin/import/history', rows.join('\n'), 'text/csv')
  }
  const id = z.object({ id: z.string() })
  const board = async (name: string, idsOf: (i: number) => string[]) => {
    const list = Array.from({ length: panels }, (_, i) => ({
      id: `p${i}`,
      type: 'line',
      title: `Panel ${i}`,
      counts: { ids: idsOf(i) },
      layout: { x: (i % 6) * 2, y: Math.floor(i / 6) * 2, w: 2, h: 2 },
    }))
    return id.parse(await api('/dashboards', { name, range, panels: list })).id
  }
  return {
    single: await board('Fifty lines', (i) => [countOf(i)]),
    double: await board('A hundred lines', (i) => [countOf(2 * i), countOf(2 * i + 1)]),
  }
}

/** Told by the page itself: when its last panel was drawn, and its long tasks. */
const watching = `
  globalThis.seen = { drawn: 0, tasks: [], changes: 0 }
  new PerformanceObserver((list) => { for (const task of list.getEntries()) seen.tasks.push([task.startTime, task.duration]) })
    .observe({ type: 'longtask', buffered: true })
  const look = () => {
    if (document.querySelectorAll('.panel[data-drawn] canvas').length === ${panels}) seen.drawn = performance.now()
    else requestAnimationFrame(look)
  }
  requestAnimationFrame(look)`
const seen = z.object({
  drawn: z.number(),
  tasks: z.array(z.tuple([z.number(), z.number()])),
  changes: z.int(),
})
/** When its last panel has been drawn. The CSP lets nothing be evaluated by the page, only by the debugger. */
const drawn = (page: Page) =>
  page.evaluate(
    'new Promise((done) => { const wait = () => (seen.drawn > 0 ? done() : requestAnimationFrame(wait)); wait() })',
  )
const read = async (page: Page) => seen.parse(await page.evaluate('seen'))

/** A browser that has seen nothing yet, signed in. */
async function open(browser: Browser, { url, admin }: Server): Promise<Page> {
  const context = await browser.newContext({ baseURL: url, viewport: { width: 1920, height: 1080 } })
  await context.request.post('/api/v1/admin/session', { data: admin })
  await context.addInitScript(watching)
  return await context.newPage()
}

/** What the page's main thread has computed so far, ms: unlike the time that passed, it does not grow with what else runs. */
async function computing(page: Page) {
  const session = await page.context().newCDPSession(page)
  await session.send('Performance.enable', { timeDomain: 'threadTicks' })
  return async () => {
    const { metrics } = await session.send('Performance.getMetrics')
    return (metrics.find(({ name }) => name === 'TaskDuration')?.value ?? 0) * 1000
  }
}

async function firstLook(
  browser: Browser,
  server: Server,
  id: string,
): Promise<{ at: number; computed: number }> {
  const page = await open(browser, server)
  const computed = await computing(page)
  await page.goto(`/dashboards/view?id=${id}`, { waitUntil: 'commit' })
  await drawn(page)
  const look = { at: (await read(page)).drawn, computed: await computed() }
  await page.context().close()
  return look
}

/** All counts change ten times a second while the page is looked at. */
async function liveLook(browser: Browser, server: Server, id: string) {
  const page = await open(browser, server)
  const computed = await computing(page)
  await page.goto(`/dashboards/view?id=${id}`)
  await drawn(page)
  await delay(2000)
  await page.evaluate(`{
    seen.tasks = []
    new MutationObserver((all) => { seen.changes += all.length }).observe(document.querySelector('.board'), { subtree: true, characterData: true })
  }`)
  const client = openClient(server.url, { connections: 2 })
  const operations = Array.from({ length: counts }, (_, i) => ({
    id: countOf(i),
    op: 'increment',
    amount: 1,
  }))
  const until = performance.now() + liveMs
  let rounds = 0
  const before = await computed()
  const began = performance.now()
  while (performance.now() < until) {
    const headers = { authorization: `Bearer ${server.apiKey}`, 'idempotency-key': crypto.randomUUID() }
    expectBody(
      await client.send({ method: 'POST', path: '/api/v1/counts/batch', headers, body: { operations } }),
      [200],
      z.unknown(),
    )
    rounds++
    await delay(Math.max(0, began + (rounds * 1000) / changesPerSecond - performance.now()))
  }
  const busy = ((await computed()) - before) / (performance.now() - began)
  const { tasks, changes } = await read(page)
  await page.context().close()
  await client.close()
  const longest = Math.max(0, ...tasks.map(([, ms]) => ms))
  return {
    rate: (rounds * 1000) / liveMs,
    long: tasks.length,
    longest,
    busy,
    changesPerSecond: (changes * 1000) / liveMs,
  }
}

/** From the answer to an increment until the page shows it, ms each. */
async function writeToPixel(browser: Browser, server: Server, api: Api): Promise<number[]> {
  const body = {
    name: 'One',
    panels: [
      {
        id: 'p',
        type: 'number',
        spark: false,
        counts: { ids: [countOf(0)] },
        layout: { x: 0, y: 0, w: 4, h: 2 },
      },
    ],
  }
  const { id } = z.object({ id: z.string() }).parse(await api('/dashboards', body))
  const page = await open(browser, server)
  await page.goto(`/dashboards/view?id=${id}`)
  await page.locator('.panel-value .live').waitFor()
  const client = openClient(server.url, { connections: 1 })
  const applied = z.looseObject({ value: z.int() })
  const took: number[] = []
  for (let i = 0; i < writes; i++) {
    const headers = { authorization: `Bearer ${server.apiKey}`, 'idempotency-key': crypto.randomUUID() }
    const answer = await client.send({
      method: 'POST',
      path: `/api/v1/counts/${countOf(0)}/increment`,
      headers,
      body: {},
    })
    const answeredAt = Date.now()
    const text = expectBody(answer, [200], applied).value.toLocaleString('en')
    const shownAt = z.number().parse(
      await page.evaluate(`new Promise((shown) => {
        const look = () => document.querySelector('.panel-value .live').textContent === '${text}' ? shown(Date.now()) : requestAnimationFrame(look)
        look()
      })`),
    )
    took.push(Math.max(0, shownAt - answeredAt))
    await delay(100)
  }
  await page.context().close()
  await client.close()
  return took.toSorted((a, b) => a - b)
}

const middle = (sorted: number[]) => sorted[Math.floor(sorted.length / 2)] ?? 0

runToEnd(async (closing) => {
  const rounds = Number(process.argv[2] ?? 5)
  const server = await startServer(closing)
  const api = await signIn(server)
  const boards = await prepare(api)
  const launch = chromium.launch({ executablePath: await findChromium(), args: chromiumArguments })
  const browser = await keep(closing, launch, (started) => started.close())
  const looks = []
  for (let i = 0; i < rounds; i++) looks.push(await firstLook(browser, server, boards.single))
  const first = looks.map(({ at }) => at).toSorted((a, b) => a - b)
  const computed = looks.map((look) => look.computed).toSorted((a, b) => a - b)
  const live = await liveLook(browser, server, boards.double)
  const pixel = await writeToPixel(browser, server, api)
  const rows = [
    [
      `${panels} panels × ${points} points, cold, all drawn after (median of ${rounds})`,
      `${number(middle(first))} ms`,
      '1,000 ms',
    ],
    ['the slowest of them', `${number(first.at(-1) ?? 0)} ms`, '3,000 ms'],
    ['of which its main thread computed (median)', `${number(middle(computed))} ms`, ''],
    [`${counts} counts changing ${number(live.rate, 1)} times a second: long tasks`, `${live.long}`, '0'],
    ['the longest of them', `${number(live.longest)} ms`, '50 ms'],
    ['main thread busy meanwhile', `${number(live.busy * 100)} %`, ''],
    ['texts changed on the page a second', number(live.changesPerSecond), ''],
    [`increment answered → shown (median of ${writes})`, `${number(middle(pixel))} ms`, '250 ms'],
    ['the slowest of them', `${number(pixel.at(-1) ?? 0)} ms`, ''],
  ]
  console.log(`load average ${number(loadavg()[0] ?? 0, 1)} on ${availableParallelism()} cores`)
  console.log(table(['page', 'measured', 'aim'], rows))
  return 0
})
