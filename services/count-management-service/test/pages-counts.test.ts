import { isDeepStrictEqual } from 'node:util'
import { until } from '@count/stack/until'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createCounts, endSessions, type Language, openPages, type Pages, say } from './browser.ts'
import { fake, problemAnswer } from './page-fakes.ts'
import { type Caller, password, signIn } from './world.ts'

let pages: Pages
let editor: Caller
beforeAll(async () => {
  pages = await openPages()
  editor = await signIn(pages.world.app, 'editor')
})
afterAll(() => pages.close())

const patience = 60_000
const toast = (page: Page) => page.locator('.toasts')
const seen = async (page: Page, text: string) =>
  await page.getByText(text, { exact: false }).first().waitFor()

describe.each(['ko', 'en'] satisfies Language[])('in %s', (language) => {
  const w = say(language)
  const id = (name: string) => `${language}.${name}`

  beforeAll(() =>
    createCounts(pages.world, [
      { id: id('views'), name: `Views ${language}`, unit: '42', tags: [`tag-${language}`], max: 9999 },
      { id: id('stock'), name: `Stock ${language}`, initialValue: 7 },
      { id: id('votes'), name: `Votes ${language}` },
    ]),
  )

  test('signing in says what is wrong, keeps the name, and leads to the counts', {
    timeout: patience,
  }, async () => {
    const page = await pages.look({ language })
    await page.goto('/management/')
    await page.getByRole('button', { name: w('sign-in.action') }).click()
    await seen(page, w('field.required'))
    await page.getByLabel(w('sign-in.username')).fill('viewer')
    await page.getByLabel(w('sign-in.password')).fill('wrong')
    await page.keyboard.press('Enter')
    await seen(page, w('sign-in.wrong'))
    expect(await page.getByLabel(w('sign-in.username')).inputValue()).toBe('viewer')
    await page.getByLabel(w('sign-in.password')).fill(password)
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: w('counts.title') }).waitFor()
    // A viewer is offered nothing that would be refused.
    expect(await page.getByRole('button', { name: w('counts.new') }).count()).toBe(0)
    expect(await page.getByRole('link', { name: w('site.keys') }).count()).toBe(0)
    await page.getByRole('button', { name: w('nav.account', { name: 'viewer' }) }).click()
    await page.getByRole('menuitem', { name: w('nav.signOut') }).click()
    await page.getByLabel(w('sign-in.password')).waitFor()
    await page.context().close()
  })

  test('a count is created; faults stand at their fields and nothing typed is lost', {
    timeout: patience,
  }, async () => {
    const page = await pages.look({ language, role: 'editor' })
    await page.goto('/management/')
    await page.getByRole('button', { name: w('counts.new') }).click()
    const dialog = page.getByRole('dialog')
    await dialog.locator('input[name=id]').fill('Bad Id')
    await dialog.locator('input[name=name]').fill('New one')
    await dialog.locator('input[name=min]').fill('5')
    await dialog.locator('input[name=max]').fill('x')
    await page.keyboard.press('Enter')
    await seen(page, w('field.id'))
    await seen(page, w('field.number'))
    // A reload keeps what was typed.
    await page.reload()
    await page.getByRole('button', { name: w('counts.new') }).click()
    expect(await dialog.locator('input[name=name]').inputValue()).toBe('New one')
    await dialog.locator('input[name=id]').fill(id('views'))
    await dialog.locator('input[name=max]').fill('1,000')
    await dialog.locator('input[name=initialValue]').fill('10')
    await dialog.locator('[type=submit]').click()
    await seen(page, w('create.exists'))
    await dialog.locator('input[name=id]').fill(id('new'))
    await dialog.locator('[type=submit]').click()
    await toast(page).getByText('New one').waitFor()
    await page.getByRole('link', { name: 'New one' }).waitFor()
    await page.getByRole('button', { name: w('action.undo') }).click()
    await until(
      'the count to be gone',
      async () => (await page.getByRole('link', { name: 'New one' }).count()) === 0,
    )
    await page.context().close()
  })

  test('search, filters and rows work from the keyboard, and the address keeps them', {
    timeout: patience,
  }, async () => {
    const page = await pages.look({ language, role: 'editor' })
    await page.goto('/management/')
    await page.locator('tbody tr').first().waitFor()
    await page.keyboard.press('/')
    await page.keyboard.type(`s ${language}`)
    await page.waitForURL(/q=/)
    await until('two rows', async () => (await page.locator('tbody tr').count()) === 2)
    await page.reload()
    await until('two rows again', async () => (await page.locator('tbody tr').count()) === 2)
    await page.keyboard.press('/')
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('x')
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('x')
    await seen(page, w('bulk.selected', { n: '2' }))
    await page.keyboard.press('Escape')
    await until('nothing selected', async () => (await page.locator('tr.selected').count()) === 0)
    await page.keyboard.press('Enter')
    await page.waitForURL(/count\?id=/)
    await page.goto('/management/')
    await page.getByRole('button', { name: `tag-${language}` }).click()
    await page.waitForURL(/tag=/)
    await until('one row', async () => (await page.locator('tbody tr').count()) === 1)
    await page.getByRole('button', { name: w('counts.tagChip', { tag: `tag-${language}` }) }).click()
    await page.getByRole('button', { name: w('status.archived') }).click()
    await seen(page, w('counts.none.title'))
    await page.getByRole('button', { name: w('counts.clear') }).click()
    await page.locator('tbody tr').first().waitFor()
    await page.context().close()
  })

  test('the selected are changed at once, with one undo', { timeout: patience }, async () => {
    const page = await pages.look({ language, role: 'editor' })
    const tags = async () => (await editor.call('GET', `/api/v1/admin/counts/${id('views')}`)).body.tags
    const before = await tags()
    await page.goto(`/management/?q=${language}.`)
    await page.getByLabel(w('table.select', { name: `Views ${language}` })).click()
    await page.getByLabel(w('table.select', { name: `Stock ${language}` })).click()
    await page.getByRole('button', { name: w('bulk.tag') }).click()
    await page.getByRole('dialog').waitFor()
    await page.keyboard.type('season, web')
    await page.keyboard.press('Enter')
    await page.getByRole('button', { name: w('bulk.apply') }).click()
    await toast(page)
      .getByText(w('bulk.done.tag', { n: '2' }))
      .waitFor()
    expect(await tags()).toEqual([...new Set([...before, 'season', 'web'])])
    await page.getByRole('button', { name: w('action.undo') }).click()
    await toast(page).getByText(w('bulk.undone')).waitFor()
    await until('the former tags', async () => isDeepStrictEqual(await tags(), before))
    await page.context().close()
  })

  test('a value is corrected with a reason, before and after in sight, and moves live', {
    timeout: patience,
  }, async () => {
    const page = await pages.look({ language, role: 'editor' })
    await page.goto(`/management/count?id=${id('views')}`)
    await page.getByRole('button', { name: w('one.correct') }).click()
    const dialog = page.getByRole('dialog')
    await dialog.waitFor()
    await page.keyboard.type('12000')
    await dialog.locator('[type=submit]').click()
    await dialog.getByText(w('field.required')).waitFor()
    expect(await dialog.locator('.field-error').count()).toBe(2)
    await dialog.locator('input[name=value]').fill('1,234')
    expect(await dialog.locator('.before-after').textContent()).toContain('+1,234')
    await dialog.locator('input[name=reason]').fill('집계 누락')
    await dialog.locator('[type=submit]').click()
    await toast(page).getByText('1,234').waitFor()
    await until('the value', async () => (await page.locator('.value .live').textContent()) === '1,234')
    await page.getByRole('button', { name: w('action.undo') }).click()
    await toast(page).getByText(w('correct.undone')).waitFor()
    await until('the former value', async () => (await page.locator('.value .live').textContent()) === '0')
    await editor.call('PUT', `/api/v1/admin/counts/${id('views')}/value`, { value: 77, reason: 'elsewhere' })
    await until('the live value', async () => (await page.locator('.value .live').textContent()) === '77')
    for (const range of ['3h', '7d', '30d', '1y']) {
      await page.getByRole('button', { name: w(`history.range.${range}`), exact: true }).click()
      await page.locator('[role=tabpanel] figcaption').waitFor()
    }
    await page.getByRole('button', { name: w('history.value'), exact: true }).click()
    await page.locator('[role=tabpanel] summary').click()
    await page.locator('[role=tabpanel] tbody tr').first().waitFor()
    await page.context().close()
  })

  test('settings are saved, undone, and a conflict overwrites only what was typed', {
    timeout: patience,
  }, async () => {
    const page = await pages.look({ language, role: 'editor' })
    const path = `/api/v1/admin/counts/${id('stock')}`
    await page.goto(`/management/count?id=${id('stock')}`)
    await page.getByRole('tab', { name: w('one.tab.history') }).press('ArrowRight')
    await page.locator('input[name=max]').fill('3')
    await page.getByRole('button', { name: w('settings.save') }).click()
    await seen(page, w('settings.bound'))
    await page.locator('input[name=max]').fill('')
    await page.locator('input[name=unit]').fill('box')
    await editor.call('PATCH', path, { description: 'by another' }, { 'if-match': '*' })
    await page.getByRole('button', { name: w('settings.save') }).click()
    await page.locator('form .note.warn').waitFor()
    await page.getByRole('button', { name: w('settings.save') }).click()
    await toast(page).getByText(w('settings.done')).waitFor()
    const saved = (await editor.call('GET', path)).body
    expect(saved).toMatchObject({ unit: 'box', description: 'by another' })
    await page.getByRole('button', { name: w('action.undo') }).click()
    await toast(page).getByText(w('settings.undone')).waitFor()
    expect((await editor.call('GET', path)).body).toMatchObject({ unit: '' })
    await page.context().close()
  })

  test('a count is paused, activated, archived and deleted, each with its undo', {
    timeout: patience,
  }, async () => {
    const page = await pages.look({ language, role: 'editor' })
    await page.goto(`/management/count?id=${id('votes')}`)
    const zone = page.locator('.danger-zone')
    await zone.getByRole('button', { name: w('danger.pause'), exact: true }).click()
    await seen(page, w('one.paused'))
    await page.getByRole('button', { name: w('action.undo') }).click()
    await zone.getByRole('button', { name: w('danger.pause'), exact: true }).waitFor()
    await zone.getByRole('button', { name: w('danger.archive'), exact: true }).click()
    await seen(page, w('one.archived'))
    await zone.getByRole('button', { name: w('danger.activate'), exact: true }).click()
    await zone.getByRole('button', { name: w('danger.archive'), exact: true }).waitFor()
    await zone.getByRole('button', { name: w('danger.delete'), exact: true }).click()
    await seen(page, w('problem.unknown-count'))
    await page.context().close()
  })

  test('a session that ends in the middle keeps what was typed and asks to sign in again', {
    timeout: patience,
  }, async () => {
    const page = await pages.look({ language, role: 'editor' })
    await page.goto(`/management/count?id=${id('views')}&tab=settings`)
    await page.locator('input[name=unit]').fill('pages')
    await endSessions(page, pages.url)
    const dialog = page.getByRole('dialog', { name: w('sign-in.again') })
    await dialog.locator('input[name=password]').fill(password)
    await page.keyboard.press('Enter')
    await dialog.waitFor({ state: 'detached' })
    expect(await page.locator('input[name=unit]').inputValue()).toBe('pages')
    await page.getByRole('button', { name: w('settings.save') }).click()
    await toast(page).getByText(w('settings.done')).waitFor()
    await page.context().close()
  })

  test('⌘K finds a count from anywhere; the language and the theme are kept', {
    timeout: patience,
  }, async () => {
    const page = await pages.look({ language, role: 'viewer' })
    await page.goto('/management/audit')
    await page.getByRole('heading', { name: w('audit.title') }).waitFor()
    await page.keyboard.press('Control+k')
    await page.getByRole('dialog').waitFor()
    await page.keyboard.type(`Stock ${language}`)
    await until('one hit', async () => (await page.getByRole('dialog').getByRole('option').count()) === 1)
    await page.keyboard.press('Enter')
    await page.waitForURL(/count\?id=/)
    await page.getByRole('button', { name: w('nav.theme') }).click()
    await page.keyboard.press('End')
    await page.keyboard.press('Enter')
    await page.getByRole('button', { name: w('nav.language') }).click()
    await page.reload()
    const other = language === 'ko' ? 'en' : 'ko'
    await page.getByRole('tab', { name: say(other)('one.tab.settings') }).waitFor()
    expect(
      await page.evaluate('[document.documentElement.lang, document.documentElement.dataset.theme]'),
    ).toEqual([other, 'dark'])
    await page.context().close()
  })

  test('what is shown stays while a store or the server is away, and says so', {
    timeout: patience,
  }, async () => {
    const page = await pages.look({ language, role: 'viewer' })
    await page.goto('/management/')
    await page.locator('tbody tr').first().waitFor()
    const back = await fake(page, { 'GET /counts': () => problemAnswer('unavailable', 503) })
    await page.locator('.note.warn').getByText(w('problem.unavailable')).waitFor()
    expect(await page.locator('tbody tr').count()).toBeGreaterThan(0)
    await back()
    await page.locator('.note.warn').waitFor({ state: 'detached' })
    await page.context().setOffline(true)
    await page.locator('.note.warn').waitFor()
    await page.context().setOffline(false)
    await page.locator('.note.warn').waitFor({ state: 'detached', timeout: 20_000 })
    await page.context().close()
  })
})
