import type { Page, Route } from 'playwright-core'

/** What the server answers for a while, in place of the real answer: only for states that it cannot be brought into quickly. */
export type Answers = Record<
  string,
  (url: URL, body: unknown) => { status?: number; body?: unknown } | undefined
>

/** `GET /audit` → its answer; a path's last part may be `*`. Everything else goes to the server. @returns takes them away again */
export async function fake(page: Page, answers: Answers): Promise<() => Promise<void>> {
  const handle = async (route: Route) => {
    const request = route.request()
    const url = new URL(request.url())
    const path = url.pathname.replace('/api/v1/admin', '')
    const answer =
      answers[`${request.method()} ${path}`] ?? answers[`${request.method()} ${path.replace(/[^/]+$/, '*')}`]
    const text = request.postData()
    const json = text && request.headers()['content-type'] === 'application/json'
    const given = answer?.(url, json ? JSON.parse(text) : text)
    if (!given) return await route.fallback()
    const { status = 200, body } = given
    await route.fulfill({
      status,
      ...(status === 204 ? {} : { json: body }),
      headers: { 'content-type': status < 400 ? 'application/json' : 'application/problem+json' },
    })
  }
  await page.route('**/api/v1/admin/**', handle)
  return async () => await page.unroute('**/api/v1/admin/**', handle)
}

export const problemAnswer = (name: string, status: number, extra: object = {}) => ({
  status,
  body: { type: `urn:count:problem:${name}`, title: name, status, ...extra },
})

const page = (items: unknown[]) => ({ items, nextCursor: null })
const at = (minutesAgo: number) => new Date(Date.UTC(2026, 10, 23, 12) - minutesAgo * 60_000).toISOString()

export const trashed = [
  {
    id: 'shop.old',
    created: 7,
    name: '지난 행사',
    deletedAt: at(90),
    purgedAt: at(-43_000),
    value: 1204,
  },
]

export const auditItems = [
  {
    id: '4',
    at: at(1),
    actor: 'admin',
    address: '192.0.2.7',
    action: 'count.correct',
    subject: 'page.views',
    before: { value: 1200 },
    after: { value: 1300 },
    reason: '집계 누락',
    undoable: true,
    undoneBy: null,
  },
  {
    id: '3',
    at: at(30),
    actor: 'minji',
    address: '192.0.2.9',
    action: 'count.update',
    subject: 'page.views',
    before: { name: 'Views', max: null, tags: ['web'] },
    after: { name: 'Page views', max: 100000, tags: ['web', 'main'] },
    reason: null,
    undoable: false,
    undoneBy: '9',
  },
  {
    id: '2',
    at: at(600),
    actor: 'admin',
    address: '192.0.2.7',
    action: 'key.create',
    subject: 'b326a3f339efeca2',
    before: null,
    after: { name: 'Shop', scopes: ['counts:write'] },
    reason: null,
    undoable: false,
    undoneBy: null,
  },
]

export const job = (change: object = {}) => ({
  id: 'j1',
  kind: 'import.counts',
  status: 'done',
  createdAt: at(3),
  finishedAt: at(2),
  actor: 'admin',
  total: 1000,
  processed: 1000,
  created: 980,
  updated: 15,
  unchanged: 3,
  failed: 2,
  errors: [
    { line: 14, message: 'id: must match the pattern' },
    { line: 203, message: 'max: must be a whole number' },
  ],
  undoable: true,
  undone: false,
  ...change,
})

export const users = [
  { username: 'admin', role: 'admin', createdAt: at(90_000), disabled: false },
  { username: 'minji', role: 'editor', createdAt: at(40_000), disabled: false },
  { username: 'guest', role: 'viewer', createdAt: at(20_000), disabled: true },
]

const agent = 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/156.0 Safari/537.36'
export const sessions = [
  {
    id: 's1',
    username: 'admin',
    createdAt: at(120),
    seenAt: at(0),
    expiresAt: at(-600),
    address: '192.0.2.7',
    userAgent: agent,
    current: true,
  },
  {
    id: 's2',
    username: 'minji',
    createdAt: at(300),
    seenAt: at(40),
    expiresAt: at(-420),
    address: '192.0.2.9',
    userAgent: 'Mozilla/5.0 (iPhone) Safari/605',
    current: false,
  },
]

/** A whole administration with something on every page. */
export const stocked: Answers = {
  'GET /trash': () => ({ body: page(trashed) }),
  'GET /audit': () => ({ body: page(auditItems) }),
  'GET /jobs': () => ({
    body: page([
      job({ id: 'j2', status: 'running', processed: 400, finishedAt: null, undoable: false }),
      job(),
      job({ id: 'j0', kind: 'bulk.tag', undone: true }),
    ]),
  }),
  'GET /users': () => ({ body: page(users) }),
  'GET /sessions': () => ({ body: page(sessions) }),
  'GET /tags': () => ({ body: page([{ tag: 'web', counts: 4 }]) }),
}
