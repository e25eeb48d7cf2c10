import { readFile } from 'node:fs/promises'
import { until } from '@count/stack/until'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { type Language, openWorld, panel, patience, say, type World } from './pages-world.ts'

let world: World
beforeAll(async () => {
  world = await openWorld()
  await world.counts({ 'shop.orders': 1234, 'shop.stock': 50 }, { tags: ['shop'] })
})
afterAll(() => world.close())

const saved = z.looseObject({
  name: z.string(),
  revision: z.int(),
  panels: z.array(
    z.looseObject({
      type: z.string(),
      title: z.string(),
      counts: z.unknown().optional(),
      layout: z.record(z.string(), z.int()),
    }),
  ),
})
const read = async (id: string) => saved.parse(await world.call('GET', `/dashboards/${id}`))
const idOf = (page: Page) => new URL(page.url()).searchParams.get('id') ?? ''
const ready = (page: Page) => page.locator('.edit-grid[data-ready]').waitFor()
const item = (page: Page, title: string) =>
  page.locator('.grid-stack-item').filter({ has: page.locator(`.panel[aria-label="${title}"]`) })
const orders = (id: string, x: number, y: number, w = 3, h = 2) =>
  panel(id, 'number', [x, y, w, h], { counts: { ids: ['shop.orders'] } })

/** Drags from a point: down first, then sideways, in steps as a hand does. */
async function drag(page: Page, from: { x: number; y: number }, by: { x: number; y: number }) {
  await page.mouse.move(from.x, from.y)
  await page.mouse.down()
  for (let i = 1; i <= 8; i++) await page.mouse.move(from.x, from.y + (by.y * i) / 8)
  for (let i = 1; i <= 8; i++) await page.mouse.move(from.x + (by.x * i) / 8, from.y + by.y)
  await page.mouse.up()
}

/** The same with a finger, which rests first: else it scrolls. */
async function dragByTouch(page: Page, from: { x: number; y: number }, by: { x: number; y: number }) {
  const device = await page.context().newCDPSession(page)
  const touch = (type: 'touchStart' | 'touchMove' | 'touchEnd', x = 0, y = 0) =>
    device.send('Input.dispatchTouchEvent', { type, touchPoints: type === 'touchEnd' ? [] : [{ x, y }] })
  await touch('touchStart', from.x, from.y)
  await page.locator('.ui-draggable-armed, .ui-resizable-armed').first().waitFor()
  for (let i = 1; i <= 8; i++) await touch('touchMove', from.x, from.y + (by.y * i) / 8)
  for (let i = 1; i <= 8; i++) await touch('touchMove', from.x + (by.x * i) / 8, from.y + by.y)
  await touch('touchEnd')
  await device.detach()
}

describe.each(['ko', 'en'] satisfies Language[])('in %s', (language) => {
  const w = say(language)
  const button = (page: Page, key: string) => page.getByRole('button', { name: w(key), exact: true })

  test('a dashboard is built with the mouse, and shows what it was told to', {
    timeout: patience,
  }, async () => {
    const page = await world.look({ language, role: 'editor' })
    await page.goto('/dashboards/')
    await button(page, 'boards.new').first().click()
    await page.getByRole('dialog').getByLabel(w('boards.name')).fill(`Built ${language}`)
    await button(page, 'create.action').click()
    await ready(page)

    await button(page, 'panel.type.number').click()
    await page.getByRole('combobox', { name: w('picker.search') }).fill('orders')
    await page.getByRole('option', { name: 'shop.orders' }).click()
    await page.getByText('1,234', { exact: true }).waitFor()
    await button(page, 'edit.panels').click()
    await button(page, 'panel.type.line').click()
    await page.getByLabel(w('edit.title')).fill('Everything')
    await page.locator('.segment', { hasText: w('picker.prefix') }).click()
    await page.getByLabel(w('picker.prefix.label')).fill('shop.')
    await item(page, 'Everything').getByText('shop.stock', { exact: true }).waitFor()

    const column = ((await page.locator('.edit-grid').boundingBox())?.width ?? 0) / 12
    const head = await item(page, 'Everything').locator('.panel-head h2').boundingBox()
    if (!head) throw new Error('no panel head')
    await drag(page, { x: head.x + 10, y: head.y + 8 }, { x: -column * 3, y: 180 })
    const corner = await item(page, 'Everything').locator('.ui-resizable-se').boundingBox()
    if (!corner) throw new Error('no corner')
    await drag(page, { x: corner.x + 12, y: corner.y + 12 }, { x: column * 2, y: 90 })
    await button(page, 'action.save').click()
    await page.locator('.toasts').getByText(w('edit.saved')).waitFor()
    await page.locator('.board [data-panel]').first().waitFor()
    expect(page.url()).not.toContain('edit=1')
    const { panels } = await read(idOf(page))
    expect(panels.map(({ type, counts, layout }) => ({ type, counts, layout }))).toEqual([
      { type: 'number', counts: { ids: ['shop.orders'] }, layout: { x: 0, y: 0, w: 3, h: 2 } },
      { type: 'line', counts: { prefix: 'shop.' }, layout: { x: 0, y: 2, w: 8, h: 5 } },
    ])
    await page.context().close()
  })

  test('panels move and grow by touch', { timeout: patience }, async () => {
    const { id } = await world.board(`Touched ${language}`, [orders('one', 0, 0), orders('two', 6, 0)])
    const page = await world.look({ language, role: 'editor', touch: true })
    await page.goto(`/dashboards/view?id=${id}&edit=1`)
    await ready(page)
    const column = ((await page.locator('.edit-grid').boundingBox())?.width ?? 0) / 12
    const head = await item(page, 'one').locator('.panel-head h2').boundingBox()
    if (!head) throw new Error('no panel head')
    await dragByTouch(page, { x: head.x + 10, y: head.y + 8 }, { x: column * 2, y: 180 })
    const corner = await item(page, 'one').locator('.ui-resizable-se').boundingBox()
    if (!corner) throw new Error('no corner')
    await dragByTouch(page, { x: corner.x + 12, y: corner.y + 12 }, { x: column * 2, y: 90 })
    await button(page, 'action.save').tap()
    await page.locator('.toasts').getByText(w('edit.saved')).waitFor()
    const { panels } = await read(id)
    expect(panels.map(({ layout }) => layout)).toEqual([
      { x: 2, y: 2, w: 5, h: 3 },
      { x: 6, y: 0, w: 3, h: 2 },
    ])
    await page.context().close()
  })

  test('panels move and grow by keyboard, which says where they are, and steps are undone', {
    timeout: patience,
  }, async () => {
    const { id } = await world.board(`Keys ${language}`, [orders('one', 0, 0), orders('two', 3, 0)])
    const page = await world.look({ language, role: 'editor' })
    await page.goto(`/dashboards/view?id=${id}&edit=1`)
    await ready(page)
    await page.getByRole('button', { name: w('edit.grip', { name: 'one' }) }).focus()
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('Shift+ArrowRight')
    await page
      .getByText(w('edit.moved', { name: 'one', column: '1', row: '2', w: '4', h: '2' }))
      .waitFor({ state: 'attached' })
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('Control+z')
    await page.keyboard.press('Control+s')
    await page.locator('.toasts').getByText(w('edit.saved')).waitFor()
    const { panels } = await read(id)
    // The panel in the way made room.
    expect(panels.map(({ layout }) => layout)).toEqual([
      { x: 0, y: 1, w: 4, h: 2 },
      { x: 3, y: 3, w: 3, h: 2 },
    ])
    await page.context().close()
  })

  test('what somebody else saved meanwhile is shown, and nothing of either is lost', {
    timeout: patience,
  }, async () => {
    const { id, revision } = await world.board(`Two ${language}`, [orders('one', 0, 0)])
    const page = await world.look({ language, role: 'editor' })
    await page.goto(`/dashboards/view?id=${id}&edit=1`)
    await ready(page)
    await page.getByLabel(w('boards.name')).fill(`Mine ${language}`)
    await world.call(
      'PUT',
      `/dashboards/${id}`,
      { name: `Theirs ${language}`, panels: [orders('one', 0, 0), orders('other', 6, 0)] },
      { 'if-match': `"${revision}"` },
    )
    await page.getByText(w('edit.theirs')).waitFor()
    await button(page, 'action.save').click()
    const dialog = page.getByRole('dialog', { name: w('conflict.title') })
    await dialog.getByText(w('conflict.renamed', { name: `Theirs ${language}` })).waitFor()
    await dialog.getByText(w('conflict.added', { name: 'other' })).waitFor()
    await dialog.getByRole('button', { name: w('conflict.copy') }).click()
    await page.getByRole('heading', { name: w('conflict.copyName', { name: `Mine ${language}` }) }).waitFor()
    expect((await read(id)).name).toBe(`Theirs ${language}`)
    await page.context().close()
  })
})

const w = say('en')
const choose = async (page: Page, item: string) => {
  await page.getByRole('button', { name: w('action.more'), exact: true }).click()
  await page.getByRole('menuitem', { name: item }).click()
}

test('what is typed outlives a reload, an unfinished panel is not saved, and a removed one comes back', {
  timeout: patience,
}, async () => {
  const { id, revision } = await world.board('Draft', [orders('one', 0, 0)])
  const page = await world.look({ role: 'editor' })
  await page.goto(`/dashboards/view?id=${id}&edit=1`)
  await ready(page)
  await page.getByRole('button', { name: w('panel.type.gauge'), exact: true }).click()
  await page.getByLabel(w('edit.title')).fill('Half')
  await page.reload()
  await ready(page)
  await item(page, 'Half').waitFor()
  await page.getByRole('button', { name: w('action.save') }).click()
  await page.getByText(w('picker.required')).waitFor()
  expect((await read(id)).revision).toBe(revision)
  await page
    .locator('.edit-side')
    .getByRole('button', { name: w('action.delete') })
    .click()
  await until('it to be gone', async () => (await item(page, 'Half').count()) === 0)
  await page
    .locator('.toasts')
    .getByRole('button', { name: w('action.undo') })
    .click()
  await item(page, 'Half').waitFor()
  await page.getByRole('button', { name: w('action.cancel') }).click()
  await page.locator('.board .panel[aria-label=one]').waitFor()
  await page.context().close()
})

test('a former revision comes back, and goes again by undo', { timeout: patience }, async () => {
  const { id, revision } = await world.board('First', [orders('one', 0, 0)])
  await world.call(
    'PUT',
    `/dashboards/${id}`,
    { name: 'Second', panels: [] },
    { 'if-match': `"${revision}"` },
  )
  const page = await world.look({ role: 'editor' })
  await page.goto(`/dashboards/view?id=${id}`)
  await page.getByRole('heading', { name: 'Second' }).waitFor()
  await choose(page, w('revisions.title'))
  await page
    .getByRole('dialog')
    .getByRole('button', { name: `${w('revisions.restore')} ${revision}` })
    .click()
  await page.getByRole('heading', { name: 'First' }).waitFor()
  await page.locator('.panel[aria-label=one]').waitFor()
  await page
    .locator('.toasts')
    .getByRole('button', { name: w('action.undo') })
    .click()
  await page.getByRole('heading', { name: 'Second' }).waitFor()
  await page.context().close()
})

test('a dashboard is exported and imported, and what is wrong with a file is said', {
  timeout: patience,
}, async () => {
  const { id } = await world.board('Travelling', [
    orders('one', 0, 0),
    panel('note', 'markdown', [3, 0, 4, 2], {
      text: '**bold** [run](javascript:alert(1)) <img src=x onerror=alert(1)>',
    }),
  ])
  const page = await world.look({ role: 'editor' })
  await page.goto(`/dashboards/view?id=${id}`)
  const note = page.locator('.panel[aria-label=note]')
  await note.locator('strong').waitFor()
  // Nothing of the text became an element that runs.
  expect(await note.locator('img, a').count()).toBe(0)
  await note.getByText('<img src=x onerror=alert(1)>').waitFor()
  const [download] = await Promise.all([page.waitForEvent('download'), choose(page, w('boards.export'))])
  const file = await readFile(await download.path(), 'utf8')
  await page.goto('/dashboards/')
  await page.getByRole('button', { name: w('boards.import') }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByLabel(w('import.text'), { exact: true }).fill('{ "format"')
  await dialog.locator('[type=submit]').click()
  await dialog.getByText(w('import.notJson')).waitFor()
  await dialog.getByLabel(w('import.text'), { exact: true }).fill(file.replace('"x": 3', '"x": 1'))
  await dialog.locator('[type=submit]').click()
  await dialog.locator('.faults').getByText('overlaps').waitFor()
  await dialog
    .locator('input[type=file]')
    .setInputFiles({ name: 'd.json', mimeType: 'application/json', buffer: Buffer.from(file) })
  await dialog.locator('[type=submit]').click()
  await page.getByRole('heading', { name: 'Travelling' }).waitFor()
  expect(idOf(page)).not.toBe(id)
  await page.context().close()
})

test('a template makes a dashboard of the counts it is given', { timeout: patience }, async () => {
  const page = await world.look({ role: 'editor' })
  await page.goto('/dashboards/?new=1')
  const dialog = page.getByRole('dialog')
  await dialog.getByLabel(w('boards.name')).fill('From template')
  await dialog.getByRole('radio').nth(1).check()
  await dialog.locator('[type=submit]').click()
  await dialog.getByText(w('picker.required')).waitFor()
  await dialog.locator('.segment', { hasText: w('picker.tag') }).click()
  await dialog.getByLabel(w('picker.tag.label'), { exact: true }).fill('shop')
  await dialog.locator('[type=submit]').click()
  await ready(page)
  const { panels } = await read(idOf(page))
  expect(panels.length).toBeGreaterThan(1)
  expect(panels.every(({ counts }) => JSON.stringify(counts) === '{"tag":"shop"}')).toBe(true)
  await page.context().close()
})
