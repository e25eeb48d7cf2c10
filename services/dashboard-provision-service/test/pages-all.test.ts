import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openWorld, panel, patience, type World } from './pages-world.ts'

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

let world: World
/** Every page and mode, and something on it that says that it is drawn. */
let all: Record<string, readonly [path: string, drawn: string]>
beforeAll(async () => {
  world = await openWorld()
  await world.counts({ 'page.views': 1_284_301, 'page.sales': 820 }, { tags: ['page'], unit: '42' })
  const layout = (n: number): [number, number, number, number] => [(n % 4) * 3, Math.floor(n / 4) * 3, 3, 3]
  const tones = [
    { at: 0, tone: 'good' },
    { at: 500, tone: 'warn' },
    { at: 5000, tone: 'bad' },
  ]
  const shows: [string, object][] = [
    ['number', { counts: { ids: ['page.views'] }, thresholds: tones }],
    ['number', { counts: { tag: 'page' }, format: 'compact', thresholds: tones }],
    ['line', { counts: { prefix: 'page.' }, range: '1h' }],
    ['bar', { counts: { ids: ['page.views'] } }],
    ['bar', { counts: { prefix: 'page.' }, measure: 'value' }],
    ['table', { counts: { prefix: 'page.' }, thresholds: tones }],
    ['gauge', { counts: { ids: ['page.sales'] }, max: 1000, thresholds: tones }],
    ['gauge', { counts: { prefix: 'page.' } }],
    [
      'markdown',
      {
        text: '# page\n\npage **page** `page`\n\n- [page](https://page.example)\n\n| page | page |\n|---|---|\n| 1 | 2 |',
      },
    ],
    ['number', { counts: { ids: ['not.there'] } }],
    ['table', { counts: { prefix: 'none.' } }],
  ]
  const board = await world.board(
    'page',
    shows.map(([type, more], i) => panel(`page-${i}`, type, layout(i), more)),
  )
  const empty = await world.board('page', [])
  const { token } = await world.call('POST', `/dashboards/${board.id}/shares`, { name: 'page' })
  await world.call('POST', '/alerts', {
    name: 'page',
    count: 'page.sales',
    condition: { kind: 'above', at: 5 },
  })
  const gone = await world.board('page', [])
  await world.call('DELETE', `/dashboards/${gone.id}`, undefined, { 'if-match': '*' })
  const view = `/dashboards/view?id=${board.id}`
  all = {
    list: ['/dashboards/', 'tbody tr'],
    'no dashboard found': ['/dashboards/?q=zzz', '.empty'],
    create: ['/dashboards/?new=1', '.choice:nth-child(3)'],
    trash: ['/dashboards/?trash=1', 'tbody tr'],
    view: [view, '.open-alerts li'],
    'an empty one': [`/dashboards/view?id=${empty.id}`, '.empty'],
    'one that is not there': ['/dashboards/view?id=nothing', '.empty[role=alert]'],
    edit: [`${view}&edit=1`, '.edit-grid[data-ready]'],
    wall: [`${view}&wall=1`, '.wall'],
    shared: [`/dashboards/share/${token}`, '.panel'],
    forged: ['/dashboards/share/none', '.empty[role=alert]'],
    alerts: ['/dashboards/alerts', 'tbody tr'],
    'a new alert': ['/dashboards/alerts?new=1', 'dialog'],
    deliveries: ['/dashboards/alerts?tab=deliveries', '.empty'],
    kit: ['/assets/kit.html', '.panel[data-kit]'],
  }
})
afterAll(() => world.close())

async function open(page: Page, [path, drawn]: readonly [string, string]): Promise<void> {
  await page.goto(path)
  await page.locator(drawn).first().waitFor()
  // Every panel has had its turn.
  await page.locator('[data-panel] .panel-wait').first().waitFor({ state: 'detached' })
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
  test('no page has a violation of accessibility, none scrolls sideways', {
    timeout: patience * 2,
  }, async () => {
    const page = await world.look({ language, theme, width, role: 'editor' })
    for (const [name, place] of Object.entries(all)) {
      await open(page, place)
      expect(await page.getAttribute('html', 'lang'), name).toBe(language)
      expect(await violations(page), name).toEqual([])
      const over = await page.evaluate('document.documentElement.scrollWidth - innerWidth')
      expect(over, `${name} scrolls sideways`).toBeLessThanOrEqual(0)
    }
    await page.context().close()
  })

  test('settings of a panel, menus and dialogs have none either', { timeout: patience }, async () => {
    const page = await world.look({ language, theme, width, role: 'editor' })
    const { view, edit } = all
    if (!view || !edit) throw new Error('no dashboard')
    for (const [n, type] of ['number', 'line', 'gauge', 'markdown'].entries()) {
      await open(page, edit)
      const fields = { number: 'title', line: 'measure', gauge: 'min', markdown: 'text' }
      await page
        .locator('.panel-list button')
        .nth([0, 2, 6, 8][n] ?? 0)
        .click()
      await page.locator(`.panel-form [name=${fields[type as keyof typeof fields]}]`).waitFor()
      expect(await violations(page), type).toEqual([])
    }
    await open(page, view)
    const more = page.locator('.page-head [aria-haspopup=menu]').locator('visible=true')
    const items = page.locator('[role=menuitem]')
    await more.click()
    expect(await violations(page), 'menu').toEqual([])
    await items.nth(width === 360 ? 3 : 1).click()
    await page.locator('dialog li').first().waitFor()
    expect(await violations(page), 'revisions').toEqual([])
    await page.keyboard.press('Escape')
    await page.locator('[data-panel=page-2] [aria-haspopup=menu]').click()
    await items.first().click()
    await page.locator('dialog td').first().waitFor()
    expect(await violations(page), 'table of a panel').toEqual([])
    await page.context().close()
  })
})

test('more contrast and forced colours keep every panel readable', { timeout: patience }, async () => {
  const page = await world.look({ language: 'en', role: 'viewer' })
  const { view } = all
  if (!view) throw new Error('no dashboard')
  await page.emulateMedia({ contrast: 'more', forcedColors: 'active' })
  await open(page, view)
  expect(await violations(page)).toEqual([])
  await page.context().close()
})

/** Every text and label that is seen or heard, of which none is of the word tables (marked ⟦…⟧), data or a formatted date. */
const strays = `(() => {
  const known = /⟦[^⟦⟧]*⟧|page(\\.(views|sales|example))?|page-\\d+|not\\.there|none\\.|admin|editor|Ctrl K|JSON|npm run demo|오전|오후|방금|[월화수목금토일]\\)|\\d+(초|분|시간|일|년|월|만)( 전)?|\\([월화수목금토일]\\)/g
  const told = (text) => text.replace(known, '').replace(known, '').match(/[A-Za-z가-힣]{2,}/)
  const found = []
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
  while (walk.nextNode()) {
    if (!walk.currentNode.parentElement.closest('.uplot, .choice') && told(walk.currentNode.data)) found.push(walk.currentNode.data)
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
  const page = await world.look({ language: 'ko', role: 'editor' })
  await page.route('**/*words.js', async (route) => {
    const body = await (await route.fetch()).text()
    const marked = body.replace(/'((?:[^'\\]|\\.)*)'(?=[,\]\n])/g, (_, text) => `'⟦${text}⟧'`)
    await route.fulfill({ body: marked, contentType: 'text/javascript' })
  })
  for (const [name, place] of Object.entries(all)) {
    if (name === 'kit') continue
    await open(page, place)
    expect(await page.evaluate(strays), name).toEqual([])
  }
  await page.context().close()
})
