import { until } from '@count/stack/until'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Language, openWorld, panel, patience, say, type World } from './pages-world.ts'

let world: World
let id: string
beforeAll(async () => {
  world = await openWorld()
  await world.counts({ 'shop.orders': 1000, 'shop.stock': 50 })
  const board = await world.board('Shop', [
    panel('orders', 'number', [0, 0, 3, 2], { counts: { ids: ['shop.orders'] } }),
    panel('line', 'line', [3, 0, 6, 4], { counts: { ids: ['shop.orders', 'shop.stock'] }, range: '1h' }),
    panel('all', 'table', [9, 0, 3, 4], { counts: { prefix: 'shop.' } }),
  ])
  id = board.id
})
afterAll(() => world.close())

const view = () => `/dashboards/view?id=${id}`
const cell = (page: Page, name: string) => page.locator(`[data-panel=${name}]`)
const sign = (page: Page, text: string) => page.locator('.live-sign').getByText(text, { exact: false })
let orders = 1000
const increment = async (amount: number) => {
  await world.increment('shop.orders', amount)
  orders += amount
  return orders.toLocaleString('en')
}
const showing = (page: Page) =>
  cell(page, 'orders').getByText(orders.toLocaleString('en'), { exact: true }).waitFor()

describe.each(['ko', 'en'] satisfies Language[])('in %s', (language) => {
  const w = say(language)

  test('values change as they are written, and a viewer is offered nothing else', {
    timeout: patience,
  }, async () => {
    const page = await world.look({ language, role: 'viewer' })
    await page.goto(view())
    await showing(page)
    await sign(page, w('live.live')).waitFor()
    await increment(7)
    await showing(page)
    await cell(page, 'line').getByText(orders.toLocaleString('en'), { exact: true }).waitFor()
    // A count that comes later joins the panel that shows its prefix.
    await world.counts({ [`shop.new-${language}`]: 77 })
    await cell(page, 'all').getByText(`shop.new-${language}`).waitFor()
    for (const action of [w('board.edit'), w('share.action')])
      expect(await page.getByRole('button', { name: action, exact: true }).count()).toBe(0)
    await page.getByRole('button', { name: w('action.more'), exact: true }).click()
    expect(await page.getByRole('menuitem', { name: w('action.delete') }).count()).toBe(0)
    await page.context().close()
  })

  test('a cut wire is told, and what happened meanwhile is there when it is whole again', {
    timeout: patience,
  }, async () => {
    const page = await world.look({ language, role: 'viewer' })
    await page.goto(view())
    await showing(page)
    world.wire.setReplyFault({ cut: 1 })
    world.wire.cutAll()
    await sign(page, w('live.reconnecting')).waitFor()
    await increment(100)
    await sign(page, w('live.stale', { time: '' }).trim()).waitFor()
    world.wire.setReplyFault({})
    await showing(page)
    await sign(page, w('live.live')).waitFor()
    await increment(1)
    await showing(page)
    await page.context().close()
  })
})

test.each([
  ['a shared worker', ''],
  ['a leader', 'delete globalThis.SharedWorker'],
])('seven tabs share one stream through %s', { timeout: patience }, async (_, script) => {
  const first = await world.look({ role: 'viewer' })
  const context = first.context()
  await context.addInitScript(script)
  await until('no streams of other tests', async () => (await world.streams()) === 0)
  const tabs = [first]
  while (tabs.length < 7) tabs.push(await context.newPage())
  for (const tab of tabs) await tab.goto(view(), { waitUntil: 'commit' })
  for (const tab of tabs) await showing(tab)
  expect(await world.streams()).toBe(1)
  await increment(3)
  for (const tab of tabs) await showing(tab)
  // The tab that reads for the others closes: another goes on.
  await first.close()
  await increment(4)
  for (const tab of tabs.slice(1)) await showing(tab)
  expect(await world.streams()).toBe(1)
  await context.close()
})

test('a session that ends asks for the password, and the page goes on', { timeout: patience }, async () => {
  const w = say('en')
  const page = await world.look({ role: 'editor' })
  await page.goto(view())
  await showing(page)
  const { csrfToken } = await (await page.request.get('/api/v1/admin/session')).json()
  await page.request.delete('/api/v1/admin/session', {
    headers: { 'x-csrf-token': csrfToken, origin: world.url },
  })
  const dialog = page.getByRole('dialog', { name: w('sign-in.again') })
  await dialog.waitFor()
  await dialog.getByLabel(w('sign-in.password')).fill('correct horse battery staple')
  await page.keyboard.press('Enter')
  await sign(page, w('live.live')).waitFor()
  await increment(1)
  await showing(page)
  await page.context().close()
})

test('a dashboard that is deleted says so, and comes back by undo', { timeout: patience }, async () => {
  const w = say('en')
  const { id: doomed } = await world.board('Doomed', [
    panel('orders', 'number', [0, 0, 3, 2], { counts: { ids: ['shop.orders'] } }),
  ])
  const [watcher, editor] = await Promise.all([
    world.look({ role: 'viewer' }),
    world.look({ role: 'editor' }),
  ])
  await watcher.goto(`/dashboards/view?id=${doomed}`)
  await showing(watcher)
  await editor.goto(`/dashboards/view?id=${doomed}`)
  await showing(editor)
  await editor.getByRole('button', { name: w('action.more'), exact: true }).click()
  await editor.getByRole('menuitem', { name: w('action.delete') }).click()
  await editor.locator('.toasts').getByText('Doomed').waitFor()
  await watcher.getByText(w('board.gone')).waitFor()
  await editor.getByRole('button', { name: w('action.undo') }).click()
  await editor.getByRole('link', { name: 'Doomed' }).waitFor()
  await watcher.reload()
  await showing(watcher)
  await Promise.all([watcher.context().close(), editor.context().close()])
})

test('a panel is saved as CSV and PNG, and shown as a table', { timeout: patience }, async () => {
  const w = say('en')
  const page = await world.look({ role: 'viewer' })
  await page.goto(view())
  await showing(page)
  const menu = async (item: string) => {
    await cell(page, 'line')
      .getByRole('button', { name: w('panel.actions', { title: 'line' }) })
      .click()
    await page.getByRole('menuitem', { name: item }).click()
  }
  const saved = async (item: string) => {
    const [download] = await Promise.all([page.waitForEvent('download'), menu(item)])
    const chunks: Buffer[] = []
    for await (const chunk of await download.createReadStream()) chunks.push(Buffer.from(chunk))
    return { name: download.suggestedFilename(), bytes: Buffer.concat(chunks) }
  }
  const csv = await saved(w('panel.csv'))
  expect(csv.name).toBe('line.csv')
  const lines = csv.bytes.toString('utf8').split('\r\n')
  expect(lines[0]).toBe('\ufeffTime,shop.orders,shop.stock')
  expect(lines.at(-2)?.split(',').slice(1)).toEqual([String(orders), '50'])
  const png = await saved(w('panel.png'))
  expect(png.name).toBe('line.png')
  expect(png.bytes.subarray(1, 4).toString()).toBe('PNG')
  await menu(w('panel.asTable'))
  await page
    .getByRole('dialog')
    .getByRole('cell', { name: orders.toLocaleString('en'), exact: true })
    .first()
    .waitFor()
  await page.context().close()
})
