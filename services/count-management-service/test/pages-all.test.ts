import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openPages, type Pages } from './browser.ts'
import { fake, problemAnswer } from './page-fakes.ts'
import { stock } from './page-stock.ts'

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

let pages: Pages
beforeAll(async () => {
  pages = await openPages()
  await stock(pages.world)
})
afterAll(() => pages.close())

/** A browser on a busy machine takes its time. */
const patience = 120_000

/** Every page and tab, and something on it that says that it is drawn. */
const all = {
  counts: ['/management/', 'tbody tr'],
  count: ['/management/count?id=page.views', '.chart figcaption'],
  settings: ['/management/count?id=page.views&tab=settings', 'textarea[name=metadata]'],
  'audit of a count': ['/management/count?id=page.views&tab=audit', '.diff'],
  'an unknown count': ['/management/count?id=nothing.here', '[role=alert]'],
  trash: ['/management/trash', 'tbody tr'],
  keys: ['/management/keys', 'tbody tr'],
  users: ['/management/users', 'tbody tr'],
  sessions: ['/management/users?tab=sessions', 'tbody tr'],
  password: ['/management/users?tab=password', 'input[name=again]'],
  audit: ['/management/audit', '.diff'],
  import: ['/management/import', '.drop'],
  export: ['/management/import?tab=export', 'input[name=from]'],
  jobs: ['/management/import?tab=jobs', 'tbody tr'],
  kit: ['/assets/kit.html', '.chart figcaption'],
} as const

async function open(page: Page, [path, drawn]: readonly [string, string]): Promise<void> {
  await page.goto(path)
  await page.locator(drawn).first().waitFor()
}

/** What axe finds, a line each. */
async function violations(page: Page): Promise<string[]> {
  // Given by the debugger, not the page: the CSP stays as it is.
  const found: unknown = await page.evaluate(`(async () => {
    ${axe}
    const { violations } = await axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa', 'best-practice'] })
    return violations.map(({ id, nodes }) => id + ': ' + nodes.map((node) => node.html.slice(0, 160) + ' ' + node.failureSummary).join(' | '))
  })()`)
  return Array.isArray(found) ? found.map(String) : [String(found)]
}

const looks = [
  ['ko', 'light', 1280],
  ['en', 'dark', 1280],
  ['en', 'light', 360],
  ['ko', 'dark', 360],
] as const

describe.each(looks)('in %s, %s, at %i px', (language, theme, width) => {
  test('no page has a violation of accessibility, none scrolls sideways', { timeout: patience }, async () => {
    const page = await pages.look({ language, theme, width, role: 'admin' })
    for (const [name, place] of Object.entries(all)) {
      await open(page, place)
      expect(await page.getAttribute('html', 'lang'), name).toBe(language)
      expect(await violations(page), name).toEqual([])
      const over = await page.evaluate('document.documentElement.scrollWidth - innerWidth')
      expect(over, `${name} scrolls sideways`).toBeLessThanOrEqual(0)
    }
    await page.context().close()
  })

  test('sign-in, dialogs, menus, selection and errors have none either', { timeout: patience }, async () => {
    const page = await pages.look({ language, theme, width })
    await open(page, ['/management/', 'input[name=username]'])
    expect(await violations(page), 'sign-in').toEqual([])
    await page.context().request.post('/api/v1/admin/session', {
      data: { username: 'admin', password: 'correct horse battery staple' },
    })
    await open(page, all.counts)
    await page.locator('tbody [type=checkbox]').first().click()
    await page.locator('.bulk [aria-haspopup=menu]').click()
    expect(await violations(page), 'bulk bar').toEqual([])
    await open(page, ['/management/?new=1', 'dialog input'])
    await page.locator('dialog [type=submit]').click()
    await page.locator('.field-error').first().waitFor()
    expect(await violations(page), 'create').toEqual([])
    await open(page, all.counts)
    await page.keyboard.press('Control+k')
    await page.locator('[role=option]').first().waitFor()
    expect(await violations(page), 'search').toEqual([])
    await open(page, all.count)
    await page.locator('.page-head .primary').click()
    await page.locator('dialog').waitFor()
    expect(await violations(page), 'correction').toEqual([])
    await fake(page, { 'GET /trash': () => problemAnswer('unavailable', 503) })
    await open(page, ['/management/trash', '.empty[role=alert]'])
    expect(await violations(page), 'error').toEqual([])
    await page.context().close()
  })
})

const korean = '오전|오후|방금|\\d+(초|분|시간|일)( 전)?'

/** Every text and label that is seen or heard, of which none is of the word tables (marked ⟦…⟧), data or a formatted date. */
const strays = `(() => {
  const known = /⟦[^⟦⟧]*⟧|lightMyRequest|[\\w-]{22}|Mozilla\\/.*|page\\.views|votes\\.2026|shop(\\.\\w+)?|(192\\.0\\.2|127\\.0\\.0)\\.\\d+|admin|editor|viewer|minji|guest|(Chrome|Safari), (Linux|iPhone)|지난 행사|집계 누락|web|main|Page views|Views|Shop|ck_|[0-9a-f]{16}|counts:\\w+|nothing\\.here|import\\.counts|Ctrl K|[\\d.,]+ ?[kKMG]?B|${korean}/g
  const told = (text) => text.replace(known, '').replace(known, '').match(/[A-Za-z가-힣]{2,}/)
  const found = []
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
  while (walk.nextNode()) {
    if (!walk.currentNode.parentElement.closest('.uplot') && told(walk.currentNode.data)) found.push(walk.currentNode.data)
  }
  for (const element of document.querySelectorAll('[aria-label], [placeholder], [title]')) {
    for (const name of ['aria-label', 'placeholder', 'title']) {
      const text = element.getAttribute(name)
      if (text && told(text)) found.push(name + ': ' + text)
    }
  }
  return found
})()`

test('every text on every page comes from the translation tables', { timeout: patience }, async () => {
  const page = await pages.look({ language: 'ko', role: 'admin' })
  await page.route('**/*words.js', async (route) => {
    const body = await (await route.fetch()).text()
    const marked = body.replace(/'((?:[^'\\]|\\.)*)'(?=[,\]\n])/g, (_, text) => `'⟦${text}⟧'`)
    await route.fulfill({ body: marked, contentType: 'text/javascript' })
  })
  for (const [name, place] of Object.entries(all)) {
    await open(page, place)
    expect(await page.evaluate(strays), name).toEqual([])
  }
  await page.context().close()
})
