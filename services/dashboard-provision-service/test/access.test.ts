import { generateKeyPairSync } from 'node:crypto'
import { until } from '@count/stack/until'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { caller, openWorld, serviceToken, sessionOf, type World } from './world.ts'

let world: World
beforeAll(async () => {
  world = await openWorld()
})
afterAll(() => world.close())

const dashboards = '/api/v1/dashboards'
const alerts = '/api/v1/alerts'

/** Every route that needs a session, with the lowest role that may call it. */
const routes = [
  ['GET', dashboards, 'viewer'],
  ['POST', dashboards, 'editor'],
  ['GET', `${dashboards}/none`, 'viewer'],
  ['PUT', `${dashboards}/none`, 'editor'],
  ['PATCH', `${dashboards}/none`, 'editor'],
  ['DELETE', `${dashboards}/none`, 'editor'],
  ['POST', `${dashboards}/none/duplicate`, 'editor'],
  ['GET', `${dashboards}/trash`, 'viewer'],
  ['POST', `${dashboards}/trash/none/restore`, 'editor'],
  ['GET', `${dashboards}/none/revisions`, 'viewer'],
  ['GET', `${dashboards}/none/revisions/none`, 'viewer'],
  ['POST', `${dashboards}/none/revisions/none/restore`, 'editor'],
  ['GET', `${dashboards}/templates`, 'viewer'],
  ['POST', `${dashboards}/templates/none`, 'editor'],
  ['GET', `${dashboards}/none/export`, 'viewer'],
  ['POST', `${dashboards}/import`, 'editor'],
  ['GET', `${dashboards}/none/shares`, 'viewer'],
  ['POST', `${dashboards}/none/shares`, 'editor'],
  ['DELETE', `${dashboards}/none/shares/none`, 'editor'],
  ['GET', alerts, 'viewer'],
  ['POST', alerts, 'editor'],
  ['GET', `${alerts}/none`, 'viewer'],
  ['PUT', `${alerts}/none`, 'editor'],
  ['PATCH', `${alerts}/none`, 'editor'],
  ['DELETE', `${alerts}/none`, 'editor'],
  ['GET', `${alerts}/none/history`, 'viewer'],
  ['POST', `${alerts}/none/secret`, 'editor'],
  ['POST', `${alerts}/none/test`, 'editor'],
  ['GET', `${alerts}/deliveries`, 'viewer'],
  ['POST', `${alerts}/deliveries/none/redeliver`, 'editor'],
] as const
const internal = [
  ['GET', '/internal/dashboards'],
  ['GET', '/internal/alerts'],
  ['POST', '/internal/alerts/transitions'],
] as const
/** The link is the right. */
const open = [['GET', `${dashboards}/shared/none`]] as const
const ranks = { viewer: 0, editor: 1, admin: 2 }

/** Who holds no good session. */
function strangers() {
  const claims = world.claims('admin')
  const token = world.sign(claims)
  const [body = '', signature = ''] = token.split('.')
  const changed = Buffer.from(JSON.stringify({ ...claims, exp: claims.exp + 1 })).toString('base64url')
  const foreign = generateKeyPairSync('ed25519').privateKey
  const cookie = (text: string) => ({ 'x-csrf-token': claims.csrf, cookie: `count_session=${text}` })
  const bearer = (text: string) => ({ authorization: `Bearer ${text}` })
  return Object.entries<Record<string, string>>({
    nobody: {},
    'an API key': bearer(`ck_${'0'.repeat(16)}_${'0'.repeat(48)}_00000000`),
    'an empty cookie': cookie(''),
    nonsense: cookie('x.y.z'),
    'changed claims': cookie(`${changed}.${signature}`),
    'no signature': cookie(`${body}.`),
    'a foreign key': cookie(world.sign(claims, foreign)),
    'an expired session': cookie(world.sign({ ...claims, exp: Math.floor(Date.now() / 1000) - 1 })),
    'a session as bearer': bearer(token),
  })
}

describe('every route', () => {
  test('is in the tables above', () => {
    const listed = [...routes, ...internal, ...open].map(
      ([method, url]) => `${method} ${url.replaceAll('none', ':of')}`,
    )
    const served = Object.entries(world.app.swagger().paths ?? {}).flatMap(([path, methods]) =>
      Object.keys(methods ?? {}).map(
        (method) => `${method.toUpperCase()} ${path.replace(/\{\w+\}/g, ':of')}`,
      ),
    )
    expect(new Set(served)).toEqual(new Set(listed))
    expect(listed).toHaveLength(new Set(listed).size)
  })

  test('answers 401 without a genuine, living session, also to the service token', async () => {
    for (const [name, headers] of [...strangers(), ['the service', world.service.headers] as const]) {
      for (const [method, url] of routes) {
        const reply = await caller(world.app, headers).call(method, url)
        expect([name, method, url, reply.status]).toEqual([name, method, url, 401])
      }
    }
  })

  test.for(['viewer', 'editor', 'admin'] as const)(
    'takes or refuses a %s by its role, before anything else is looked at',
    async (role) => {
      for (const [method, url, least] of routes) {
        const { status } = await world[role].call(method, url)
        expect([method, url, status === 403]).toEqual([method, url, ranks[role] < ranks[least]])
        expect([method, url, status === 401 || status >= 500]).toEqual([method, url, false])
      }
    },
  )

  test('refuses a mutation without the CSRF token, with another, or from a foreign page', async () => {
    const { cookie = '', 'x-csrf-token': csrf = '' } = world.admin.headers
    const host = 'localhost:80'
    const wrong: Record<string, string>[] = [
      { cookie },
      { cookie, 'x-csrf-token': 'csrf-of-editor' },
      { cookie, 'x-csrf-token': csrf, host, origin: 'https://evil.example' },
      { cookie, 'x-csrf-token': csrf, host, origin: 'null' },
    ]
    for (const [method, url] of routes) {
      if (method === 'GET') continue
      for (const headers of wrong) {
        const { status } = await caller(world.app, headers).call(method, url)
        expect([method, url, status]).toEqual([method, url, 403])
      }
    }
  })

  test('ends with the session, in two seconds', async () => {
    const claims = { ...world.claims('admin'), sid: 'ending' }
    const session = sessionOf(world.app, world.sign(claims), claims)
    expect((await session.call('GET', dashboards)).status).toBe(200)
    world.revoke('ending')
    await until('the end', async () => (await session.call('GET', dashboards)).status === 401, {
      deadlineMs: 2000,
    })
  })

  test('below /internal takes the service token and nothing else', async () => {
    const callers = [
      ...strangers(),
      ...(['viewer', 'editor', 'admin'] as const).map((role) => [role, world[role].headers] as const),
    ]
    const near = [serviceToken.slice(0, -1), `${serviceToken}x`, ''].map(
      (token) => [token, { authorization: `Bearer ${token}` }] as const,
    )
    for (const [method, url] of internal) {
      for (const [name, headers] of [...callers, ...near]) {
        const reply = await caller(world.app, headers).call(method, url)
        expect([name, method, url, reply.status]).toEqual([name, method, url, 401])
      }
      expect([200, 400]).toContain((await world.service.call(method, url)).status)
    }
  })

  test('of a link asks for the link alone', async () => {
    for (const { call } of [world.nobody, world.admin, world.service]) {
      expect((await call('GET', `${dashboards}/shared/none`)).status).toBe(404)
    }
  })
})

describe('the service alone', () => {
  test('serves its pages, the assets, the document of its API, and leads / to the dashboards', async () => {
    for (const [url, type] of [
      ['/dashboards/', 'text/html; charset=utf-8'],
      ['/assets/style.css', 'text/css; charset=utf-8'],
      ['/docs', 'text/html; charset=utf-8'],
      ['/openapi.json', 'application/json; charset=utf-8'],
    ] as const) {
      const reply = await world.nobody.call('GET', url)
      expect([url, reply.status, reply.headers['content-type']]).toEqual([url, 200, type])
    }
    expect((await world.nobody.call('GET', '/')).headers.location).toBe('/dashboards/')
    const ready = await world.nobody.call('GET', '/readyz')
    expect(ready.status).toBe(200)
  })
})

test('shows the document of all services: the gateway sends who asks for it here', async () => {
  const document = (await world.app.inject('/openapi.json')).json()
  const some = [
    '/api/v1/counts/{id}/increment',
    '/api/v1/counts',
    '/api/v1/admin/users',
    '/api/v1/analysis/trend',
  ]
  expect(Object.keys(document.paths)).toEqual(
    expect.arrayContaining([...some, '/api/v1/dashboards/{id}/stream']),
  )
  expect(document.components.securitySchemes.session.name).toBe('count_session')
  expect((await world.app.inject('/docs/json')).json()).toEqual(document)
})
