import { until } from '@count/stack/until'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { passwordFault } from '../src/password-rules.ts'
import { type Caller, caller, openWorld, password, signIn, type World } from './world.ts'

const users = '/api/v1/admin/users'
const session = '/api/v1/admin/session'
const good = 'seven blue tractors'
let world: World
let admin: Caller
beforeAll(async () => {
  world = await openWorld()
  admin = await signIn(world.app, 'admin')
})
afterAll(() => world.close())

let made = 0
async function newUser(role = 'editor'): Promise<string> {
  const username = `user-${++made}`
  expect((await admin.call('POST', users, { username, password: good, role })).status).toBe(201)
  return username
}
const audit = async (target: string) =>
  (await world.sql<{ action: string }[]>`select action from audit where target = ${target} order by id`).map(
    (row) => row.action,
  )
const alive = async (who: Caller) => (await who.call('GET', session)).status === 200

test('many sign-ins of one account at once each get an answer: in, or asked to wait', async () => {
  const statuses = new Set<number>()
  for (let round = 0; round < 5; round++) {
    const asked = Array.from({ length: 10 }, () =>
      caller(world.app).call('POST', session, { username: 'admin', password }),
    )
    for (const { status } of await Promise.all(asked)) statuses.add(status)
  }
  expect([...statuses].filter((status) => ![200, 429].includes(status))).toEqual([])
  expect(statuses).toContain(200)
  await world.sql`delete from login_attempt`
})

describe('users', () => {
  test('are added, active at once, listed in pages, and audited', async () => {
    const reply = await admin.call('POST', users, { username: 'Minji', password: good, role: 'editor' })
    expect(reply.status).toBe(201)
    expect(reply.body).toEqual({
      username: 'minji',
      role: 'editor',
      disabled: false,
      createdAt: expect.any(String),
    })
    expect(reply.headers.location).toBe(`${users}/minji`)
    expect((await (await signIn(world.app, 'minji', good)).call('GET', session)).body.role).toBe('editor')
    expect(await audit('minji')).toEqual(['user.create'])
    const again = await admin.call('POST', users, { username: 'MINJI', password: good, role: 'admin' })
    expect([again.status, again.body.type]).toEqual([409, 'urn:count:problem:already-exists'])
    const seen: string[] = []
    let cursor: string | null = ''
    while (cursor !== null) {
      const { body } = await admin.call('GET', `${users}?limit=2${cursor ? `&cursor=${cursor}` : ''}`)
      seen.push(...body.items.map((user) => user.username))
      cursor = body.nextCursor
    }
    const all = await world.sql<{ username: string }[]>`select username from app_user order by username`
    expect(seen).toEqual(all.map((row) => row.username))
    expect((await admin.call('GET', `${users}?cursor=nonsense`)).status).toBe(400)
  })

  test.for([
    ['short', 'kurz, gut'],
    ['known', 'Password123!'],
    ['known as it is', 'q1w2e3r4t5'],
    ['in a row', '1234567890'],
    ['repeated', 'abcabcabcabc'],
    ['the username', 'Somebody--2026'],
  ] as const)('a password that is %s is refused, naming the field', async ([, weak]) => {
    const created = await admin.call('POST', users, { username: 'somebody', password: weak, role: 'viewer' })
    expect([created.status, created.body.errors[0]?.path]).toEqual([400, 'password'])
    const own = { currentPassword: password, newPassword: weak.replace('Somebody', 'Admin') }
    const changed = await admin.call('PUT', `${session}/password`, own)
    expect([changed.status, changed.body.errors[0]?.path]).toEqual([400, 'newPassword'])
    expect(await world.sql`select from app_user where username = 'somebody'`).toHaveLength(0)
    await signIn(world.app, 'admin')
  })

  test('ordinary passwords are taken', () => {
    for (const one of [good, '비밀번호를 바꿔 주세요', 'x7#kQ9!mP2vL', '0192837465'])
      expect(passwordFault(one, 'admin')).toBeUndefined()
  })

  test.for([
    { role: 'admin' },
    { role: 'viewer' },
    { disabled: true },
    { password: 'eight green tractors' },
  ] as const)('%o ends the sessions of the user, in other processes within seconds', async (patch) => {
    const username = await newUser()
    const { app, close } = await world.open()
    const theirs = await signIn(world.app, username, good)
    const elsewhere = caller(app, theirs.headers)
    expect(await alive(elsewhere)).toBe(true)
    const reply = await admin.call('PATCH', `${users}/${username.toUpperCase()}`, patch)
    expect(reply.status).toBe(200)
    expect(await alive(theirs)).toBe(false)
    await until('the other process', async () => !(await alive(elsewhere)), { deadlineMs: 2000 })
    expect((await audit(username)).at(-1)).toBe('password' in patch ? 'user.password' : 'user.update')
    const signingIn = signIn(world.app, username, 'password' in patch ? patch.password : good)
    if ('disabled' in patch) await expect(signingIn).rejects.toThrow('401')
    else expect(await alive(await signingIn)).toBe(true)
    await close()
  })

  test('a change that changes nothing leaves the sessions alone', async () => {
    const username = await newUser()
    const theirs = await signIn(world.app, username, good)
    expect(
      (await admin.call('PATCH', `${users}/${username}`, { role: 'editor', disabled: false })).status,
    ).toBe(200)
    expect((await admin.call('PATCH', `${users}/${username}`)).status).toBe(200)
    expect(await alive(theirs)).toBe(true)
    expect(await audit(username)).toEqual(['user.create'])
  })

  test('a removed user is gone everywhere, and the name can be given again', async () => {
    const username = await newUser()
    const theirs = await signIn(world.app, username, good)
    const { app, close } = await world.open()
    expect((await admin.call('DELETE', `${users}/${username}`)).status).toBe(204)
    expect(await alive(theirs)).toBe(false)
    await until('the other process', async () => !(await alive(caller(app, theirs.headers))), {
      deadlineMs: 2000,
    })
    expect((await admin.call('DELETE', `${users}/${username}`)).status).toBe(404)
    expect((await admin.call('PATCH', `${users}/${username}`, { role: 'viewer' })).status).toBe(404)
    expect((await admin.call('POST', users, { username, password: good, role: 'viewer' })).status).toBe(201)
    expect(await alive(theirs)).toBe(false)
    await close()
  })

  test('the last active administrator is neither removed, demoted nor disabled, also by two at once', async () => {
    const other = await newUser('admin')
    const off = await newUser('admin')
    await admin.call('PATCH', `${users}/${off}`, { disabled: true })
    await world.sql`update app_user set role = 'viewer' where role = 'admin' and username not in ('admin', ${other}, ${off})`
    const theirs = await signIn(world.app, other, good)
    const replies = await Promise.all([
      admin.call('PATCH', `${users}/${other}`, { role: 'viewer' }),
      theirs.call('DELETE', `${users}/admin`),
    ])
    const statuses = replies.map((reply) => reply.status).sort()
    expect([
      [200, 409],
      [204, 409],
      // Whoever came second may have lost the session with the role.
      [200, 401],
      [204, 401],
    ]).toContainEqual(statuses)
    const [left] = await world.sql<
      { username: string }[]
    >`select username from app_user where role = 'admin' and disabled_at is null`
    const last = left?.username ?? ''
    const who = await signIn(world.app, last, last === 'admin' ? password : good)
    for (const patch of [{ role: 'editor' }, { disabled: true }, { role: 'viewer', password: good }]) {
      const reply = await who.call('PATCH', `${users}/${last}`, patch)
      expect([reply.status, reply.body.type]).toEqual([409, 'urn:count:problem:conflict'])
    }
    expect((await who.call('DELETE', `${users}/${last}`)).status).toBe(409)
    expect(await alive(who)).toBe(true)
    if (last !== 'admin') {
      const hash = await world.sql`select password_hash from app_user where username = 'viewer'`
      await world.sql`insert into app_user (username, password_hash, role) values ('admin', ${hash[0]?.password_hash}, 'admin')`
    }
    admin = await signIn(world.app, 'admin')
  })

  test('a sign-in that ends while the account is being disabled leaves no session', async () => {
    const username = await newUser()
    for (let round = 0; round < 5; round++) {
      await admin.call('PATCH', `${users}/${username}`, { disabled: false })
      const [reply] = await Promise.all([
        caller(world.app).call('POST', session, { username, password: good }),
        admin.call('PATCH', `${users}/${username}`, { disabled: true }),
      ])
      expect([200, 401]).toContain(reply.status)
      const open = await world.sql`select from session s join app_user u on u.id = s.user_id
        where u.username = ${username} and s.revoked_at is null`
      expect(open).toHaveLength(0)
    }
  })
})

describe("one's own password", () => {
  test('is changed by the present one, and ends the other sessions only', async () => {
    const username = await newUser('viewer')
    const [mine, other] = [await signIn(world.app, username, good), await signIn(world.app, username, good)]
    const put = (currentPassword: string, newPassword: string) =>
      mine.call('PUT', `${session}/password`, { currentPassword, newPassword })
    expect((await put('wrong', 'eight green tractors')).status).toBe(403)
    expect(await alive(other)).toBe(true)
    expect((await put(good, 'eight green tractors')).status).toBe(204)
    expect([await alive(mine), await alive(other)]).toEqual([true, false])
    await expect(signIn(world.app, username, good)).rejects.toThrow('401')
    await signIn(world.app, username, 'eight green tractors')
    expect(await audit(username)).toContain('user.password')
  })

  test('guessing the present one is limited as at the sign-in', async () => {
    const username = await newUser('viewer')
    const mine = await signIn(world.app, username, good)
    const statuses: number[] = []
    for (let n = 0; n < 6; n++) {
      const body = { currentPassword: `wrong ${n}`, newPassword: 'eight green tractors' }
      statuses.push((await mine.call('PUT', `${session}/password`, body)).status)
    }
    expect(statuses).toEqual([403, 403, 403, 403, 403, 429])
  })
})

describe('sessions', () => {
  const path = '/api/v1/admin/sessions'

  test('are listed with where they are from; the one that asks is marked', async () => {
    const username = await newUser('viewer')
    const reply = await caller(world.app, { 'user-agent': 'Test/1' }).call('POST', session, {
      username,
      password: good,
    })
    const mine = await signIn(world.app, username, good)
    expect(reply.status).toBe(200)
    const { items } = (await mine.call('GET', path)).body
    expect(items).toMatchObject([
      { username, current: true, address: '127.0.0.1' },
      { username, current: false, userAgent: 'Test/1' },
    ])
    expect(Date.parse(items[0]?.expiresAt ?? '') - Date.now()).toBeGreaterThan(11 * 3_600_000)
    const first = await mine.call('GET', `${path}?limit=1`)
    const next = await mine.call('GET', `${path}?limit=1&cursor=${first.body.nextCursor}`)
    expect([first, next].flatMap(({ body }) => body.items.map((item) => item.id))).toEqual(
      items.map((item) => item.id),
    )
  })

  test("a viewer sees and ends only one's own, an admin everybody's, here at once", async () => {
    const username = await newUser('viewer')
    const [mine, other] = [await signIn(world.app, username, good), await signIn(world.app, username, good)]
    const stranger = await signIn(world.app, 'viewer')
    for (const query of ['?all=true', '?username=admin'])
      expect((await mine.call('GET', `${path}${query}`)).status).toBe(403)
    expect((await mine.call('GET', `${path}?username=${username}`)).body.items).toHaveLength(2)
    const all = (await admin.call('GET', `${path}?all=true&limit=1000`)).body.items
    expect(new Set(all.map((item) => item.username))).toContain(username)
    const ids = (await admin.call('GET', `${path}?username=${username}`)).body.items.map(({ id }) => id)
    expect(ids).toHaveLength(2)
    const [newest = ''] = ids
    expect((await stranger.call('DELETE', `${path}/${newest}`)).status).toBe(404)
    expect(await alive(other)).toBe(true)
    expect((await mine.call('DELETE', `${path}/${newest}`)).status).toBe(204)
    expect([await alive(mine), await alive(other)]).toEqual([true, false])
    expect((await mine.call('DELETE', `${path}/${newest}`)).status).toBe(404)
    expect((await admin.call('DELETE', `${path}/${ids[1]}`)).status).toBe(204)
    expect(await alive(mine)).toBe(false)
    expect(await audit(newest)).toEqual(['session.create', 'session.end'])
  })

  test('say when they were last used, to the minute', async () => {
    const username = await newUser('viewer')
    const mine = await signIn(world.app, username, good)
    await world.sql`update session set seen_at = now() - interval '1 hour' where id in (
      select s.id from session s join app_user u on u.id = s.user_id where u.username = ${username})`
    const { items } = (await mine.call('GET', path)).body
    expect(Date.now() - Date.parse(items[0]?.seenAt ?? '')).toBeLessThan(60_000)
  })
})
