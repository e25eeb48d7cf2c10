import { createApiKey } from '@count/core/api-keys'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openWorld, type World } from './world.ts'

let world: World
let url: string
beforeAll(async () => {
  world = await openWorld()
  const server = await world.startUpdate()
  url = server.url
  world.provision.save('board', { panels: [] })
})
afterAll(() => world.close())

async function ask(path: string, headers: Record<string, string> = {}, method = 'GET') {
  const response = await fetch(url + path, { method, headers })
  const type = response.headers.get('content-type')
  await response.body?.cancel()
  return { status: response.status, type }
}

const stream = '/api/v1/dashboards/board/stream'
const shared = '/api/v1/dashboards/shared/forged/stream'

test('the routes are these and no others', async () => {
  const document = (await (await fetch(`${url}/openapi.json`)).json()) as { paths: Record<string, object> }
  expect(Object.keys(document.paths).sort()).toEqual([
    '/api/v1/dashboards/shared/{token}/stream',
    '/api/v1/dashboards/{id}/stream',
  ])
  for (const path of ['/livez', '/readyz', '/metrics']) expect((await ask(path)).status).toBe(200)
  expect((await ask('/api/v1/dashboards')).status).toBe(404)
  expect((await ask('/api/v1/dashboards/board')).status).toBe(404)
})

test('a dashboard is streamed to every role, and to nobody without a session', async () => {
  for (const role of ['viewer', 'editor', 'admin'] as const) {
    const { status, type } = await ask(stream, { cookie: world.session(role).cookie })
    expect([role, status, type]).toEqual([role, 200, 'text/event-stream; charset=utf-8'])
  }
  const { cookie } = world.session('admin')
  const callers: [string, Record<string, string>][] = [
    ['nobody', {}],
    ['an API key', { authorization: `Bearer ${createApiKey().key}` }],
    ['another service', { authorization: 'Bearer a-service-token-of-tests' }],
    ['a forged session', { cookie: `${cookie.slice(0, -4)}AAAA` }],
    ['an empty session', { cookie: 'count_session=' }],
  ]
  for (const [who, headers] of callers)
    expect([who, await ask(stream, headers)]).toEqual([
      who,
      { status: 401, type: 'application/problem+json; charset=utf-8' },
    ])
})

test('a share link is all that its stream asks for, and one that is not good is not found', async () => {
  const callers: Record<string, string>[] = [{}, { cookie: world.session('admin').cookie }]
  for (const headers of callers)
    expect(await ask(shared, headers)).toEqual({
      status: 404,
      type: 'application/problem+json; charset=utf-8',
    })
})

test('what is malformed is refused with a problem', async () => {
  const headers = { cookie: world.session().cookie }
  expect((await ask(`/api/v1/dashboards/${'x'.repeat(65)}/stream`, headers)).status).toBe(400)
  expect((await ask(`${stream}?since=1`, headers)).status).toBe(400)
  expect((await ask('/api/v1/dashboards/none/stream', headers)).status).toBe(404)
  expect((await ask(stream, headers, 'POST')).status).toBe(405)
  expect((await ask(stream, headers, 'HEAD')).status).toBe(405)
})
