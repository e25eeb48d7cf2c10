import { until } from '@count/stack/until'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createCounts, type Language, openPages, type Pages, say } from './browser.ts'
import { admin as api } from './bulk-calls.ts'
import { fake, problemAnswer } from './page-fakes.ts'
import { runningJob } from './page-stock.ts'
import { type Caller, password, signIn } from './world.ts'

let pages: Pages
/** What the pages did, asked of the API. */
let admin: Caller
beforeAll(async () => {
  pages = await openPages()
  admin = await signIn(pages.world.app, 'admin')
})
afterAll(() => pages.close())

const patience = 60_000
const toast = (page: Page) => page.locator('.toasts')
const any = { 'if-match': '*' }

describe.each(['ko', 'en'] satisfies Language[])('in %s', (language) => {
  const w = say(language)

  test('a key is created and shown once, and revoked by its name', { timeout: patience }, async () => {
    const page = await pages.look({ language, role: 'admin' })
    const name = `Shop ${language}`
    await page.goto('/management/keys')
    await page
      .getByRole('button', { name: w('keys.new') })
      .first()
      .click()
    const dialog = page.getByRole('dialog')
    await dialog.locator('input[name=name]').fill(name)
    await dialog.getByLabel(w('keys.scope.counts:read')).uncheck()
    await dialog.getByLabel(w('keys.scope.counts:write')).uncheck()
    await dialog.locator('input[name=prefixes]').fill('Shop!')
    await dialog.locator('[type=submit]').click()
    await dialog.getByText(w('keys.scopes.missing')).waitFor()
    await dialog.getByText(w('field.id')).waitFor()
    await dialog.getByRole('button', { name: w('action.remove', { name: 'Shop!' }) }).click()
    await dialog.getByLabel(w('keys.scope.counts:write')).check()
    await dialog.locator('input[name=prefixes]').fill(`shop.${language}`)
    await dialog.locator('input[name=rateLimit]').fill('50')
    await dialog.locator('[type=submit]').click()
    const shown = await dialog.locator('code').first().textContent()
    expect(shown).toMatch(/^ck_[0-9a-f]{16}_[0-9a-f]+_[0-9a-f]{8}$/)
    await dialog.getByRole('button', { name: w('keys.shown.done') }).click()
    await page.getByText(`shop.${language}`, { exact: true }).waitFor()
    expect(await page.content()).not.toContain(shown)
    await page.getByRole('button', { name: w('keys.actions', { name }) }).press('Enter')
    await page.keyboard.press('End')
    await page.keyboard.press('Enter')
    await dialog.locator('input[name=confirm]').fill('Shop')
    await page.keyboard.press('Enter')
    await dialog.getByText(w('confirm.mismatch', { name })).waitFor()
    await dialog.locator('input[name=confirm]').fill(name)
    await page.keyboard.press('Enter')
    await toast(page).getByText(w('keys.revoke.done', { name })).waitFor()
    await page.locator('tbody').getByText(w('keys.revoked')).first().waitFor()
    await page.context().close()
  })

  test('a key is rotated with an overlap', { timeout: patience }, async () => {
    const name = `Rotated ${language}`
    const { id, key } = (await admin.call('POST', `${api}/api-keys`, { name, scopes: ['counts:read'] })).body
    const tab = await pages.look({ language, role: 'admin' })
    await tab.goto('/management/keys')
    await tab.getByRole('button', { name: w('keys.actions', { name }) }).click()
    await tab.getByRole('menuitem', { name: w('keys.rotate') }).click()
    await tab.getByLabel(w('keys.overlap')).selectOption('604800')
    await tab.getByRole('dialog').locator('[type=submit]').click()
    const shown = await tab.getByRole('dialog').locator('code').first().textContent()
    expect(shown).toMatch(new RegExp(`^ck_${id}_[0-9a-f]+_[0-9a-f]{8}$`))
    expect(shown).not.toBe(key)
    const { items } = (await admin.call('GET', `${api}/api-keys?limit=1000`)).body
    const until = Date.parse(items.find((item) => item.id === id)?.previousUntil ?? '')
    expect(Math.abs(until - Date.now() - 604_800_000)).toBeLessThan(60_000)
    await tab.context().close()
  })

  test('a count comes back from the trash, unless a new one has its id', { timeout: patience }, async () => {
    const [id, name] = [`gone.${language}`, `지난 행사 ${language}`]
    await createCounts(pages.world, [{ id, name, initialValue: 1204 }])
    await admin.call('DELETE', `${api}/counts/${id}`, undefined, any)
    await createCounts(pages.world, [{ id, name: 'new' }])
    const tab = await pages.look({ language, role: 'editor' })
    await tab.goto(`/management/trash?q=${id}`)
    await tab.getByText(new Intl.NumberFormat(language).format(1204)).waitFor()
    const restore = tab.getByRole('button', { name: w('trash.restoreOne', { name }) })
    await restore.click()
    await toast(tab).getByText(w('trash.occupied')).waitFor()
    // The new one goes, and takes the place of the old one's value: that one cannot come back any more, and it is said so.
    await admin.call('DELETE', `${api}/counts/${id}`, undefined, any)
    await tab.getByRole('button', { name: w('trash.restoreOne', { name: 'new' }) }).waitFor()
    await restore.click()
    await toast(tab).getByText(w('trash.lost')).waitFor()
    await tab.getByRole('button', { name: w('trash.restoreOne', { name: 'new' }) }).click()
    await toast(tab)
      .getByText(w('trash.restored', { name: 'new' }))
      .waitFor()
    expect((await admin.call('GET', `${api}/counts/${id}`)).body).toMatchObject({ name: 'new', value: 0 })
    await tab.context().close()
  })

  test('the audit log is filtered by its address, exported, and undone with a reason', {
    timeout: patience,
  }, async () => {
    const id = `audited.${language}`
    await createCounts(pages.world, [{ id, name: 'before' }])
    const editor = await signIn(pages.world.app, 'editor')
    await editor.call('PATCH', `${api}/counts/${id}`, { name: 'after' }, any)
    const tab = await pages.look({ language, role: 'editor' })
    await tab.goto('/management/audit')
    await tab.locator('input[name=subject]').fill(id)
    await until('both entries', async () => (await tab.locator('tbody tr').count()) === 2)
    await tab.locator('input[name=actor]').fill('editor')
    await tab.locator('select[name=action]').selectOption('count.update')
    await tab.locator('input[name=from]').fill('2026-01-01T00:00')
    await tab.waitForURL(/actor=editor&action=count.update&from=2026|from=2026.+/)
    await until('one entry', async () => (await tab.locator('tbody tr').count()) === 1)
    const csv = tab.getByRole('link', { name: w('audit.export.csv') })
    const href = (await csv.getAttribute('href')) ?? ''
    const file = await (await tab.request.get(href)).text()
    expect(file.trimEnd().split('\r\n')).toHaveLength(2)
    expect(file).toContain('count.update')
    await tab.locator('tbody button').click()
    await tab.getByRole('dialog').locator('input[name=reason]').fill('mistake')
    await tab.keyboard.press('Enter')
    await toast(tab).getByText(w('audit.undone')).waitFor()
    await until(
      'the sign that it is undone',
      async () => (await tab.getByText(w('audit.undoneBy')).count()) > 0,
    )
    expect((await admin.call('GET', `${api}/counts/${id}`)).body.name).toBe('before')
    const [undo] = (await admin.call('GET', `${api}/audit?subject=${id}&limit=1`)).body.items
    expect(undo).toMatchObject({ reason: 'mistake', after: { name: 'before' } })
    await tab.context().close()
  })

  test('users are added, changed, disabled, reset and deleted; the last admin stays', {
    timeout: patience,
  }, async () => {
    const username = `new.${language}`
    const tab = await pages.look({ language, role: 'admin' })
    await tab.goto('/management/users')
    await tab.getByRole('button', { name: w('users.new') }).click()
    const dialog = tab.getByRole('dialog')
    const secret = dialog.locator('input[name=new-password]')
    await dialog.locator('input[name=username]').fill('new user')
    await secret.fill('short')
    await dialog.locator('[type=submit]').click()
    await dialog.getByText(w('users.username.wrong')).waitFor()
    await dialog.getByText(w('field.tooShort', { n: '10' })).waitFor()
    await dialog.locator('input[name=username]').fill(username)
    await secret.fill('password12')
    await dialog.locator('[type=submit]').click()
    await dialog.getByText(w('field.password.weak')).waitFor()
    await secret.fill('correct horse battery')
    await dialog.locator('[type=submit]').click()
    await toast(tab).getByText(username).waitFor()
    const user = async () =>
      (await admin.call('GET', `${api}/users?limit=1000`)).body.items.find(
        (item) => item.username === username,
      )
    const former = (await user())?.role
    const role = tab.locator(`tr[data-key="${username}"] select`)
    await role.selectOption(former === 'editor' ? 'viewer' : 'editor')
    await until('the new role', async () => (await user())?.role !== former)
    await tab.getByRole('button', { name: w('action.undo') }).click()
    await until('the former role', async () => (await user())?.role === former)
    const menu = tab.getByRole('button', { name: w('users.actions', { name: username }) })
    await menu.click()
    await tab.getByRole('menuitem', { name: w('users.reset') }).click()
    await secret.fill('a new long password')
    await tab.keyboard.press('Enter')
    await toast(tab).getByText(w('users.reset.done')).waitFor()
    await signIn(pages.world.app, username, 'a new long password')
    await menu.click()
    await tab.getByRole('menuitem', { name: w('users.disable'), exact: true }).click()
    await until('the end of it', async () => (await user())?.disabled)
    // An admin cannot take the role from themselves here: only two who do it to each other at once come to this.
    expect(await tab.locator('tr[data-key=admin] select').isDisabled()).toBe(true)
    const back = await fake(tab, { 'PATCH /users/*': () => problemAnswer('conflict', 409) })
    await role.selectOption(former === 'editor' ? 'viewer' : 'editor')
    await toast(tab).getByText(w('users.last')).waitFor()
    await back()
    await menu.click()
    await tab.getByRole('menuitem', { name: w('users.delete') }).click()
    await dialog.locator('input[name=confirm]').fill(username)
    await tab.keyboard.press('Enter')
    await toast(tab)
      .getByText(w('users.delete.done', { name: username }))
      .waitFor()
    expect(await user()).toBeUndefined()
    await tab.context().close()
  })

  test('sessions are ended, and a password changed after its faults were told', {
    timeout: patience,
  }, async () => {
    const username = `sessions.${language}`
    await admin.call('POST', `${api}/users`, { username, password, role: 'editor' })
    const other = await signIn(pages.world.app, username)
    const tab = await pages.look({ language })
    await tab.request.post(`${api}/session`, { data: { username, password } })
    await tab.goto('/management/users?tab=sessions')
    await until('both sessions', async () => (await tab.locator('tbody tr').count()) === 2)
    await tab.locator('tbody tr button').last().click()
    await toast(tab).getByText(w('sessions.ended')).waitFor()
    await until('one session', async () => (await tab.locator('tbody tr').count()) === 1)
    await until('its end elsewhere', async () => (await other.call('GET', `${api}/session`)).status === 401)
    await tab.getByRole('tab', { name: w('users.tab.password') }).click()
    await tab.locator('input[name=currentPassword]').fill('wrong')
    await tab.locator('input[name=newPassword]').fill('a new long password')
    await tab.locator('input[name=again]').fill('another')
    await tab.keyboard.press('Enter')
    await tab.getByText(w('password.differs')).waitFor()
    await tab.locator('input[name=again]').fill('a new long password')
    await tab.keyboard.press('Enter')
    await tab.getByText(w('password.wrong')).waitFor()
    await tab.locator('input[name=currentPassword]').fill(password)
    await tab.keyboard.press('Enter')
    await toast(tab).getByText(w('password.done')).waitFor()
    await signIn(pages.world.app, username, 'a new long password')
    await tab.context().close()
  })

  test("an admin sees and ends everybody's sessions", { timeout: patience }, async () => {
    const username = `seen.${language}`
    await admin.call('POST', `${api}/users`, { username, password, role: 'viewer' })
    const seen = await signIn(pages.world.app, username)
    const tab = await pages.look({ language, role: 'admin' })
    await tab.goto('/management/users?tab=sessions')
    await tab.getByLabel(w('sessions.all')).check()
    await tab.locator('tbody tr').filter({ hasText: username }).getByRole('button').click()
    await toast(tab).getByText(w('sessions.ended')).waitFor()
    await until('its end elsewhere', async () => (await seen.call('GET', `${api}/session`)).status === 401)
    await tab.context().close()
  })

  test('an import shows its rows and what will happen, runs with progress, and is undone', {
    timeout: patience,
  }, async () => {
    const tab = await pages.look({ language, role: 'editor' })
    const lines = Array.from({ length: 1100 }, (_, n) => `${language}.in-${n},Line ${n},\r\n`).join('')
    const body = `\uFEFFid,name,tags\r\n"${language}.in","One, quoted",web|main\r\n${language}!,Bad,\r\n${lines}`
    await tab.goto('/management/import')
    const choose = (name: string, text: string) =>
      tab.locator('input[type=file]').setInputFiles({ name, mimeType: '', buffer: Buffer.from(text) })
    await choose('picture.png', 'x')
    await tab.getByText(w('import.unreadable')).waitFor()
    await choose('empty.csv', '')
    await tab.getByText(w('import.emptyFile')).waitFor()
    await choose('counts.csv', body)
    await tab.getByText('One, quoted').waitFor()
    await tab.getByText(w('import.blocked')).waitFor()
    const run = tab.getByRole('button', { name: w('import.run'), exact: true })
    expect(await run.isDisabled()).toBe(true)
    const errors = tab.getByRole('link', { name: w('import.errors.download') })
    const told = await (await tab.request.get((await errors.getAttribute('href')) ?? '')).text()
    expect(told).toMatch(/^line,message\r\n3,"id: /)
    await tab.locator('select[name=onError]').selectOption('skip')
    await until('the way to be free', async () => await run.isEnabled())
    // Work stands still while the store does: progress can be looked at.
    await pages.world.value.pause()
    await run.click()
    await tab.getByRole('progressbar').waitFor()
    await pages.world.value.resume()
    await tab.getByText(w('import.result.done')).waitFor({ timeout: patience / 2 })
    expect((await admin.call('GET', `${api}/counts/${language}.in-1099`)).status).toBe(200)
    await tab.getByRole('button', { name: w('import.undo') }).click()
    await toast(tab)
      .getByText(w('import.undoing'))
      .waitFor({ timeout: patience / 2 })
    await until(
      'its end',
      async () => (await admin.call('GET', `${api}/counts/${language}.in-1099`)).status === 404,
    )
    await tab.context().close()
  })

  test('jobs are cancelled and undone from their list; exports are links', {
    timeout: patience,
  }, async () => {
    const id = `bulk.${language}`
    await createCounts(pages.world, [{ id, name: 'x' }])
    const bulk = await admin.call('POST', `${api}/bulk`, { ids: [id], action: 'pause' })
    const running = await runningJob(pages.world)
    await until('the job', async () => (await admin.call('GET', `${api}/jobs/${bulk.body.id}`)).body.undoable)
    const tab = await pages.look({ language, role: 'editor' })
    await tab.goto('/management/import?tab=jobs')
    await tab.locator(`tr[data-key="${running}"] button`).click()
    await tab.locator(`tr[data-key="${bulk.body.id}"] button`).click()
    const asked = () => pages.world.sql`select from import_job where id = ${running} and cancel`
    await until('the wish to stop', async () => (await asked()).length === 1)
    await until(
      'the undo',
      async () =>
        (await pages.world.sql`select from count_info where id = ${id} and status = 'active'`).length === 1,
    )
    await pages.world.sql`delete from import_job where id = ${running}`
    await tab.getByRole('tab', { name: w('import.tab.export') }).click()
    await tab.locator('input[name=q]').fill(id)
    const links = tab.getByRole('link', { name: w('export.csv') })
    const counts = await (await tab.request.get((await links.first().getAttribute('href')) ?? '')).text()
    expect(counts.trimEnd().split('\r\n')).toEqual([
      expect.stringContaining('id,name'),
      expect.stringContaining(id),
    ])
    const history = (await links.last().getAttribute('href')) ?? ''
    expect(history).toMatch(/history\?format=csv&from=.+&to=.+&granularity=day&q=bulk/)
    expect((await tab.request.get(history)).status()).toBe(200)
    await tab.context().close()
  })

  test('what a service does not have yet, or cannot do now, is told in its place', {
    timeout: patience,
  }, async () => {
    await createCounts(pages.world, [{ id: `${language}.alone`, name: 'Alone' }])
    const tab = await pages.look({ language, role: 'viewer' })
    let broken = true
    await fake(tab, {
      'GET /trash': () => (broken ? problemAnswer('not-found', 404) : undefined),
    })
    await tab.goto('/management/trash')
    await tab.getByText(w('problem.not-found')).waitFor()
    broken = false
    await tab.getByRole('button', { name: w('action.retry') }).click()
    await tab.locator('[role=alert]').waitFor({ state: 'detached' })
    await tab.goto(`/management/count?id=${language}.alone&tab=settings`)
    await tab.getByText(w('state.readOnly')).waitFor()
    expect(await tab.locator('.danger-zone').count()).toBe(0)
    await tab.context().close()
  })
})
