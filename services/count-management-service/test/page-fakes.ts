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
