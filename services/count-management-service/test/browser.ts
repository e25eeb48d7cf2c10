import { chromiumArguments, findChromium } from '@count/stack/chromium'
import { openWeb } from '@count/web/web'
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core'
import { z } from 'zod'
import { openWorld, password, signIn, type World } from './world.ts'

export type Language = 'ko' | 'en'
export type Role = 'viewer' | 'editor' | 'admin'

interface Look {
  language?: Language
  theme?: 'light' | 'dark'
  width?: number
  /** Who is signed in already; absent: nobody. */
  role?: Role
}

/** The service with its pages on real stores, and a browser to look at them with. */
export interface Pages {
  world: World
  url: string
  /** A window of its own session; its faults (a script error, a broken CSP) fail {@link Pages.close}. */
  look(look?: Look): Promise<Page>
  close(): Promise<void>
}

export async function openPages(): Promise<Pages> {
  const world = await openWorld()
  const { app } = await world.open({}, [await openWeb('/management/')])
  const url = await app.listen({ port: 0, host: '127.0.0.1' })
  const browser: Browser = await chromium.launch({
    executablePath: await findChromium(),
    args: chromiumArguments,
  })
  const faults: string[] = []
  const contexts: BrowserContext[] = []
  return {
    world,
    url,
    async look({ language = 'en', theme = 'light', width = 1280, role } = {}) {
      const context = await browser.newContext({
        baseURL: url,
        viewport: { width, height: 800 },
        locale: language === 'ko' ? 'ko-KR' : 'en-GB',
        colorScheme: theme,
        reducedMotion: 'reduce',
      })
      contexts.push(context)
      context.setDefaultTimeout(8000)
      if (role) {
        const signedIn = await context.request.post('/api/v1/admin/session', {
          data: { username: role, password },
        })
        if (!signedIn.ok()) throw new Error(`signing in: ${signedIn.status()} ${await signedIn.text()}`)
      }
      const page = await context.newPage()
      page.on('pageerror', (error) => faults.push(error.stack ?? error.message))
      page.on('console', (message) => {
        if (message.text().includes('Content Security Policy')) faults.push(message.text())
      })
      return page
    },
    async close() {
      for (const context of contexts) await context.close()
      await browser.close()
      await world.close()
      if (faults.length > 0) throw new Error(`the pages had faults:\n${faults.join('\n')}`)
    },
  }
}

const { fill } = await import('../../../packages/web/public/i18n.js')
const table = z.record(z.string(), z.array(z.string()))
const { words: site } = await import('../public/words.js')
const { words: kit } = await import('../../../packages/web/public/words.js')
const words = table.parse({ ...kit, ...site })

/** The text of a key as the pages say it, `{name}` filled from `values`; English in the plural. */
export const say =
  (language: Language) =>
  (key: string, values: Record<string, string> = {}): string => {
    const row = words[key]
    const text = language === 'ko' ? row?.[0] : row?.at(-1)
    if (text === undefined) throw new Error(`no words for ${key}`)
    return fill(text, values, language)
  }

/** Creates counts as an administrator does. */
export async function createCounts(world: World, counts: object[]): Promise<void> {
  const admin = await signIn(world.app, 'admin')
  for (const count of counts) {
    const { status } = await admin.call('POST', '/api/v1/admin/counts', count)
    if (status !== 201) throw new Error(`creating ${JSON.stringify(count)}: ${status}`)
  }
}

/** Ends every session of a user, as another process would. */
export async function endSessions(page: Page, url: string): Promise<void> {
  const { csrfToken } = await (await page.request.get('/api/v1/admin/session')).json()
  await page.request.delete('/api/v1/admin/session', { headers: { 'x-csrf-token': csrfToken, origin: url } })
}
