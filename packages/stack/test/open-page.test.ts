import { randomUUID } from 'node:crypto'
import { type Browser, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { chromiumArguments, findChromium } from '../src/chromium.ts'
import { until } from '../src/until.ts'
import { startWholeSystem, type WholeSystem } from './whole-system.ts'

const patience = 240_000
let system: WholeSystem
let browser: Browser
beforeAll(async () => {
  system = await startWholeSystem()
  browser = await chromium.launch({ executablePath: await findChromium(), args: chromiumArguments })
}, patience)
afterAll(async () => {
  await browser?.close()
  await system?.stop()
})

const id = 'wall.visits'
let total = 0

/** Counts as a client should: under one key until it is answered. */
async function count(amount: number): Promise<void> {
  const key = randomUUID()
  await until(
    'an increment to be answered',
    async () => {
      const response = await fetch(`${system.url}/api/v1/counts/${id}/increment`, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${system.apiKey}`,
          'content-type': 'application/json',
          'idempotency-key': key,
        },
        body: JSON.stringify({ amount }),
        signal: AbortSignal.timeout(5000),
      })
      if (response.ok) return true
      throw new Error(await response.text())
    },
    { deadlineMs: 60_000, everyMs: 100 },
  )
  total += amount
}

const shows = (page: Page) =>
  page
    .locator('[data-panel=visits] .panel-value .live')
    .getByText(total.toLocaleString('en'), { exact: true })
    .waitFor({ timeout: 60_000 })

test('a page left open shows the right number again after every store and every service was killed, without a reload', {
  timeout: patience,
}, async () => {
  await system.post('/api/v1/admin/counts', { id, name: 'Visits' }, z.object({ id: z.literal(id) }))
  const panels = [
    { id: 'visits', type: 'number', counts: { ids: [id] }, layout: { x: 0, y: 0, w: 4, h: 2 } },
    { id: 'line', type: 'line', counts: { ids: [id] }, layout: { x: 4, y: 0, w: 8, h: 4 } },
  ]
  const dashboard = await system.post(
    '/api/v1/dashboards',
    { name: 'Wall', panels },
    z.object({ id: z.string() }),
  )
  const context = await browser.newContext({ baseURL: system.url, locale: 'en-GB' })
  const { cookie } = system.session
  await context.addCookies([{ name: 'count_session', value: cookie, url: system.url }])
  const page = await context.newPage()
  await page.goto(`/dashboards/view?id=${dashboard.id}`)
  await page.evaluate('globalThis.stillTheSame = true')
  await count(1000)
  await shows(page)

  for (const store of ['value', 'replica', 'cache', 'postgres']) {
    await system.killStore(store)
    await count(7)
    await shows(page)
  }
  await system.killServices()
  await count(11)
  await shows(page)

  expect(total).toBe(1000 + 4 * 7 + 11)
  expect(await page.evaluate('globalThis.stillTheSame')).toBe(true)
  await context.close()
})
