import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Caller, openWorld, type Reply, signIn, type World } from './world.ts'

const path = '/api/v1/admin/counts'
let world: World
let editor: Caller
beforeAll(async () => {
  world = await openWorld()
  editor = await signIn(world.app, 'editor')
})
afterAll(() => world.close())

let made = 0
const newId = () => `count-${++made}`

async function create(more: object = {}): Promise<string> {
  const id = newId()
  const reply = await editor.call('POST', path, { id, name: 'A count', ...more })
  expect(reply.status).toBe(201)
  return id
}

const audit = async (target: string) =>
  await world.sql<{ action: string; username: string; detail: object }[]>`
    select action, username, detail from audit where target = ${target} order by id`

const record = async (id: string) => {
  for (let shard = 0; shard < 4; shard++) {
    const found = await world.redis.hgetall(`{s${shard}}:count:${id}`)
    if (found.v !== undefined) return found
  }
  return undefined
}

describe('creating', () => {
  test('makes row, record and audit, and answers with Location and ETag', async () => {
    const id = newId()
    const input = {
      id,
      name: '방문자',
      description: 'a\nb',
      unit: '명',
      tags: ['web', 'web', 'kr'],
      min: 0,
      max: 100,
      initialValue: 7,
      metadata: { owner: { team: 'x' } },
    }
    const reply = await editor.call('POST', path, input)
    expect(reply.status).toBe(201)
    expect(reply.body).toMatchObject({ ...input, tags: ['web', 'kr'], status: 'active', value: 7 })
    expect(reply.headers.location).toBe(`${path}/${id}`)
    expect(reply.headers.etag).toBe(`"${reply.body.revision}"`)
    expect(reply.body.created).toBe(reply.body.revision)
    expect(await record(id)).toMatchObject({
      v: '7',
      l: '0',
      u: '100',
      s: 'a',
      c: String(reply.body.created),
    })
    expect(await audit(id)).toMatchObject([{ action: 'count.create', username: 'editor' }])
    const read = await editor.call('GET', `${path}/${id}`)
    expect(read.body).toEqual(reply.body)
    expect(read.headers.etag).toBe(reply.headers.etag)
  })

  test('the same id twice is refused, and of many at once exactly one succeeds', async () => {
    const id = newId()
    const replies = await Promise.all(
      Array.from({ length: 8 }, () => editor.call('POST', path, { id, name: 'x' })),
    )
    expect(replies.map((reply) => reply.status).sort()).toEqual([201, ...Array(7).fill(409)])
    expect(replies.find((reply) => reply.status === 409)?.body.type).toBe('urn:count:problem:already-exists')
    expect(await audit(id)).toHaveLength(1)
  })

  test.for([
    [{ name: 'x' }, 'id'],
    [{ id: 'Upper', name: 'x' }, 'id'],
    [{ id: 'ok', name: '' }, 'name'],
    [{ id: 'ok', name: 'nul\0' }, 'name'],
    [{ id: 'ok', name: 'half \ud800' }, 'name'],
    [{ id: 'ok', name: 'x', description: '\udfff' }, 'description'],
    [{ id: 'ok', name: 'x', tags: ['\ud800'] }, 'tags.0'],
    [{ id: 'ok', name: 'x', other: 1 }, 'other'],
    [{ id: 'ok', name: 'x', min: 5, max: 4 }, 'min'],
    [{ id: 'ok', name: 'x', min: 5 }, 'initialValue'],
    [{ id: 'ok', name: 'x', initialValue: 2 ** 52 }, 'initialValue'],
    [{ id: 'ok', name: 'x', initialValue: '1' }, 'initialValue'],
    [{ id: 'ok', name: 'x', tags: ['a|b'] }, 'tags.0'],
    [{ id: 'ok', name: 'x', metadata: { a: 'x'.repeat(20_000) } }, 'metadata'],
    [{ id: 'ok', name: 'x', metadata: { a: '\0' } }, 'metadata'],
    [{ id: 'ok', name: 'x', metadata: { '\ud800': 1 } }, 'metadata'],
    [{ id: 'ok', name: 'x', metadata: { a: JSON.parse('['.repeat(500) + ']'.repeat(500)) } }, 'metadata'],
  ] as const)('%o is refused, naming %s', async ([input, field]) => {
    const reply = await editor.call('POST', path, input)
    expect(reply.status).toBe(400)
    expect(reply.body.errors.map((error) => error.path)).toContain(field)
    expect((await editor.call('GET', `${path}/ok`)).status).toBe(404)
  })
})

describe('changing', () => {
  test('needs If-Match, and the present revision', async () => {
    const id = await create()
    const before = (await editor.call('GET', `${path}/${id}`)).headers.etag
    const patch = (match?: string) =>
      editor.call('PATCH', `${path}/${id}`, { name: 'new' }, match === undefined ? {} : { 'if-match': match })
    expect((await patch()).status).toBe(428)
    expect((await patch('12')).status).toBe(400)
    expect((await patch('"1"')).status).toBe(412)
    expect((await patch(`W/${before}`)).status).toBe(412)
    const reply = await patch(String(before))
    expect(reply.status).toBe(200)
    expect(reply.body.name).toBe('new')
    expect(reply.headers.etag).toBe(`"${reply.body.revision}"`)
    expect((await patch(String(before))).status).toBe(412)
    expect((await editor.call('PATCH', `${path}/${id}`, { name: 'any' }, { 'if-match': '*' })).status).toBe(
      200,
    )
    expect((await editor.call('PATCH', `${path}/none`, { name: 'any' }, { 'if-match': '*' })).status).toBe(
      404,
    )
  })

  test('of two editors with the same revision one wins and the other gets 412', async () => {
    const id = await create()
    for (let round = 0; round < 5; round++) {
      const { etag } = (await editor.call('GET', `${path}/${id}`)).headers
      const headers = { 'if-match': String(etag) }
      const replies = await Promise.all(
        [1, 2].map((n) => editor.call('PATCH', `${path}/${id}`, { name: `round ${round} by ${n}` }, headers)),
      )
      expect(replies.map((reply) => reply.status).sort()).toEqual([200, 412])
      const winner = replies.find((reply) => reply.status === 200)
      expect((await editor.call('GET', `${path}/${id}`)).body.name).toBe(winner?.body.name)
    }
    expect(await audit(id)).toHaveLength(6)
  })

  test('reaches the record with its revision, audited with before and after', async () => {
    const id = await create({ min: 0 })
    const reply = await editor.call(
      'PATCH',
      `${path}/${id}`,
      { status: 'paused', max: 10, min: null },
      { 'if-match': '*' },
    )
    expect(reply.body).toMatchObject({ status: 'paused', max: 10, min: null })
    expect(await record(id)).toMatchObject({ s: 'p', l: '', u: '10', r: String(reply.body.revision) })
    expect((await audit(id)).at(-1)).toMatchObject({
      action: 'count.update',
      detail: {
        before: { status: 'active', max: null, min: 0 },
        after: { status: 'paused', max: 10, min: null },
      },
    })
  })

  test('bounds that the value violates are refused whole: nothing has changed, and the ETag still holds', async () => {
    const id = await create({ initialValue: 50 })
    const before = await editor.call('GET', `${path}/${id}`)
    const recordBefore = await record(id)
    const reply = await editor.call(
      'PATCH',
      `${path}/${id}`,
      { name: 'other', max: 49 },
      { 'if-match': String(before.headers.etag) },
    )
    expect(reply.status).toBe(409)
    expect(reply.body.type).toBe('urn:count:problem:out-of-bounds')
    expect((await editor.call('GET', `${path}/${id}`)).body).toEqual(before.body)
    expect(await record(id)).toEqual(recordBefore)
    expect(await audit(id)).toHaveLength(1)
    const next = await editor.call(
      'PATCH',
      `${path}/${id}`,
      { name: 'other', max: 50 },
      { 'if-match': String(before.headers.etag) },
    )
    expect(next.status).toBe(200)
  })

  test('a patch that says what is there changes nothing', async () => {
    const id = await create({ tags: ['a'] })
    const before = await editor.call('GET', `${path}/${id}`)
    const reply = await editor.call(
      'PATCH',
      `${path}/${id}`,
      { name: 'A count', tags: ['a', 'a'] },
      { 'if-match': '*' },
    )
    expect(reply.headers.etag).toBe(before.headers.etag)
    expect(await audit(id)).toHaveLength(1)
  })

  test('min above max is refused, also against the other bound that stays', async () => {
    const id = await create({ max: 10 })
    const reply = await editor.call('PATCH', `${path}/${id}`, { min: 11 }, { 'if-match': '*' })
    expect(reply.status).toBe(400)
  })
})

describe('correcting a value', () => {
  test('sets it, with before, after and reason in the audit', async () => {
    const id = await create({ initialValue: 5 })
    const reply = await editor.call('PUT', `${path}/${id}/value`, { value: 12, reason: 'counted by hand' })
    expect(reply.status).toBe(200)
    expect(reply.body).toMatchObject({ id, value: 12, delta: 7 })
    expect((await editor.call('GET', `${path}/${id}`)).body.value).toBe(12)
    const [, asked, done] = await audit(id)
    expect(asked).toMatchObject({
      action: 'count.correct-asked',
      username: 'editor',
      detail: { set: 12, reason: 'counted by hand' },
    })
    expect(done).toMatchObject({
      action: 'count.correct',
      detail: { before: { value: 5 }, after: { value: 12 }, delta: 7, reason: 'counted by hand' },
    })
  })

  test('is refused outside the bounds, paused, archived, unknown, and without a reason', async () => {
    const id = await create({ max: 10 })
    const put = (value: number, reason?: string) =>
      editor.call('PUT', `${path}/${id}/value`, { value, ...(reason ? { reason } : {}) })
    expect((await put(11, 'x')).body.type).toBe('urn:count:problem:out-of-bounds')
    expect((await put(9)).status).toBe(400)
    await editor.call('PATCH', `${path}/${id}`, { status: 'paused' }, { 'if-match': '*' })
    expect((await put(9, 'x')).body.type).toBe('urn:count:problem:count-paused')
    await editor.call('PATCH', `${path}/${id}`, { status: 'archived' }, { 'if-match': '*' })
    expect((await put(9, 'x')).body.type).toBe('urn:count:problem:count-archived')
    expect((await editor.call('PUT', `${path}/none/value`, { value: 1, reason: 'x' })).status).toBe(404)
    expect((await audit(id)).filter((entry) => entry.action === 'count.correct-refused')).toHaveLength(3)
  })

  test('makes the record first where the store has lost it', async () => {
    const id = await create({ initialValue: 3 })
    for (let shard = 0; shard < 4; shard++) await world.redis.del(`{s${shard}}:count:${id}`)
    expect((await editor.call('PUT', `${path}/${id}/value`, { value: 4, reason: 'x' })).body).toMatchObject({
      value: 4,
      delta: 1,
    })
  })

  test('shows in the history', async () => {
    const id = await create({ initialValue: 5 })
    await editor.call('PUT', `${path}/${id}/value`, { value: 12, reason: 'x' })
    const reply = await editor.call('GET', `${path}/${id}/history?granularity=hour`)
    expect(reply.status).toBe(200)
    const { points } = reply.body
    expect(points).toHaveLength(24)
    expect(points.at(-1)).toMatchObject({ value: 7, partial: true })
    expect(
      (
        await editor.call(
          'GET',
          `${path}/${id}/history?granularity=hour&from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z`,
        )
      ).status,
    ).toBe(400)
    expect((await editor.call('GET', `${path}/none/history?granularity=hour`)).status).toBe(404)
    expect((await editor.call('GET', `${path}/${id}/history`)).status).toBe(400)
  })
})

describe('deleting', () => {
  test('moves the count to the trash; the same id begins a new life', async () => {
    const id = await create({ initialValue: 5 })
    const first = await editor.call('GET', `${path}/${id}`)
    expect((await editor.call('DELETE', `${path}/${id}`)).status).toBe(428)
    expect((await editor.call('DELETE', `${path}/${id}`, undefined, { 'if-match': '"1"' })).status).toBe(412)
    const reply = await editor.call('DELETE', `${path}/${id}`, undefined, {
      'if-match': String(first.headers.etag),
    })
    expect(reply.status).toBe(204)
    expect((await editor.call('GET', `${path}/${id}`)).status).toBe(404)
    expect(await record(id)).toBeUndefined()
    expect((await editor.call('DELETE', `${path}/${id}`, undefined, { 'if-match': '*' })).status).toBe(404)
    const [row] = await world.sql`select deleted_at from count_info where id = ${id}`
    expect(row?.deleted_at).toBeInstanceOf(Date)
    const again = await editor.call('POST', path, { id, name: 'again', initialValue: 1 })
    expect(again.status).toBe(201)
    expect(again.body.created).toBeGreaterThan(Number(first.body.revision))
    expect((await editor.call('GET', `${path}/${id}`)).body.value).toBe(1)
    expect((await audit(id)).map((entry) => entry.action)).toEqual([
      'count.create',
      'count.delete',
      'count.create',
    ])
  })
})

describe('searching', () => {
  const ids = (reply: Reply) => reply.body.items.map((item) => item.id)

  beforeAll(async () => {
    const counts = [
      { id: 'shop.orders', name: 'Bestellungen 100%', tags: ['shop', 'daily'] },
      { id: 'shop.returns', name: 'Retouren', tags: ['shop'] },
      { id: 'site.visits', name: 'Shop-Besucher', tags: ['web'], initialValue: 42 },
      { id: 'site.likes', name: '좋아요', tags: ['web', 'daily'] },
    ]
    for (const count of counts) expect((await editor.call('POST', path, count)).status).toBe(201)
    await editor.call('PATCH', `${path}/shop.returns`, { status: 'archived' }, { 'if-match': '*' })
  })

  test('finds by part of id or name, in any case, tag and status', async () => {
    const search = async (query: string) => ids(await editor.call('GET', `${path}?${query}`))
    expect(await search('q=SHOP')).toEqual(['shop.orders', 'shop.returns', 'site.visits'])
    expect(await search(`q=${encodeURIComponent('좋아')}`)).toEqual(['site.likes'])
    expect(await search(`q=${encodeURIComponent('100%')}`)).toEqual(['shop.orders'])
    expect(await search('q=s_op')).toEqual([])
    expect(await search('tag=daily')).toEqual(['shop.orders', 'site.likes'])
    expect(await search('tag=shop&status=active')).toEqual(['shop.orders'])
    expect(await search('status=archived&q=shop')).toEqual(['shop.returns'])
  })

  test('pages by cursor, with the live value beside each', async () => {
    const first = await editor.call('GET', `${path}?q=s&tag=web&limit=1`)
    expect(ids(first)).toEqual(['site.likes'])
    const second = await editor.call('GET', `${path}?q=s&tag=web&limit=1&cursor=${first.body.nextCursor}`)
    expect(ids(second)).toEqual(['site.visits'])
    expect(second.body.nextCursor).toBeNull()
    expect(second.body.items[0]).toMatchObject({ value: 42 })
  })

  test.for(['cursor=nonsense', 'limit=0', 'limit=1001', 'limit=x', 'status=gone', 'other=1', 'q=%00'])(
    'refuses %s',
    async (query) => {
      expect((await editor.call('GET', `${path}?${query}`)).status).toBe(400)
    },
  )
})
