import { readFile } from 'node:fs/promises'
import { until } from '@count/stack/until'
import type { Page, Route } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { endSession, type Language, openPages, type Pages, password, say, seed } from './pages-world.ts'

let pages: Pages
beforeAll(async () => {
  pages = await openPages()
  await seed(pages)
}, 60_000)
afterAll(() => pages.close())

/** A browser on a busy machine takes its time. */
const patience = 90_000
const toast = (page: Page) => page.locator('.toasts')
const sentence = (page: Page) => page.locator('.sentence')
const problem = (name: string, status: number, errors: object[] = []) => ({
  status,
  contentType: 'application/problem+json',
  json: { type: `urn:count:problem:${name}`, title: name, status, errors },
})

/** Presses Export of a chart and reads the file. */
async function exported(page: Page, title: string, language: Language, what: 'csv' | 'png') {
  const w = say(language)
  const item = page.getByRole('menuitem', { name: w(`chart.${what}`) })
  const download = page.waitForEvent('download', { timeout: patience })
  // A menu closes as the page scrolls, which looking for its button may still be doing.
  await until('the menu', async () => {
    if (!(await item.isVisible()))
      await page.getByRole('button', { name: w('chart.export', { title }), exact: true }).click()
    return item.click({ timeout: 1000 }).then(
      () => true,
      () => false,
    )
  })
  const file = await download
  return { name: file.suggestedFilename(), content: await readFile(await file.path()) }
}

describe.each(['ko', 'en'] satisfies Language[])('in %s', (language) => {
  const w = say(language)

  test('a trend: a count is found as one types, and told in a sentence, charts and tables', {
    timeout: patience,
  }, async () => {
    const page = await pages.look({ language })
    await page.goto('/analysis/')
    await page.getByText(w('answer.empty.title')).waitFor()
    await page.getByRole('combobox', { name: w('pick.label') }).fill('shop.or')
    await page.getByRole('option').filter({ hasText: 'shop.orders' }).click()
    await page.getByRole('button', { name: w('range.30d'), exact: true }).click()
    await page.locator('select[name=granularity]').selectOption('hour')
    await page.waitForURL(/count=shop\.orders.*range=30d.*granularity=hour.*zone=Asia%2FSeoul/)
    await page.getByRole('figure', { name: w('trend.profile.weekday-hour') }).waitFor()
    // It grows by hours, each day and each week, and one day was far too high.
    const told = (await sentence(page).textContent()) ?? ''
    expect(told).toContain('주문')
    expect(told).toContain(w('trend.season', { period: w('period.day') }))
    const unusual = page.getByRole('region', { name: w('trend.anomalies') }).first()
    expect(await unusual.locator('tbody tr').count()).toBeGreaterThan(3)
    const heat = page.getByRole('figure', { name: w('trend.profile.weekday-hour') })
    expect(await heat.locator('i').count()).toBe(7 * 24)
    await heat.locator('summary').click()
    expect(await heat.locator('tbody tr').count()).toBe(7)
    expect(await heat.locator('tbody td').count()).toBe(7 * 25)
    expect(await page.getByText(w('chart.partial')).count()).toBeGreaterThan(0)
    for (const part of ['period.day', 'period.week'])
      await page.getByRole('heading', { name: w('trend.parts.season', { period: w(part) }) }).waitFor()
    await page.getByRole('heading', { name: w('trend.growth') }).waitFor()
    const csv = await exported(page, '주문', language, 'csv')
    expect(csv.name).toBe('주문.csv')
    expect([...csv.content.subarray(0, 3)]).toEqual([0xef, 0xbb, 0xbf])
    const [head = '', ...rows] = csv.content.toString().slice(1).trimEnd().split('\r\n')
    expect(head).toContain(w('trend.line'))
    expect(rows.length).toBeGreaterThan(715)
    expect(rows.at(-1)).toContain(w('chart.partial'))
    const png = await exported(page, '주문', language, 'png')
    expect(png.name).toBe('주문.png')
    expect(png.content.subarray(1, 4).toString()).toBe('PNG')
    expect(png.content.byteLength).toBeGreaterThan(5000)
    await page.context().close()
  })

  test('a comparison: counts and groups beside each other, as they are, indexed and by share', {
    timeout: patience,
  }, async () => {
    const page = await pages.look({ language })
    await page.goto('/analysis/?tab=comparison&count=shop.visits&count=shop.returns&zone=Asia/Seoul')
    await sentence(page).getByText('방문').waitFor()
    const ranking = page.getByRole('region', { name: w('comparison.ranking') }).first()
    await ranking.locator('tbody tr').first().waitFor()
    expect(await ranking.locator('tbody tr').first().textContent()).toContain('방문')
    await page.getByRole('combobox').first().fill('web')
    await page
      .getByRole('option')
      .filter({ hasText: w('pick.tag', { tag: 'web' }) })
      .click()
    await page.waitForURL(/tag=web/)
    await until('three ranks', async () => (await ranking.locator('tbody tr').count()) === 3)
    await page.getByRole('button', { name: w('comparison.view.indexed') }).click()
    await page.getByRole('figure', { name: w('comparison.chart.indexed') }).waitFor()
    await page.getByRole('button', { name: w('comparison.view.shares') }).click()
    const shares = page.getByRole('figure', { name: w('comparison.chart.shares') })
    await shares.locator('tbody td', { hasText: '%' }).first().waitFor()
    await page.waitForURL(/view=shares/)
    const correlation = page.locator('.heat.square')
    expect(await correlation.locator('i').count()).toBe(9)
    const differences = page.getByRole('region', { name: w('comparison.differences') }).first()
    expect(await differences.locator('tbody tr').count()).toBe(3)
    expect(await differences.textContent()).toContain(w('comparison.difference.yes'))
    expect(await page.getByRole('region', { name: w('comparison.lag') }).count()).toBeGreaterThan(0)
    // One count alone is compared with its own past.
    await page.goto('/analysis/?tab=comparison&count=shop.visits&zone=Asia/Seoul')
    await page.locator('select[name=against]').selectOption('month')
    await page.waitForURL(/against=month/)
    await until('two ranks', async () => (await ranking.locator('tbody tr').count()) === 2)
    await page.context().close()
  })

  test('a prediction: with its intervals, how it was tested, and when a number is reached', {
    timeout: patience,
  }, async () => {
    const page = await pages.look({ language })
    await page.goto('/analysis/?tab=prediction&count=shop.visits&range=1y&measure=value&zone=Asia/Seoul')
    await sentence(page).waitFor()
    const chart = page.getByRole('figure', { name: w('prediction.chart', { name: '방문' }) })
    for (const column of ['chart.lower', 'chart.upper'])
      await chart.getByRole('columnheader', { name: w(column, { label: w('prediction.95') }) }).waitFor()
    const rows = () => chart.locator('tbody tr').count()
    expect(await rows()).toBe(28)
    const trust = page.getByRole('region', { name: w('prediction.trust') }).first()
    expect(await trust.locator('tbody tr').count()).toBeGreaterThan(2)
    expect(await trust.textContent()).toMatch(/\d+%/)
    const last = async () =>
      Number(
        (await chart.locator('tbody tr').last().locator('td').nth(1).textContent())?.replaceAll(/\D/g, ''),
      )
    await page
      .locator('input[name=reach]')
      .fill((Math.round(((await last()) - 1000) / 100) * 100).toLocaleString('en'))
    await page.waitForURL(/reach=\d+/)
    await sentence(page)
      .getByText(new RegExp(language === 'ko' ? '이를 것으로 보입니다' : 'It should reach'))
      .waitFor()
    await page.locator('input[name=horizon]').fill('7')
    await page.waitForURL(/horizon=7/)
    await until('seven points', async () => (await rows()) === 7)
    await page.locator('input[name=horizon]').fill('x')
    await page.getByText(w('question.horizon.wrong')).waitFor()
    await page.context().close()
  })

  test('too little history says so and what it lacks, in every tab', { timeout: patience }, async () => {
    const page = await pages.look({ language })
    for (const tab of ['trend', 'prediction', 'comparison']) {
      await page.goto(`/analysis/?tab=${tab}&count=new.count&range=24h&zone=Asia/Seoul`)
      await sentence(page).waitFor()
      expect(await page.locator('main').textContent(), tab).not.toMatch(/NaN|Infinity|undefined/)
    }
    await page.goto('/analysis/?tab=prediction&count=new.count&range=24h&zone=Asia/Seoul')
    await page.getByText(w('prediction.unknown.change', { name: '새 카운트' })).waitFor()
    await page.context().close()
  })

  test('an analysis is saved, changed, opened from its link, renamed, deleted and brought back', {
    timeout: patience,
  }, async () => {
    const page = await pages.look({ language })
    const name = `Orders ${language}`
    await page.goto('/analysis/?count=shop.orders&range=30d&zone=Asia/Seoul')
    await sentence(page).waitFor()
    const dialog = page.getByRole('dialog')
    await page.getByRole('button', { name: w('saved.save'), exact: true }).click()
    await dialog.locator('[type=submit]').click()
    await dialog.getByText(w('field.required')).waitFor()
    await page.keyboard.type(name)
    await page.keyboard.press('Enter')
    await toast(page).getByText(w('saved.done', { name })).waitFor()
    await page.waitForURL(/saved=/)
    await page.getByRole('heading', { name, level: 1 }).waitFor()
    await page.getByRole('button', { name: w('range.7d'), exact: true }).click()
    await page.getByText(w('saved.changed')).waitFor()
    await page.getByRole('button', { name: w('saved.save'), exact: true }).click()
    await dialog.getByRole('button', { name: w('saved.new') }).click()
    await dialog.getByText(w('saved.name.taken')).waitFor()
    await dialog.getByRole('button', { name: w('saved.update', { name }) }).click()
    await page.getByText(w('saved.changed')).waitFor({ state: 'detached' })
    await page.goto('/analysis/')
    await page.getByRole('button', { name: w('saved.title') }).click()
    await dialog.getByRole('link', { name }).click()
    await page.waitForURL(/count=shop\.orders&range=7d/)
    await sentence(page).waitFor()
    await page.getByRole('button', { name: w('saved.title') }).click()
    await dialog.getByRole('button', { name: w('saved.actions', { name }) }).click()
    await page.getByRole('menuitem', { name: w('saved.rename') }).click()
    const next = `Weekly ${language}`
    await dialog.locator('input[name=rename]').fill(next)
    await page.keyboard.press('Enter')
    await toast(page)
      .getByText(w('saved.renamed', { name: next }))
      .waitFor()
    await dialog.getByRole('button', { name: w('saved.actions', { name: next }) }).click()
    await page.getByRole('menuitem', { name: w('action.delete') }).click()
    await toast(page)
      .getByText(w('saved.deleted', { name: next }))
      .waitFor()
    await dialog.getByRole('link', { name: next }).waitFor({ state: 'detached' })
    await page.keyboard.press('Escape')
    await toast(page)
      .getByRole('button', { name: w('action.undo') })
      .click()
    await page.getByRole('button', { name: w('saved.title') }).click()
    await dialog.getByRole('link', { name: next }).waitFor()
    await page.context().close()
  })
})

const w = say('en')

test('a link shows the same, and the back button takes each step back', { timeout: patience }, async () => {
  const page = await pages.look()
  await page.goto('/analysis/?count=shop.orders&count=shop.visits&zone=America/New_York')
  await sentence(page).getByText('주문').waitFor()
  await page
    .getByRole('button', { name: /shop\.visits/ })
    .first()
    .click()
  await sentence(page).getByText('방문').waitFor()
  await page.getByRole('button', { name: w('measure.value'), exact: true }).click()
  await page.getByRole('tab', { name: w('tab.prediction') }).click()
  await page.waitForURL(/tab=prediction.*of=shop\.visits.*zone=America%2FNew_York.*measure=value/)
  const other = await pages.look({ language: 'ko', role: 'viewer' })
  await other.goto(page.url())
  await other.getByRole('figure', { name: '방문 예측' }).waitFor()
  expect(await other.locator('input[name=zone]').inputValue()).toBe('America/New_York')
  await page.goBack()
  await page.getByRole('tab', { name: w('tab.trend'), selected: true }).waitFor()
  expect(page.url()).toContain('measure=value')
  await page.goBack()
  await page.getByRole('button', { name: w('measure.change'), exact: true, pressed: true }).waitFor()
  await page.goBack()
  await sentence(page).getByText('주문').waitFor()
  await page.goForward()
  await sentence(page).getByText('방문').waitFor()
  await page.context().close()
  await other.context().close()
})

test('everything is asked and read from the keyboard alone', { timeout: patience }, async () => {
  const page = await pages.look()
  await page.goto('/analysis/?zone=Asia/Seoul')
  await page.getByText(w('answer.empty.title')).waitFor()
  const tabTo = async (what: string, selector: string) =>
    await until(what, async () => {
      await page.keyboard.press('Tab')
      return await page.locator(`${selector}:focus`).count()
    })
  await tabTo('the picker', '#pick')
  // Enter at once means what was typed, not what was listed before.
  await page.keyboard.type('visits')
  await page.keyboard.press('Enter')
  await sentence(page).getByText('방문').waitFor()
  await tabTo('the range', '.question .chip')
  await page.keyboard.press('Tab')
  await page.keyboard.press('Tab')
  await page.keyboard.press('Enter')
  await page.waitForURL(/range=30d/)
  await tabTo('the tabs', '[role=tab]')
  await page.keyboard.press('ArrowRight')
  await page.waitForURL(/tab=comparison/)
  await page.keyboard.press('ArrowLeft')
  await page.waitForURL((url) => !url.search.includes('tab='))
  await sentence(page).getByText('방문').waitFor()
  await tabTo('the chart', '.plot')
  await page.keyboard.press('End')
  const legend = page.locator('.chart-legend').first()
  await legend.getByText(w('chart.partial')).waitFor()
  const last = await legend.textContent()
  await page.keyboard.press('ArrowLeft')
  await until('the bucket before', async () => (await legend.textContent()) !== last)
  await page.keyboard.press('Escape')
  await tabTo('the export', '[aria-haspopup=menu]')
  await page.keyboard.press('Enter')
  await page.getByRole('menuitem', { name: w('chart.csv') }).waitFor()
  await page.keyboard.press('Escape')
  await tabTo('the table', '.table-box')
  await page.context().close()
})

test('a viewer reads and opens what is saved, and is offered no change', { timeout: patience }, async () => {
  await pages.call('POST', '/analyses', { name: 'For all', state: { search: '?count=shop.visits&zone=UTC' } })
  const page = await pages.look({ role: 'viewer' })
  await page.goto('/analysis/?count=shop.orders')
  await sentence(page).waitFor()
  expect(await page.getByRole('button', { name: w('saved.save'), exact: true }).count()).toBe(0)
  await page.getByRole('button', { name: w('saved.title') }).click()
  await page.getByRole('dialog').getByRole('link', { name: 'For all' }).waitFor()
  expect(await page.getByRole('dialog').locator('[aria-haspopup=menu]').count()).toBe(0)
  await page.getByRole('dialog').getByRole('link', { name: 'For all' }).click()
  await page.waitForURL(/count=shop\.visits/)
  await page.context().close()
})

test('a session that ends in the middle asks to sign in again and answers the question then', {
  timeout: patience,
}, async () => {
  const page = await pages.look()
  await page.goto('/analysis/?count=shop.orders&zone=Asia/Seoul')
  await sentence(page).waitFor()
  await endSession(page, pages.url)
  const dialog = page.getByRole('dialog', { name: w('sign-in.again') })
  await until('the end of the session', async () => {
    const reply = await page.request.get('/api/v1/analysis/trend?count=shop.orders')
    return reply.status() === 401
  })
  await page.getByRole('button', { name: w('range.7d'), exact: true }).click()
  await dialog.locator('input[name=password]').fill(password)
  await page.keyboard.press('Enter')
  await dialog.waitFor({ state: 'detached' })
  await sentence(page).waitFor()
  await page.context().close()
})

test('a slow answer tells how long, is stopped, and is taken back when the question changes', {
  timeout: patience,
}, async () => {
  const page = await pages.look()
  const held: Route[] = []
  await page.route('**/api/v1/analysis/**', (route) => void held.push(route))
  const gone: string[] = []
  page.on('requestfailed', (request) => gone.push(new URL(request.url()).searchParams.get('measure') ?? ''))
  await page.goto('/analysis/?count=shop.orders&zone=Asia/Seoul')
  await page.getByText(/Working on it for \d+ sec/).waitFor()
  await page.getByRole('button', { name: w('measure.value'), exact: true }).click()
  await until('the first request to be taken back', () => gone.includes('change'))
  await page.getByText(/Working on it for \d+ sec/).waitFor()
  await page.getByRole('button', { name: w('action.cancel'), exact: true }).click()
  await page.getByText(w('answer.stopped.title')).waitFor()
  await until('the second one too', () => gone.includes('value'))
  await page.unroute('**/api/v1/analysis/**')
  await page.getByRole('button', { name: w('answer.again') }).click()
  await sentence(page).waitFor()
  await page.context().close()
})

test('what is refused stands at its field, what fails can be retried, and an outage ends by itself', {
  timeout: patience,
}, async () => {
  const page = await pages.look()
  await page.goto('/analysis/?count=shop.orders&count=nothing.here&of=nothing.here&zone=Asia/Seoul')
  await page.locator('.answer [role=alert]').waitFor()
  await page.getByRole('button', { name: w('action.remove', { name: 'nothing.here' }) }).click()
  await sentence(page).waitFor()
  await page.locator('input[name=zone]').fill('Mars/Olympus')
  await page.getByText(w('question.zone.unknown')).waitFor()
  await page.locator('input[name=zone]').fill('Asia/Seoul')
  await page.getByText(w('question.zone.unknown')).waitFor({ state: 'detached' })
  await page.getByRole('button', { name: w('range.custom'), exact: true }).click()
  await page.locator('input[name=from]').fill('2010-01-01T00:00')
  await page.locator('.field-error').getByText(w('question.refused.range')).waitFor()
  await page.getByRole('button', { name: w('range.30d'), exact: true }).click()
  await sentence(page).waitFor()
  await page.route('**/api/v1/analysis/**', (route) => route.fulfill(problem('unavailable', 503)))
  await page.getByRole('button', { name: w('range.7d'), exact: true }).click()
  await page.getByText(w('problem.unavailable')).waitFor()
  await page.unroute('**/api/v1/analysis/**')
  await page.getByRole('button', { name: w('action.retry') }).click()
  await sentence(page).waitFor()
  await page.context().setOffline(true)
  await page.getByRole('button', { name: w('range.90d'), exact: true }).click()
  await page.getByText(w('problem.offline')).waitFor()
  await page.context().setOffline(false)
  await sentence(page).waitFor()
  await page.context().close()
})
