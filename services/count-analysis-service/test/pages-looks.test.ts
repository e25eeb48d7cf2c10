import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openPages, type Pages, seed, words } from './pages-world.ts'

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

let pages: Pages
beforeAll(async () => {
  pages = await openPages()
  await seed(pages)
  await pages.call('POST', '/analyses', { name: '주간', state: { search: '?count=shop.orders&zone=UTC' } })
}, 60_000)
afterAll(() => pages.close())

/** A browser on a busy machine takes its time. */
const patience = 120_000
const zone = 'zone=Asia/Seoul'

/** Every tab and state, and something on it that says that it is drawn. */
const all = {
  start: ['/analysis/', '.empty .button'],
  trend: [`/analysis/?count=shop.orders&range=30d&granularity=hour&${zone}`, '.heat i'],
  comparison: [`/analysis/?tab=comparison&count=shop.visits&count=shop.returns&tag=web&${zone}`, '.heat i'],
  past: [`/analysis/?tab=comparison&count=shop.visits&against=month&${zone}`, '.sentence'],
  prediction: [
    `/analysis/?tab=prediction&count=shop.visits&range=1y&measure=value&reach=150000&${zone}`,
    '.sentence',
  ],
  'too little': [`/analysis/?tab=prediction&count=new.count&range=24h&${zone}`, '.sentence'],
  refused: [`/analysis/?count=nothing.here&${zone}`, '[role=alert]'],
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

test.each(looks)(
  'in %s, %s, at %i px nothing violates accessibility or scrolls sideways',
  {
    timeout: patience,
  },
  async (language, theme, width) => {
    const page = await pages.look({ language, theme, width })
    for (const [name, place] of Object.entries(all)) {
      await open(page, place)
      expect(await page.getAttribute('html', 'lang'), name).toBe(language)
      expect(await violations(page), name).toEqual([])
      const over = await page.evaluate('document.documentElement.scrollWidth - innerWidth')
      expect(over, `${name} scrolls sideways`).toBeLessThanOrEqual(0)
    }
    await open(page, all.trend)
    const question = page.locator('details.question > summary')
    if ((await question.count()) > 0) await question.click()
    await page.locator('#pick').fill('shop')
    await page.locator('[role=option]').first().waitFor()
    expect(await violations(page), 'search').toEqual([])
    await page.locator('.page-head .primary').click()
    await page.locator('dialog').waitFor()
    expect(await violations(page), 'save').toEqual([])
    await page.context().close()
  },
)

const korean =
  '오전|오후|\\d+(초|분|시간|일)( 전)?|[월화수목금토일](요일)?|주문|반품|방문|뉴스레터 가입|새 카운트|주간'
const data =
  'shop(\\.\\w+)?|news\\.signups|new\\.count|nothing\\.here|editor|web|Asia\\/Seoul|Ctrl K|\\bp\\b|tau|UTC'

/** Every text and label that is seen or heard, of which none is of the word tables (marked ⟦…⟧), data or a formatted date. */
const strays = `(() => {
  const known = /⟦[^⟦⟧]*⟧|${data}|${korean}/g
  // One text may stand in another.
  const bare = (text) => {
    const less = text.replace(known, '')
    return less === text ? text : bare(less)
  }
  const told = (text) => bare(text).match(/[A-Za-z가-힣]{2,}/)
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

describe('words', () => {
  test('a text that takes a value takes it in both languages', () => {
    for (const [key, row] of Object.entries(words)) {
      const [ko, ...english] = row.map(
        (text) => new Set([...text.matchAll(/\{(\w+)/g)].map((match) => match[1])),
      )
      for (const names of english) expect(names, key).toEqual(ko)
    }
  })

  test('every text on every tab comes from the translation tables', { timeout: patience }, async () => {
    const page = await pages.look({ language: 'ko' })
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
})
