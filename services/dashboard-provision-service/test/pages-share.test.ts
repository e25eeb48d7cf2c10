import { until } from '@count/stack/until'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Language, openWorld, panel, patience, say, type World } from './pages-world.ts'
import { openReceiver } from './receiver.ts'

let world: World
let id: string
beforeAll(async () => {
  world = await openWorld()
  await world.counts({ 'wall.visits': 40, 'wall.errors': 3 })
  const board = await world.board('Lobby', [
    panel('visits', 'number', [0, 0, 4, 2], { counts: { ids: ['wall.visits'] } }),
    panel('errors', 'gauge', [4, 0, 4, 3], {
      counts: { ids: ['wall.errors'] },
      max: 10,
      thresholds: [{ at: 5, tone: 'bad' }],
    }),
  ])
  id = board.id
})
afterAll(() => world.close())

let visits = 40
const visit = async () => {
  await world.increment('wall.visits', 1)
  visits++
}
const showing = (page: Page) =>
  page.locator('[data-panel=visits]').getByText(String(visits), { exact: true }).waitFor()

describe.each(['ko', 'en'] satisfies Language[])('in %s', (language) => {
  const w = say(language)

  test('a link shows the dashboard to anybody until it is revoked', { timeout: patience }, async () => {
    const page = await world.look({ language, role: 'editor' })
    await page.goto(`/dashboards/view?id=${id}`)
    await page.getByRole('button', { name: w('share.action'), exact: true }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByLabel(w('share.name'), { exact: false }).first().fill(`For ${language}`)
    await dialog.getByLabel(w('share.origins')).fill('https://wiki.example,')
    await dialog.getByRole('button', { name: w('share.create') }).click()
    const link = (await dialog.locator('.secret code').first().textContent()) ?? ''
    const stranger = await world.look({ language })
    const response = await stranger.goto(link)
    expect(response?.headers()['content-security-policy']).toContain('frame-ancestors https://wiki.example')
    await showing(stranger)
    await visit()
    await showing(stranger)
    expect(await stranger.getByRole('button', { name: w('board.edit'), exact: true }).count()).toBe(0)
    await dialog.getByRole('button', { name: `${w('share.revoke')} For ${language}` }).click()
    await stranger.getByText(w('share.gone.title')).waitFor()
    expect(await stranger.locator('.panel').count()).toBe(0)
    await stranger.reload()
    await stranger.getByText(w('share.gone.title')).waitFor()
    await Promise.all([page.context().close(), stranger.context().close()])
  })

  test('a forged link says that it shows nothing', { timeout: patience }, async () => {
    const page = await world.look({ language })
    const response = await page.goto(`/dashboards/share/sh_${'x'.repeat(43)}`)
    expect(response?.status()).toBe(404)
    await page.getByText(w('share.gone.title')).waitFor()
    await page.context().close()
  })

  test('a wall shows nothing but the dashboard and the time, awake, and is left by Escape', {
    timeout: patience,
  }, async () => {
    const { token } = await world.call('POST', `/dashboards/${id}/shares`, {})
    const page = await world.look({ language })
    await page.addInitScript(`
      globalThis.awake = 0
      Object.defineProperty(navigator, 'wakeLock', { value: { request: async () => { globalThis.awake++; return { release: async () => { globalThis.awake-- } } } } })`)
    await page.goto(`/dashboards/share/${token}?wall=1&lang=${language}&theme=dark`)
    await showing(page)
    await page.locator('time.wall-clock').waitFor()
    expect(await page.locator('.bar').count()).toBe(0)
    expect(await page.evaluate('document.documentElement.dataset.theme')).toBe('dark')
    expect(await page.evaluate('globalThis.awake')).toBe(1)
    // The panels fill the screen and no more.
    expect(await page.evaluate('document.documentElement.scrollHeight - innerHeight')).toBeLessThanOrEqual(0)
    await page.locator('.wall.resting').waitFor()
    await page.keyboard.press('Escape')
    await page.getByRole('button', { name: w('wall.enter') }).waitFor()
    expect(await page.evaluate('globalThis.awake')).toBe(0)
    await page.context().close()
  })

  test('an alert is made, opens on the dashboard, and its webhooks are seen', {
    timeout: patience,
  }, async () => {
    const receiver = await openReceiver()
    const name = `Visitors ${language}`
    const page = await world.look({ language, role: 'editor' })
    await page.goto('/dashboards/alerts?new=1')
    const dialog = page.getByRole('dialog')
    await dialog.locator('[type=submit]').click()
    await dialog.getByText(w('alerts.count.one')).waitFor()
    await dialog.getByLabel(w('alerts.name'), { exact: true }).fill(name)
    await dialog.getByRole('combobox', { name: w('picker.search') }).fill('visits')
    await dialog.getByRole('option', { name: 'wall.visits' }).click()
    await dialog.getByLabel(w('alerts.at'), { exact: true }).fill(String(visits))
    await dialog.getByLabel(w('alerts.url')).fill(receiver.url)
    await dialog.locator('[type=submit]').click()
    await page.getByText(/^whsec_/).waitFor()
    await page.getByRole('button', { name: w('alerts.secret.done') }).click()
    const act = async (item: string) => {
      await page.getByRole('button', { name: w('alerts.actions', { name }) }).click()
      await page.getByRole('menuitem', { name: item }).click()
    }
    await act(w('alerts.test'))
    await page
      .locator('.toasts')
      .getByText('HTTP 204')
      .or(page.locator('.toasts').getByText('HTTP 200'))
      .waitFor()
    await visit()
    const row = page.getByRole('row', { name })
    await row.getByText(w('alerts.state.open')).waitFor()
    const board = await world.look({ language, role: 'viewer' })
    await board.goto(`/dashboards/view?id=${id}`)
    await board.locator('.open-alerts').getByText(name).waitFor()
    await act(w('alerts.history'))
    await page.getByRole('dialog').getByText(w('alerts.state.open')).waitFor()
    await page.keyboard.press('Escape')
    await page.getByRole('tab', { name: w('alerts.tab.deliveries') }).click()
    await page
      .getByRole('row', { name: /alert\.opened/ })
      .first()
      .waitFor()
    await page.getByRole('tab', { name: w('alerts.tab.rules') }).click()
    await act(w('alerts.turnOff'))
    await row.getByText(w('alerts.off')).waitFor()
    await until(
      'the alert to leave the dashboard',
      async () => (await board.locator('.open-alerts').getByText(name).count()) === 0,
    )
    await act(w('action.delete'))
    await page.getByRole('dialog').locator('input').fill(name)
    await page.getByRole('dialog').locator('[type=submit]').click()
    await until('the rule to be gone', async () => (await row.count()) === 0)
    await Promise.all([page.context().close(), board.context().close()])
    await receiver.close()
  })
})
