import { generateKeyPairSync, randomUUID } from 'node:crypto'
import { signSession } from '@count/core/sessions'
import { until } from '@count/stack/until'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openSignIn } from '../src/sign-in.ts'
import { type Caller, caller, openWorld, password, serviceToken, signIn, type World } from './world.ts'

type Role = 'viewer' | 'editor' | 'admin'
const session = '/api/v1/admin/session'

let world: World
const callers = new Map<Role, Caller>()
beforeAll(async () => {
  world = await openWorld()
  for (const role of ['viewer', 'editor', 'admin'] as const) callers.set(role, await signIn(world.app, role))
})
afterAll(() => world.close())
const as = (role: Role) => callers.get(role) as Caller

/** Every route of the service that is not public, with the lowest role that may call it. */
const routes = [
  ['GET', session, 'viewer'],
  ['DELETE', session, 'viewer'],
  ['POST', '/api/v1/admin/counts', 'editor'],
  ['GET', '/api/v1/admin/counts', 'viewer'],
  ['GET', '/api/v1/admin/counts/none', 'viewer'],
  ['PATCH', '/api/v1/admin/counts/none', 'editor'],
  ['DELETE', '/api/v1/admin/counts/none', 'editor'],
  ['PUT', '/api/v1/admin/counts/none/value', 'editor'],
  ['GET', '/api/v1/admin/counts/none/history', 'viewer'],
  ['POST', '/api/v1/admin/api-keys', 'admin'],
  ['GET', '/api/v1/admin/api-keys', 'admin'],
  ['GET', '/api/v1/admin/tags', 'viewer'],
  ['GET', '/api/v1/admin/trash', 'viewer'],
  ['POST', '/api/v1/admin/trash/none/none/restore', 'editor'],
  ['GET', '/api/v1/admin/audit', 'viewer'],
  ['POST', '/api/v1/admin/audit/none/undo', 'editor'],
  ['GET', '/api/v1/admin/export/audit', 'viewer'],
  ['GET', '/api/v1/admin/users', 'admin'],
  ['POST', '/api/v1/admin/users', 'admin'],
  ['PATCH', '/api/v1/admin/users/none', 'admin'],
  ['DELETE', '/api/v1/admin/users/none', 'admin'],
  ['PUT', `${session}/password`, 'viewer'],
  ['GET', '/api/v1/admin/sessions', 'viewer'],
  ['DELETE', '/api/v1/admin/sessions/none', 'viewer'],
  ['POST', '/api/v1/admin/bulk', 'editor'],
  ['POST', '/api/v1/admin/import/counts', 'editor'],
  ['POST', '/api/v1/admin/import/history', 'editor'],
  ['GET', '/api/v1/admin/export/counts', 'viewer'],
  ['GET', '/api/v1/admin/export/history', 'viewer'],
  ['GET', '/api/v1/admin/jobs', 'viewer'],
  ['GET', '/api/v1/admin/jobs/none', 'viewer'],
  ['GET', '/api/v1/admin/jobs/none/errors', 'viewer'],
  ['DELETE', '/api/v1/admin/jobs/none', 'editor'],
  ['POST', '/api/v1/admin/jobs/none/undo', 'editor'],
  ['GET', '/api/v1/admin/analyses', 'viewer'],
  ['POST', '/api/v1/admin/analyses', 'editor'],
  ['GET', '/api/v1/admin/analyses/none', 'viewer'],
  ['PUT', '/api/v1/admin/analyses/none', 'editor'],
  ['DELETE', '/api/v1/admin/analyses/none', 'editor'],
  ['DELETE', '/api/v1/admin/api-keys/0123456789abcdef', 'admin'],
  ['POST', '/api/v1/admin/api-keys/0123456789abcdef/rotate', 'admin'],
] as const
const ranks = { viewer: 0, editor: 1, admin: 2 }

/** Tokens that look like a session and are none. */
async function forgeries(): Promise<[string, string][]> {
  const good = as('admin').headers.cookie ?? ''
  const [name, token = ''] = good.split('=')
  const [body = '', signature = ''] = token.split('.')
  const claims = JSON.parse(Buffer.from(body, 'base64url').toString())
  const foreign = generateKeyPairSync('ed25519').privateKey
  const expired = await world.sql<{ private_key: Buffer }[]>`select private_key from signing_key`
  const { createPrivateKey } = await import('node:crypto')
  const ours = createPrivateKey({
    key: expired[0]?.private_key ?? Buffer.alloc(0),
    format: 'der',
    type: 'pkcs8',
  })
  const revoked = await signIn(world.app, 'admin')
  await revoked.call('DELETE', session)
  const changed = Buffer.from(JSON.stringify({ ...claims, exp: claims.exp + 1 })).toString('base64url')
  return [
    ['none', ''],
    ['empty', `${name}=`],
    ['nonsense', `${name}=x.y.z`],
    ['changed claims', `${name}=${changed}.${signature}`],
    ['changed signature', `${name}=${body}.${signature.replace(/^./, (c) => (c === 'A' ? 'B' : 'A'))}`],
    ['no signature', `${name}=${body}.`],
    ['foreign key', `${name}=${signSession(foreign, claims)}`],
    ['expired', `${name}=${signSession(ours, { ...claims, exp: Math.floor(Date.now() / 1000) - 1 })}`],
    ['ended', revoked.headers.cookie ?? ''],
    ['other name', `session=${token}`],
  ]
}

describe('every route', () => {
  test('is in the table above', () => {
    const listed = new Set(
      routes.map(([method, url]) => `${method} ${url.replace(/none|0123456789abcdef/g, ':of')}`),
    )
    const document = world.app.swagger()
    const served = Object.entries(document.paths ?? {}).flatMap(([path, methods]) =>
      Object.keys(methods ?? {}).map(
        (method) => `${method.toUpperCase()} ${path.replace(/\{\w+\}/g, ':of')}`,
      ),
    )
    expect(new Set(served)).toEqual(new Set([...listed, `POST ${session}`, 'GET /internal/sessions']))
  })

  test('answers 401 without a genuine, living session, and to an API key or the service token', async () => {
    const csrf = { 'x-csrf-token': as('admin').headers['x-csrf-token'] ?? '' }
    const strangers = (await forgeries()).map(
      ([name, cookie]) => [name, { ...csrf, ...(cookie ? { cookie } : {}) }] as const,
    )
    const bearers = [serviceToken, `ck_${'0'.repeat(16)}_${'0'.repeat(48)}_00000000`].map(
      (token) => [token, { authorization: `Bearer ${token}` }] as const,
    )
    for (const [name, headers] of [...strangers, ...bearers]) {
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
        if (method === 'DELETE' && url === session) continue
        const { status } = await as(role).call(method, url)
        expect([method, url, status === 403]).toEqual([method, url, ranks[role] < ranks[least]])
        expect(status).not.toBe(401)
      }
    },
  )

  test('refuses a mutation without the CSRF token, with another, or from a foreign page', async () => {
    const { cookie = '', 'x-csrf-token': csrf = '' } = as('admin').headers
    const host = 'localhost:80'
    const wrong: Record<string, string>[] = [
      { cookie },
      { cookie, 'x-csrf-token': as('editor').headers['x-csrf-token'] ?? '' },
      { cookie, 'x-csrf-token': '' },
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
    const own = caller(world.app, { cookie, 'x-csrf-token': csrf, host, origin: `http://${host}` })
    expect((await own.call('POST', '/api/v1/admin/counts')).status).toBe(400)
  })

  test('/internal/sessions takes the service token and nothing else', async () => {
    const ask = (headers: Record<string, string>) =>
      caller(world.app, headers).call('GET', '/internal/sessions')
    expect((await ask({})).status).toBe(401)
    expect((await ask({ authorization: 'Bearer wrong' })).status).toBe(401)
    expect((await ask(as('admin').headers)).status).toBe(401)
    const reply = await ask({ authorization: `Bearer ${serviceToken}` })
    expect(reply.status).toBe(200)
    expect(reply.body.publicKey).toMatch(/^[A-Za-z0-9+/]{59}=$/)
  })
})

describe('signing in', () => {
  test('tells who it is, and sets a cookie that scripts and foreign sites do not get', async () => {
    const reply = await caller(world.app).call('POST', session, { username: 'Editor', password })
    expect(reply.body).toEqual({ username: 'editor', role: 'editor', csrfToken: expect.any(String) })
    expect(reply.headers['set-cookie']).toMatch(
      /^count_session=[\w.-]+; Max-Age=43200; Path=\/; HttpOnly; SameSite=Strict$/,
    )
    const me = await as('editor').call('GET', session)
    expect(me.body).toEqual({
      username: 'editor',
      role: 'editor',
      csrfToken: as('editor').headers['x-csrf-token'],
    })
  })

  test('over TLS the cookie is bound to host and TLS', async () => {
    const { app, close } = await world.open({ PUBLIC_URL: 'https://counts.example' })
    const reply = await caller(app, { origin: 'https://counts.example' }).call('POST', session, {
      username: 'viewer',
      password,
    })
    expect(reply.headers['set-cookie']).toMatch(
      /^__Host-count_session=[\w.-]+; Max-Age=43200; Path=\/; HttpOnly; SameSite=Strict; Secure$/,
    )
    expect(
      (
        await caller(app, { origin: 'https://other.example' }).call('POST', session, {
          username: 'viewer',
          password,
        })
      ).status,
    ).toBe(403)
    await close()
  })

  test('a wrong password and an unknown name get the same answer in the same time', async () => {
    const time = async (username: string) => {
      const started = performance.now()
      const reply = await caller(world.app).call('POST', session, { username, password: 'wrong' })
      return { ms: performance.now() - started, reply }
    }
    const known: number[] = []
    const unknown: number[] = []
    for (let n = 0; n < 3; n++) {
      const [a, b] = [await time('viewer'), await time(`nobody-${n}`)]
      expect([a.reply.status, b.reply.status]).toEqual([401, 401])
      expect(a.reply.body).toEqual(b.reply.body)
      known.push(a.ms)
      unknown.push(b.ms)
    }
    // Hashing takes tens of milliseconds: without it an unknown name would be answered in a few.
    expect(Math.min(...unknown)).toBeGreaterThan(Math.min(...known) / 3)
    await signIn(world.app, 'viewer')
  })

  test('too many failures make an account wait, longer each time, whatever the password', async () => {
    await world.sql`insert into app_user (username, password_hash, role) select 'victim', password_hash, 'viewer' from app_user where username = 'viewer'`
    const attempt = (given: string) =>
      caller(world.app).call('POST', session, { username: 'victim', password: given })
    const statuses: number[] = []
    for (let n = 0; n < 5; n++) statuses.push((await attempt('wrong')).status)
    expect(statuses).toEqual([401, 401, 401, 401, 401])
    const blocked = await attempt(password)
    expect(blocked.status).toBe(429)
    expect(blocked.headers['retry-after']).toBe('1')
    await until('the wait to end', async () => (await attempt('wrong')).status === 401)
    expect((await attempt(password)).headers['retry-after']).toBe('2')
    await until('the second wait to end', async () => (await attempt(password)).status === 200)
    expect((await attempt('wrong')).status).toBe(401)
    expect((await attempt(password)).status).toBe(200)
  })

  test('many attempts at once are limited too', async () => {
    await world.sql`insert into app_user (username, password_hash, role) select 'target', password_hash, 'viewer' from app_user where username = 'viewer'`
    const attempts = Array.from({ length: 20 }, () =>
      caller(world.app).call('POST', session, { username: 'target', password: 'wrong' }),
    )
    const statuses = (await Promise.all(attempts)).map((reply) => reply.status)
    expect(statuses.filter((status) => status === 401)).toHaveLength(5)
    expect(statuses.filter((status) => status === 429)).toHaveLength(15)
  })

  test('an address is limited over many accounts', async () => {
    const { app, close } = await world.open({ TRUST_PROXY: '1' })
    const attempt = (username: string) =>
      app.inject({
        method: 'POST',
        url: session,
        remoteAddress: '203.0.113.7',
        payload: { username, password: 'wrong' },
      })
    const statuses: number[] = []
    for (let n = 0; n < 23; n++) statuses.push((await attempt(`user-${n}`)).statusCode)
    expect(statuses.indexOf(429)).toBe(21)
    const elsewhere = await app.inject({
      method: 'POST',
      url: session,
      remoteAddress: '203.0.113.8',
      payload: { username: 'viewer', password },
    })
    expect(elsewhere.statusCode).toBe(200)
    await close()
  })

  test('is refused for a disabled user, a body with more, or none', async () => {
    await world.sql`insert into app_user (username, password_hash, role, disabled_at) select 'former', password_hash, 'admin', now() from app_user where username = 'viewer'`
    expect((await caller(world.app).call('POST', session, { username: 'former', password })).status).toBe(401)
    expect(
      (await caller(world.app).call('POST', session, { username: 'viewer', password, more: 1 })).status,
    ).toBe(400)
    expect((await caller(world.app).call('POST', session)).status).toBe(400)
  })
})

describe('a session', () => {
  test('ends here at once and in other processes in two seconds', async () => {
    const { app, close } = await world.open()
    const mine = await signIn(world.app, 'viewer')
    const elsewhere = caller(app, mine.headers)
    expect((await elsewhere.call('GET', session)).status).toBe(200)
    const reply = await mine.call('DELETE', session)
    expect(reply.status).toBe(204)
    expect(reply.headers['set-cookie']).toContain('Max-Age=0')
    expect((await mine.call('GET', session)).status).toBe(401)
    await until('the other process', async () => (await elsewhere.call('GET', session)).status === 401, {
      deadlineMs: 2000,
    })
    const { body } = await caller(world.app, { authorization: `Bearer ${serviceToken}` }).call(
      'GET',
      '/internal/sessions',
    )
    expect(body.revoked).toHaveLength(
      (await world.sql`select from session where revoked_at is not null`).length,
    )
    await close()
  })

  test('that is in use is renewed when an hour of it is gone, with the role of that moment', async () => {
    await world.sql`insert into app_user (username, password_hash, role) select 'promoted', password_hash, 'viewer' from app_user where username = 'viewer'`
    const fresh = await signIn(world.app, 'promoted')
    expect((await fresh.call('GET', session)).headers['set-cookie']).toBeUndefined()
    const [, token = ''] = (fresh.headers.cookie ?? '').split('=')
    const claims = JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString())
    await world.sql`update app_user set role = 'editor' where username = 'promoted'`
    const signer = await openSignIn(world.sql)
    const aged = await signer.renew({ ...claims, exp: claims.exp - 3700 })
    expect(aged?.claims).toMatchObject({ sid: claims.sid, csrf: claims.csrf, role: 'editor' })
    expect(aged?.claims.exp).toBeGreaterThanOrEqual(claims.exp)
    await fresh.call('DELETE', session)
    expect(await signer.renew({ ...claims, exp: claims.exp - 3700 })).toBeUndefined()
    expect(await signer.renew({ ...claims, sid: randomUUID(), exp: claims.exp - 3700 })).toBeUndefined()
  })

  test('is audited, begin, refusal and end', async () => {
    const mine = await signIn(world.app, 'admin')
    await mine.call('DELETE', session)
    const actions = await world.sql<
      { action: string }[]
    >`select distinct action from audit where action like 'session.%' order by action`
    expect(actions.map((row) => row.action)).toEqual(['session.create', 'session.end', 'session.refused'])
  })
})
