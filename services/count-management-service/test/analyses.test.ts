import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Caller, openWorld, signIn, type World } from './world.ts'

const path = '/api/v1/admin/analyses'
const state = { tab: 'trend', counts: 'page.views', range: '90d', zone: 'Asia/Seoul' }
let world: World
let editor: Caller
let viewer: Caller
beforeAll(async () => {
  world = await openWorld()
  editor = await signIn(world.app, 'editor')
  viewer = await signIn(world.app, 'viewer')
})
afterAll(() => world.close())

async function saved(name: string): Promise<string> {
  const { status, body } = await editor.call('POST', path, { name, state })
  expect([name, status]).toEqual([name, 201])
  return body.id
}
const audit = async (target: string) =>
  await world.sql`select action, username, detail from audit where target = ${target} order by id`

describe('a saved analysis', () => {
  test('is kept as it was given, with who saved it, and read by viewers', async () => {
    const created = await editor.call('POST', path, { name: '주간 추세', state })
    const instant = expect.stringMatching(/^\d{4}-.*Z$/)
    expect(created.body).toEqual({
      id: expect.any(String),
      name: '주간 추세',
      state,
      createdBy: 'editor',
      createdAt: instant,
      updatedAt: instant,
    })
    const url = `${path}/${created.body.id}`
    expect(created.headers.location).toBe(url)
    expect((await viewer.call('GET', url)).body).toEqual(created.body)
  })

  test('is renamed and replaced, by whom it was saved stays, and each change is audited', async () => {
    const id = await saved('before')
    const admin = await signIn(world.app, 'admin')
    const after = { name: 'after', state: { ...state, tab: 'prediction' } }
    const { body } = await admin.call('PUT', `${path}/${id}`, after)
    expect(body).toMatchObject({ id, ...after, createdBy: 'editor' })
    expect(Date.parse(body.updatedAt)).toBeGreaterThan(Date.parse(body.createdAt))
    expect((await editor.call('DELETE', `${path}/${id}`)).status).toBe(204)
    expect((await editor.call('DELETE', `${path}/${id}`)).status).toBe(404)
    const before = { name: 'before', state }
    expect(await audit(id)).toEqual([
      { action: 'analysis.create', username: 'editor', detail: { after: before } },
      { action: 'analysis.update', username: 'admin', detail: { before, after } },
      { action: 'analysis.delete', username: 'editor', detail: { before: after } },
    ])
  })

  test('has a name of its own, in any case, also of many saved at once', async () => {
    const id = await saved('Monthly')
    const other = await saved('Yearly')
    const again = await editor.call('POST', path, { name: 'MONTHLY', state })
    expect([again.status, again.body.type]).toEqual([409, 'urn:count:problem:already-exists'])
    expect((await editor.call('PUT', `${path}/${other}`, { name: 'monthly', state })).status).toBe(409)
    expect((await editor.call('PUT', `${path}/${id}`, { name: 'monthly', state })).status).toBe(200)
    const racing = await Promise.all(
      Array.from({ length: 8 }, () => editor.call('POST', path, { name: 'Race', state })),
    )
    expect(racing.map(({ status }) => status).sort()).toEqual([201, ...Array(7).fill(409)])
    expect(await audit(other)).toHaveLength(1)
  })

  test('is listed by name, in pages', async () => {
    for (const name of ['list b', 'List a', 'list c']) await saved(name)
    const names: string[] = []
    let cursor: string | null = ''
    while (cursor !== null) {
      const { body } = await viewer.call('GET', `${path}?limit=2${cursor && `&cursor=${cursor}`}`)
      names.push(...body.items.map(({ name }) => name))
      cursor = body.nextCursor
    }
    expect(names.filter((name) => /^list/i.test(name))).toEqual(['List a', 'list b', 'list c'])
    expect(new Set(names).size).toBe(names.length)
    expect((await viewer.call('GET', `${path}?cursor=nonsense`)).status).toBe(400)
  })

  const deep = () => {
    let value: object = {}
    for (let n = 0; n < 40; n++) value = { value }
    return value
  }
  test.for([
    ['no name', { state }, 'name'],
    ['an empty name', { name: '', state }, 'name'],
    ['a name of two lines', { name: 'a\nb', state }, 'name'],
    ['a long name', { name: 'x'.repeat(201), state }, 'name'],
    ['no state', { name: 'bad' }, 'state'],
    ['a state that is a list', { name: 'bad', state: [] }, 'state'],
    ['a state over 8 KiB', { name: 'bad', state: { counts: '가'.repeat(2730) } }, 'state'],
    ['a state that is too deep', { name: 'bad', state: deep() }, 'state'],
    ['text that cannot be kept', { name: 'bad', state: { counts: 'a\0' } }, 'state'],
    ['more', { name: 'bad', state, owner: 'me' }, 'owner'],
  ] as const)('with %s is refused, naming the field', async ([, body, field]) => {
    const id = await saved(`good, not ${field} ${Math.random()}`)
    for (const reply of [
      await editor.call('POST', path, body),
      await editor.call('PUT', `${path}/${id}`, body),
    ]) {
      expect([reply.status, reply.body.errors[0]?.path]).toEqual([400, field])
    }
    expect((await viewer.call('GET', `${path}/${id}`)).body.state).toEqual(state)
  })

  test('takes just 8 KiB', async () => {
    const counts = 'x'.repeat(8 * 1024 - '{"counts":""}'.length)
    expect((await editor.call('POST', path, { name: 'large', state: { counts } })).status).toBe(201)
    const more = { name: 'larger', state: { counts: `${counts}x` } }
    expect((await editor.call('POST', path, more)).status).toBe(400)
  })

  test('that is unknown is 404, an id that is none 400', async () => {
    const nobody = `${path}/00000000-0000-4000-8000-000000000000`
    for (const [method, body] of [['GET'], ['PUT', { name: 'x', state }], ['DELETE']] as const) {
      expect([method, (await editor.call(method, nobody, body)).status]).toEqual([method, 404])
      expect([method, (await editor.call(method, `${path}/x`, body)).status]).toEqual([method, 400])
    }
  })
})
