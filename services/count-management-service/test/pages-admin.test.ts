import { until } from '@count/stack/until'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createCounts, type Language, openPages, type Pages, say } from './browser.ts'
import { fake, job, problemAnswer, sessions, stocked, users } from './page-fakes.ts'

let pages: Pages
beforeAll(async () => {
  pages = await openPages()
})
afterAll(() => pages.close())

const patience = 60_000
const toast = (page: Page) => page.locator('.toasts')
const page = (items: unknown[]) => ({ body: { items, nextCursor: null } })

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
    const tab = await pages.look({ language, role: 'admin' })
    const key = {
      id: '0123456789abcdef',
      name: 'Old',
      scopes: ['counts:read'],
      prefixes: null,
      expiresAt: null,
      rateLimit: null,
      createdAt: new Date().toISOString(),
      lastUsedAt: null,
      revokedAt: null,
    }
    const sent: unknown[] = []
    await fake(tab, {
      'GET /api-keys': () => page([key]),
      'POST /api-keys/0123456789abcdef/rotate': (_, body) => {
        sent.push(body)
        return { body: { ...key, key: 'ck_new' } }
      },
    })
    await tab.goto('/management/keys')
    await tab.getByRole('button', { name: w('keys.actions', { name: 'Old' }) }).click()
    await tab.getByRole('menuitem', { name: w('keys.rotate') }).click()
    await tab.getByLabel(w('keys.overlap')).selectOption('604800')
    await tab.getByRole('dialog').locator('[type=submit]').click()
    await tab.getByText('ck_new', { exact: true }).waitFor()
    expect(sent).toEqual([{ overlapSeconds: 604_800 }])
    await tab.context().close()
  })

  test('a count comes back from the trash, unless a new one has its id', { timeout: patience }, async () => {
    const tab = await pages.look({ language, role: 'editor' })
    let taken = true
    let restored = false
    await fake(tab, {
      ...stocked,
      'GET /trash': (url) => (restored ? page([]) : (stocked['GET /trash']?.(url, undefined) ?? page([]))),
      'POST /trash/shop.old/7/restore': () => {
        restored = !taken
        return taken
          ? problemAnswer('already-exists', 409)
          : { body: { id: 'shop.old', created: 7, revision: 12 } }
      },
    })
    await tab.goto('/management/trash')
    const restore = tab.getByRole('button', { name: w('trash.restoreOne', { name: '지난 행사' }) })
    await restore.click()
    await toast(tab).getByText(w('trash.occupied')).waitFor()
    taken = false
    await restore.click()
    await toast(tab).getByText('지난 행사').waitFor()
    await tab.getByText(w('trash.empty.title')).waitFor()
    await tab.context().close()
  })

  test('the audit log is filtered by its address, exported, and undone with a reason', {
    timeout: patience,
  }, async () => {
    const tab = await pages.look({ language, role: 'editor' })
    const asked: string[] = []
    const sent: unknown[] = []
    await fake(tab, {
      'GET /audit': (url) => {
        asked.push(url.search)
        return stocked['GET /audit']?.(url, undefined)
      },
      'POST /audit/4/undo': (_, body) => {
        sent.push(body)
        return { body: { id: '5' } }
      },
    })
    await tab.goto('/management/audit')
    await tab.locator('input[name=actor]').fill('minji')
    await tab.locator('select[name=action]').selectOption('count.update')
    await tab.locator('input[name=from]').fill('2026-11-01T00:00')
    await until('the filtered question', () =>
      asked.some((query) => /actor=minji&action=count.update&from=2026-1/.test(query)),
    )
    const csv = tab.getByRole('link', { name: w('audit.export.csv') })
    expect(await csv.getAttribute('href')).toContain('format=csv&actor=minji&action=count.update')
    await tab.locator('tbody button').click()
    await tab.getByRole('dialog').locator('input[name=reason]').fill('mistake')
    await tab.keyboard.press('Enter')
    await toast(tab).getByText(w('audit.undone')).waitFor()
    expect(sent).toEqual([{ reason: 'mistake' }])
    await tab.context().close()
  })

  test('users are added, changed, disabled, reset and deleted; the last admin stays', {
    timeout: patience,
  }, async () => {
    const tab = await pages.look({ language, role: 'admin' })
    const sent: unknown[] = []
    let last = false
    const take = (_: URL, body: unknown) => {
      sent.push(body)
      return last ? problemAnswer('conflict', 409) : { body: users[1] }
    }
    await fake(tab, {
      ...stocked,
      'PATCH /users/minji': take,
      'POST /users': (_, body) => {
        const known = JSON.stringify(body).includes('password1')
        const errors = [{ path: 'password', message: 'is one of those that are tried first' }]
        return known ? problemAnswer('invalid-request', 400, { errors }) : { status: 201, body: users[1] }
      },
      'DELETE /users/guest': () => ({ status: 204 }),
    })
    await tab.goto('/management/users')
    await tab.getByRole('button', { name: w('users.new') }).click()
    const dialog = tab.getByRole('dialog')
    await dialog.locator('input[name=username]').fill('new user')
    await dialog.locator('input[name=new-password]').fill('short')
    await dialog.locator('[type=submit]').click()
    await dialog.getByText(w('users.username.wrong')).waitFor()
    await dialog.getByText(w('field.tooShort', { n: '10' })).waitFor()
    await dialog.locator('input[name=username]').fill('newuser')
    await dialog.locator('input[name=new-password]').fill('password12')
    await dialog.locator('[type=submit]').click()
    await dialog.getByText(w('field.password.weak')).waitFor()
    await dialog.locator('input[name=new-password]').fill('correct horse battery')
    await dialog.locator('[type=submit]').click()
    await toast(tab).getByText('newuser').waitFor()
    const role = tab.locator('tr[data-key=minji] select')
    await role.selectOption('viewer')
    await toast(tab).getByText('minji').first().waitFor()
    await tab.getByRole('button', { name: w('action.undo') }).click()
    await until('the former role', () => sent.length === 2)
    const menu = tab.getByRole('button', { name: w('users.actions', { name: 'minji' }) })
    await menu.click()
    await tab.getByRole('menuitem', { name: w('users.disable'), exact: true }).click()
    await until('disabled', () => sent.length === 3)
    await menu.click()
    await tab.getByRole('menuitem', { name: w('users.reset') }).click()
    await dialog.locator('input[name=new-password]').fill('a new long password')
    await tab.keyboard.press('Enter')
    await toast(tab).getByText(w('users.reset.done')).waitFor()
    expect(sent).toEqual([
      { role: 'viewer' },
      { role: 'editor' },
      { disabled: true },
      { password: 'a new long password' },
    ])
    last = true
    await role.selectOption('viewer')
    await toast(tab).getByText(w('users.last')).waitFor()
    await tab.getByRole('button', { name: w('users.actions', { name: 'guest' }) }).click()
    await tab.getByRole('menuitem', { name: w('users.delete') }).click()
    await dialog.locator('input[name=confirm]').fill('guest')
    await tab.keyboard.press('Enter')
    await toast(tab)
      .getByText(w('users.delete.done', { name: 'guest' }))
      .waitFor()
    await tab.context().close()
  })

  test('sessions are ended, and a password changed after its faults were told', {
    timeout: patience,
  }, async () => {
    const tab = await pages.look({ language, role: 'admin' })
    let ended = ''
    let asked = ''
    await fake(tab, {
      'GET /sessions': (url) => {
        asked = url.search
        return page(sessions.filter(({ id }) => id !== ended))
      },
      'DELETE /sessions/s2': () => {
        ended = 's2'
        return { status: 204 }
      },
      'PUT /session/password': (_, body) =>
        JSON.stringify(body).includes('"wrong"') ? problemAnswer('forbidden', 403) : { status: 204 },
    })
    await tab.goto('/management/users?tab=sessions')
    await tab.getByLabel(w('sessions.all')).check()
    await until('all sessions asked for', () => asked === '?all=true')
    await tab.locator('tr[data-key=s2] button').click()
    await toast(tab).getByText(w('sessions.ended')).waitFor()
    await until('one session', async () => (await tab.locator('tbody tr').count()) === 1)
    await tab.getByRole('tab', { name: w('users.tab.password') }).click()
    await tab.locator('input[name=currentPassword]').fill('wrong')
    await tab.locator('input[name=newPassword]').fill('a new long password')
    await tab.locator('input[name=again]').fill('another')
    await tab.keyboard.press('Enter')
    await tab.getByText(w('password.differs')).waitFor()
    await tab.locator('input[name=again]').fill('a new long password')
    await tab.keyboard.press('Enter')
    await tab.getByText(w('password.wrong')).waitFor()
    await tab.locator('input[name=currentPassword]').fill('right')
    await tab.keyboard.press('Enter')
    await toast(tab).getByText(w('password.done')).waitFor()
    await tab.context().close()
  })

  test('an import shows its rows and what will happen, runs with progress, and is undone', {
    timeout: patience,
  }, async () => {
    const tab = await pages.look({ language, role: 'editor' })
    const asked: string[] = []
    let polls = 0
    const body = `\uFEFFid,name,tags\r\n"a.1","One, quoted",web|main\r\n${language}!,Bad,\r\n`
    await fake(tab, {
      'POST /import/counts': (url) => {
        asked.push(url.search)
        if (url.searchParams.has('dryRun')) return { body: job({ undoable: false }) }
        return { status: 202, body: job({ status: 'running', processed: 10, failed: 0, errors: [] }) }
      },
      'GET /jobs/*': () => ({
        body: ++polls < 2 ? job({ status: 'running', processed: 500 }) : job({ failed: 2 }),
      }),
      'POST /jobs/j1/undo': () => ({ status: 202, body: job({ id: 'j9', kind: 'undo' }) }),
    })
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
    expect(await tab.getByRole('link', { name: w('import.errors.download') }).getAttribute('href')).toBe(
      '/api/v1/admin/jobs/j1/errors?format=csv',
    )
    await tab.locator('select[name=onError]').selectOption('skip')
    await until('the second check', () => asked.includes('?onError=skip&dryRun=true'))
    await until('the way to be free', async () => await run.isEnabled())
    await run.click()
    await tab.getByRole('progressbar').waitFor()
    await tab.getByText(w('import.result.done')).waitFor()
    expect(asked.at(-1)).toBe('?onError=skip')
    await tab.getByRole('button', { name: w('import.undo') }).click()
    await toast(tab).getByText(w('import.undoing')).waitFor()
    await tab.context().close()
  })

  test('jobs are cancelled and undone from their list; exports are links', {
    timeout: patience,
  }, async () => {
    const tab = await pages.look({ language, role: 'editor' })
    const done: string[] = []
    await fake(tab, {
      ...stocked,
      'DELETE /jobs/j2': () => {
        done.push('cancel')
        return { status: 204 }
      },
      'POST /jobs/j1/undo': () => {
        done.push('undo')
        return { status: 202, body: job({ id: 'j9', kind: 'undo' }) }
      },
    })
    await tab.goto('/management/import?tab=jobs')
    await tab.locator('tr[data-key=j2] button').click()
    await tab.locator('tr[data-key=j1] button').click()
    await until('both', () => done.includes('cancel') && done.includes('undo'))
    await tab.getByRole('tab', { name: w('import.tab.export') }).click()
    await tab.locator('input[name=q]').fill('shop')
    const links = tab.getByRole('link', { name: w('export.csv') })
    expect(await links.first().getAttribute('href')).toBe('/api/v1/admin/export/counts?format=csv&q=shop')
    expect(await links.last().getAttribute('href')).toMatch(
      /history\?format=csv&from=.+&to=.+&granularity=day&q=shop/,
    )
    await tab.context().close()
  })

  test('what a service does not have yet, or cannot do now, is told in its place', {
    timeout: patience,
  }, async () => {
    await createCounts(pages.world, [{ id: `${language}.alone`, name: 'Alone' }])
    const tab = await pages.look({ language, role: 'viewer' })
    let broken = true
    await fake(tab, {
      'GET /trash': () => (broken ? problemAnswer('not-found', 404) : page([])),
    })
    await tab.goto('/management/trash')
    await tab.getByText(w('problem.not-found')).waitFor()
    broken = false
    await tab.getByRole('button', { name: w('action.retry') }).click()
    await tab.getByText(w('trash.empty.title')).waitFor()
    await tab.goto(`/management/count?id=${language}.alone&tab=settings`)
    await tab.getByText(w('state.readOnly')).waitFor()
    expect(await tab.locator('.danger-zone').count()).toBe(0)
    await tab.context().close()
  })
})
