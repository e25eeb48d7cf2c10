import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createContext, createServer } from '@count/core/service'
import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openWorld, type World } from './world.ts'

const path = '/api/v1/dashboards'
const hashOf = (token: string) => createHash('sha256').update(token).digest('hex')
let world: World
let dashboard: string
beforeAll(async () => {
  world = await openWorld({ PUBLIC_URL: 'http://counts.example' })
  dashboard = await create('Shared')
})
afterAll(() => world.close())

async function create(name: string): Promise<string> {
  const panels = [{ id: 'a', type: 'number', counts: { ids: ['a'] }, layout: { x: 0, y: 0, w: 3, h: 2 } }]
  return (await world.editor.call('POST', path, { name, panels })).body.id
}

async function share(body: object = {}, of = dashboard) {
  const reply = await world.editor.call('POST', `${path}/${of}/shares`, body)
  expect([reply.status, reply.body.errors]).toEqual([201, undefined])
  return reply
}
const open = (token: string) => world.nobody.call('GET', `${path}/shared/${token}`)
const page = (token: string, accept = 'text/html') =>
  world.nobody.call('GET', `/dashboards/share/${token}`, undefined, { accept })
const internal = (query: string, etag?: string) =>
  world.service.call('GET', `/internal/dashboards?${query}`, undefined, etag ? { 'if-none-match': etag } : {})

describe('a share link', () => {
  test('shows its dashboard to whoever has it, and nothing about who made it', async () => {
    const made = await share({ name: 'Lobby' })
    expect(made.headers['cache-control']).toBe('no-store')
    expect(made.body).toEqual({
      id: expect.any(String),
      name: 'Lobby',
      token: expect.stringMatching(/^sh_[\w-]{43}$/),
      url: `http://counts.example/dashboards/share/${made.body.token}`,
      expiresAt: null,
      expired: false,
      frameAncestors: [],
      createdAt: expect.any(String),
      createdBy: 'editor',
    })
    const shown = await open(made.body.token)
    expect([shown.status, shown.headers['cache-control']]).toEqual([200, 'private, no-cache'])
    expect(shown.body).toMatchObject({ id: dashboard, name: 'Shared', revision: 1 })
    expect(shown.text).not.toContain('editor')
    const again = await world.nobody.call('GET', `${path}/shared/${made.body.token}`, undefined, {
      'if-none-match': String(shown.headers.etag),
    })
    expect(again.status).toBe(304)
  })

  test('is kept as a hash and never shown again', async () => {
    const { token } = (await share()).body
    const list = await world.viewer.call('GET', `${path}/${dashboard}/shares`)
    expect(list.text).not.toContain(token)
    expect(list.body.items.length).toBeGreaterThan(0)
    expect(JSON.stringify(await world.sql`select * from share_link`)).not.toContain(token)
    const [row] =
      await world.sql`select encode(token_hash, 'hex') as hash from share_link order by created_at desc limit 1`
    expect(row?.hash).toBe(hashOf(token))
  })

  test('ends when it is revoked, when it expires, and while its dashboard is in the trash', async () => {
    const gone = await create('Gone')
    const revoked = (await share({}, gone)).body
    const expiring = (await share({ expiresAt: new Date(Date.now() + 60_000).toISOString() }, gone)).body
    const lasting = (await share({}, gone)).body
    for (const { token } of [revoked, expiring, lasting]) expect((await open(token)).status).toBe(200)
    const revocation = `${path}/${gone}/shares/${revoked.id}`
    expect((await world.editor.call('DELETE', `${path}/${dashboard}/shares/${revoked.id}`)).status).toBe(404)
    expect((await world.editor.call('DELETE', revocation)).status).toBe(204)
    expect((await world.editor.call('DELETE', revocation)).status).toBe(404)
    await world.sql`update share_link set expires_at = now() where id = ${expiring.id}`
    for (const { token } of [revoked, expiring]) {
      expect((await open(token)).status).toBe(404)
      expect((await page(token)).status).toBe(404)
    }
    const { items } = (await world.viewer.call('GET', `${path}/${gone}/shares`)).body
    expect(items.map(({ id, expired }) => [id, expired])).toEqual([
      [expiring.id, true],
      [lasting.id, false],
    ])
    await world.editor.call('DELETE', `${path}/${gone}`, undefined, { 'if-match': '*' })
    expect((await open(lasting.token)).status).toBe(404)
    await world.editor.call('POST', `${path}/trash/${gone}/restore`)
    expect((await open(lasting.token)).status).toBe(200)
  })

  test('that is forged is 404, whatever it looks like', async () => {
    const { token } = (await share()).body
    const forged = [
      'none',
      'sh_',
      `sh_${'A'.repeat(43)}`,
      token.toUpperCase(),
      `${token}A`,
      token.slice(0, -1),
      encodeURIComponent("' or true --"),
      '%00',
      hashOf(token),
    ]
    for (const one of forged) {
      const reply = await open(one)
      expect([one, reply.status, reply.body.type]).toEqual([one, 404, 'urn:count:problem:not-found'])
      expect([one, (await page(one)).status]).toEqual([one, 404])
    }
  })

  test.for<[string, object, string]>([
    ['has expired already', { expiresAt: '2020-01-01T00:00:00Z' }, 'expiresAt'],
    ['expires never of all days', { expiresAt: 'never' }, 'expiresAt'],
    ['names no origin', { frameAncestors: ['wiki'] }, 'frameAncestors.0'],
    ['names a path', { frameAncestors: ['https://a.example', 'https://b.example/'] }, 'frameAncestors.1'],
    ['names every origin', { frameAncestors: ['*'] }, 'frameAncestors.0'],
    [
      'brings a policy of its own',
      { frameAncestors: ["https://a.example; script-src 'unsafe-inline'"] },
      'frameAncestors.0',
    ],
    ['ends the directive', { frameAncestors: ['https://a.example;sandbox'] }, 'frameAncestors.0'],
    ['begins another policy', { frameAncestors: ['https://a.example,sandbox'] }, 'frameAncestors.0'],
    ['names all below a domain', { frameAncestors: ['https://*.example'] }, 'frameAncestors.0'],
    ['names the default port', { frameAncestors: ['https://a.example:443'] }, 'frameAncestors.0'],
    ['names another scheme', { frameAncestors: ['data:text/html'] }, 'frameAncestors.0'],
    ['has more fields', { role: 'admin' }, 'role'],
  ])('that %s is not made', async ([, body, where]) => {
    const reply = await world.editor.call('POST', `${path}/${dashboard}/shares`, body)
    expect(reply.status).toBe(400)
    expect(reply.body.errors.map((error) => error.path)).toContain(where)
  })

  test('is one of a hundred at most', async () => {
    const many = await create('Many links')
    await Promise.all(Array.from({ length: 100 }, () => share({}, many)))
    const reply = await world.editor.call('POST', `${path}/${many}/shares`, {})
    expect(reply.status).toBe(409)
    const [summary] = (await world.viewer.call('GET', `${path}?q=many links`)).body.items
    expect(summary).toMatchObject({ shares: 100 })
  })
})

describe('the page of a link', () => {
  test('may be framed by the origins that the link names, by nobody otherwise', async () => {
    const framed = (await share({ frameAncestors: ['https://wiki.example', 'http://10.0.0.1:8080'] })).body
    const plain = (await share()).body
    const policy = async (token: string) =>
      String((await page(token)).headers['content-security-policy'])
        .split('; ')
        .filter((part) => part.startsWith('frame-ancestors'))
    expect(await policy(framed.token)).toEqual(['frame-ancestors https://wiki.example http://10.0.0.1:8080'])
    expect(await policy(plain.token)).toEqual(["frame-ancestors 'none'"])
    expect(await policy('forged')).toEqual(["frame-ancestors 'none'"])
  })

  test('is the same file for every token, in no cache, and tells its address to nobody', async () => {
    const { token } = (await share()).body
    const good = await page(token)
    expect(good.status).toBe(200)
    expect(good.text).toBe(await readFile(join(import.meta.dirname, '../public/share.html'), 'utf8'))
    expect(good.headers).toMatchObject({
      'content-type': 'text/html; charset=utf-8',
      'referrer-policy': 'no-referrer',
      'cache-control': 'no-store',
      'x-robots-tag': 'noindex',
      'content-security-policy': expect.stringContaining("script-src 'self'"),
    })
    expect((await page('forged')).text).toBe(good.text)
    const other = await page('forged', 'application/json')
    expect([other.status, other.body.type]).toEqual([404, 'urn:count:problem:not-found'])
  })
})

describe('what dashboard-update-service asks', () => {
  test('is answered by id and by link, without what is not there', async () => {
    const { token } = (await share()).body
    const other = await create('Other')
    const reply = await internal(`id=${other}&id=none&share=${hashOf(token)}&share=${hashOf('forged')}`)
    expect(reply.status).toBe(200)
    expect(new Set(reply.body.dashboards.map(({ id }) => id))).toEqual(new Set([other, dashboard]))
    expect(reply.body.shares).toEqual([{ hash: hashOf(token), dashboard, expiresAt: null }])
    expect((await internal('')).body).toEqual({ dashboards: [], shares: [] })
    expect((await internal('share=short')).status).toBe(400)
    expect((await internal(Array.from({ length: 101 }, () => 'id=a').join('&'))).status).toBe(400)
  })

  test('is 304 until anything that it may show changes, by a save, a link, the trash, or time', async () => {
    const id = await create('Watched')
    const link = (await share({ expiresAt: new Date(Date.now() + 3_600_000).toISOString() }, id)).body
    const query = `id=${id}&share=${hashOf(link.token)}`
    let etag = String((await internal(query)).headers.etag)
    const changed = async (how: () => Promise<unknown>) => {
      expect((await internal(query, etag)).status).toBe(304)
      await how()
      const reply = await internal(query, etag)
      expect(reply.status).toBe(200)
      etag = String(reply.headers.etag)
      return reply.body
    }
    const save = { 'if-match': '*' }
    const renamed = await changed(() => world.editor.call('PATCH', `${path}/${id}`, { name: 'Seen' }, save))
    expect(renamed.dashboards[0]).toMatchObject({ name: 'Seen', revision: 2 })
    const trashed = await changed(() => world.editor.call('DELETE', `${path}/${id}`, undefined, save))
    expect(trashed).toEqual({ dashboards: [], shares: [] })
    const back = await changed(() => world.editor.call('POST', `${path}/trash/${id}/restore`))
    expect([back.dashboards.length, back.shares.length]).toEqual([1, 1])
    const expired = await changed(
      () => world.sql`update share_link set expires_at = now() where id = ${link.id}`,
    )
    expect(expired.shares).toEqual([])
    const more = (await share({}, id)).body
    etag = String((await internal(query)).headers.etag)
    await changed(() => world.editor.call('DELETE', `${path}/${id}/shares/${more.id}`))
    // A refused change is none.
    await world.editor.call('PATCH', `${path}/${id}`, { name: 'x' }, { 'if-match': '"9"' })
    expect((await internal(query, etag)).status).toBe(304)
  })
})

test('no log line has a token in it', async () => {
  const lines: string[] = []
  const context = {
    ...createContext('test', 'silent'),
    log: pino({ level: 'trace' }, { write: (line: string) => void lines.push(line) }),
  }
  const app = await createServer(context, [
    {
      name: 'test',
      checks: [],
      close: async () => {},
      plugin: async (app) => {
        const config = { access: { kind: 'public' } } as const
        for (const url of [`${path}/shared/:token`, '/dashboards/share/:token'])
          app.get(url, { config }, async () => Promise.reject(new Error('broken')))
      },
    },
  ])
  for (const url of [`${path}/shared/sh_secret`, '/dashboards/share/sh_secret'])
    expect((await app.inject({ url })).statusCode).toBe(500)
  await app.close()
  expect(lines.join('')).toContain('/dashboards/share/…')
  expect(lines.join('')).not.toContain('sh_secret')
})
