import { openGroupCommit } from '@count/core/group-commit'
import { deploymentKeys, shardKeys } from '@count/core/keys'
import { openValueStore } from '@count/core/value-store'
import { openZone } from '@count/core/zone'
import { until } from '@count/stack/until'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Body, type Caller, log, openWorld, type Reply, signIn, type World } from './world.ts'

const counts = '/api/v1/admin/counts'
const trash = '/api/v1/admin/trash'
const audit = '/api/v1/admin/audit'
const any = { 'if-match': '*' }
let world: World
let editor: Caller
let admin: Caller
beforeAll(async () => {
  world = await openWorld()
  editor = await signIn(world.app, 'editor')
  admin = await signIn(world.app, 'admin')
})
afterAll(() => world.close())

let made = 0
async function create(more: object = {}): Promise<string> {
  const id = `undo-${++made}`
  expect((await editor.call('POST', counts, { id, name: 'A count', ...more })).status).toBe(201)
  return id
}
const get = async (id: string) => (await editor.call('GET', `${counts}/${id}`)).body
const patch = (id: string, body: object) => editor.call('PATCH', `${counts}/${id}`, body, any)
const correct = (id: string, value: number) =>
  editor.call('PUT', `${counts}/${id}/value`, { value, reason: 'counted by hand' })
const remove = (id: string) => editor.call('DELETE', `${counts}/${id}`, undefined, any)
const trail = async (id: string) => (await editor.call('GET', `${audit}?subject=${id}`)).body.items
const last = async (id: string): Promise<Body> => (await trail(id))[0] as Body
const undo = (entry: Pick<Body, 'id'>, reason?: string) =>
  editor.call('POST', `${audit}/${entry.id}/undo`, reason === undefined ? {} : { reason })
const typeOf = (reply: Reply) => [reply.status, reply.body.type.replace('urn:count:problem:', '')]

const history = async (id: string) =>
  (await editor.call('GET', `${counts}/${id}/history?granularity=hour`)).body.points.map(({ value }) => value)

const goneKey = async (id: string) => {
  for (let shard = 0; shard < 4; shard++) {
    const key = shardKeys(shard).gone(id)
    if (await world.redis.exists(key)) return key
  }
  throw new Error(`${id} is not set aside`)
}
const eventsOf = async (id: string): Promise<string[]> => {
  const entries = await world.redis.xrange(deploymentKeys.events, '-', '+')
  return entries
    .map(([, [, text]]) => JSON.parse(text ?? ''))
    .filter((event) => event.subject === id)
    .map((event) => event.type)
}

describe('the trash', () => {
  test('lists deleted counts, the last first, with value and when they go, by part of id or name', async () => {
    const ids = [await create({ name: '장바구니', initialValue: 7 }), await create({ initialValue: 8 })]
    for (const id of ids) await remove(id)
    const { items } = (await editor.call('GET', `${trash}?limit=2`)).body
    expect(items).toMatchObject([
      { id: ids[1], value: 8 },
      { id: ids[0], name: '장바구니', value: 7 },
    ])
    const [{ deletedAt = '', purgedAt = '' } = {}] = items
    expect(Date.parse(purgedAt) - Date.parse(deletedAt)).toBe(30 * 86_400_000)
    const first = await editor.call('GET', `${trash}?limit=1`)
    const next = await editor.call('GET', `${trash}?limit=1&cursor=${first.body.nextCursor}`)
    expect(next.body.items[0]?.id).toBe(ids[0])
    const found = await editor.call('GET', `${trash}?q=${encodeURIComponent('바구')}`)
    expect(found.body.items.map(({ id }) => id)).toEqual([ids[0]])
    expect((await editor.call('GET', `${trash}?cursor=nonsense`)).status).toBe(400)
  })

  test('gives back metadata, value and history, in row, record and event', async () => {
    const id = await create({ initialValue: 5, tags: ['a'], metadata: { x: [1] }, max: 100 })
    await correct(id, 12)
    await patch(id, { status: 'paused' })
    const before = await get(id)
    await remove(id)
    const reply = await editor.call('POST', `${trash}/${id}/${before.created}/restore`, {})
    expect(reply.status).toBe(200)
    const { revision, updatedAt, version, changedAt, ...rest } = before as Body & { updatedAt: string }
    expect(reply.body).toMatchObject(rest)
    expect(reply.body.revision).toBeGreaterThan(revision)
    expect(reply.body.version).toBeGreaterThan(version)
    expect(reply.headers.etag).toBe(`"${reply.body.revision}"`)
    expect((await history(id)).at(-1)).toBe(7)
    await until('the event', async () => (await eventsOf(id)).at(-1) === 'count.restored')
    expect(await last(id)).toMatchObject({ action: 'count.restore', actor: 'editor', undoable: true })
    await patch(id, { status: 'active' })
    expect((await correct(id, 13)).body).toMatchObject({ delta: 1 })
  })

  test('refuses what is not there, lives again or has lost its value, and changes nothing then', async () => {
    const id = await create({ initialValue: 5 })
    const { created } = await get(id)
    const restore = (life = created) => editor.call('POST', `${trash}/${id}/${life}/restore`)
    expect(typeOf(await restore())).toEqual([404, 'not-found'])
    await remove(id)
    expect(typeOf(await restore(created + 1))).toEqual([404, 'not-found'])
    await editor.call('POST', counts, { id, name: 'again' })
    expect(typeOf(await restore())).toEqual([409, 'already-exists'])
    await world.redis.del(await goneKey(id))
    expect(typeOf(await restore())).toEqual([409, 'already-exists'])
    expect((await get(id)).name).toBe('again')
    await remove(id)
    // The later life has taken the place where the value store keeps a removed record.
    expect(typeOf(await restore())).toEqual([409, 'conflict'])
    await world.redis.del(await goneKey(id))
    const second = (await editor.call('GET', `${trash}?q=${id}`)).body.items[0]
    expect(second).toMatchObject({ name: 'again', value: null })
    expect(typeOf(await restore(second?.created))).toEqual([409, 'conflict'])
    expect((await editor.call('GET', `${counts}/${id}`)).status).toBe(404)
  })

  test('of many restorations at once, and a creation, exactly one succeeds', async () => {
    const id = await create({ initialValue: 5 })
    const { created } = await get(id)
    await remove(id)
    const replies = await Promise.all([
      ...Array.from({ length: 5 }, () => editor.call('POST', `${trash}/${id}/${created}/restore`)),
      editor.call('POST', counts, { id, name: 'new', initialValue: 9 }),
    ])
    expect(replies.filter(({ status }) => status < 300)).toHaveLength(1)
    expect(new Set(replies.map(({ status }) => status).filter((status) => status >= 300))).toEqual(
      new Set(replies.some(({ status }) => status === 201) ? [409] : [404, 409]),
    )
    const { name, value } = await get(id)
    expect([
      ['A count', 5],
      ['new', 9],
    ]).toContainEqual([name, value])
    expect((await correct(id, 1)).status).toBe(200)
  })
})

describe('undoing', () => {
  test('a creation moves the count to the trash; undoing that brings it back', async () => {
    const id = await create({ initialValue: 4 })
    const creation = await last(id)
    expect(creation).toMatchObject({ action: 'count.create', undoable: true, undoneBy: null, before: null })
    const reply = await undo(creation, 'made by mistake')
    expect(reply.status).toBe(200)
    expect((await editor.call('GET', `${counts}/${id}`)).status).toBe(404)
    const [deletion, undone] = await trail(id)
    expect(deletion).toMatchObject({
      id: reply.body.id,
      action: 'count.delete',
      reason: 'made by mistake',
      undoable: true,
    })
    expect(undone).toMatchObject({ undoable: false, undoneBy: reply.body.id })
    expect((await undo(deletion as Body)).status).toBe(200)
    expect((await get(id)).value).toBe(4)
    expect(await last(id)).toMatchObject({ action: 'count.restore' })
    expect(typeOf(await undo(creation))).toEqual([409, 'conflict'])
    expect((await undo(await last(id))).status).toBe(200)
    expect((await editor.call('GET', `${counts}/${id}`)).status).toBe(404)
  })

  test('a change of metadata puts back what it changed, and leaves the rest', async () => {
    const id = await create({ max: 10, tags: ['a', 'b'], metadata: { one: { b: 1, a: 2 } } })
    await patch(id, { name: 'B', max: null, tags: [], metadata: {} })
    const change = await last(id)
    expect(change.before).toMatchObject({ name: 'A count', max: 10 })
    await patch(id, { unit: '명' })
    expect((await undo(change)).status).toBe(200)
    expect(await get(id)).toMatchObject({
      name: 'A count',
      max: 10,
      tags: ['a', 'b'],
      unit: '명',
      metadata: { one: { b: 1, a: 2 } },
    })
    expect((await undo(await last(id))).status).toBe(200)
    expect(await get(id)).toMatchObject({ name: 'B', max: null, tags: [], metadata: {} })
  })

  test('a change is refused when its field was changed again, or the value would violate the bounds', async () => {
    const id = await create({ max: 10 })
    await patch(id, { name: 'B', max: 1000 })
    const change = await last(id)
    await patch(id, { name: 'C' })
    const moved = await undo(change)
    expect(typeOf(moved)).toEqual([409, 'conflict'])
    expect(moved.body.detail).toContain('name')
    expect((await get(id)).name).toBe('C')
    expect((await undo(await last(id))).status).toBe(200)
    await correct(id, 500)
    expect(typeOf(await undo(change))).toEqual([409, 'out-of-bounds'])
    expect(await get(id)).toMatchObject({ name: 'B', max: 1000 })
    expect((await trail(id)).find(({ id }) => id === change.id)).toMatchObject({ undoable: true })
  })

  test('a deletion is refused when the id lives again', async () => {
    const id = await create()
    await remove(id)
    const deletion = await last(id)
    await editor.call('POST', counts, { id, name: 'again' })
    expect(typeOf(await undo(deletion))).toEqual([409, 'already-exists'])
    expect((await get(id)).name).toBe('again')
  })

  test('what concerns an earlier life of the id is refused', async () => {
    const id = await create({ initialValue: 1 })
    await patch(id, { name: 'B' })
    await correct(id, 5)
    const entries = (await trail(id)).filter(({ action }) => action !== 'count.delete')
    expect(entries).toHaveLength(3)
    await remove(id)
    for (const entry of entries) expect(typeOf(await undo(entry))).toEqual([409, 'conflict'])
    await editor.call('POST', counts, { id, name: 'B', initialValue: 5 })
    for (const entry of entries) expect(typeOf(await undo(entry))).toEqual([409, 'conflict'])
    expect(await get(id)).toMatchObject({ name: 'B', value: 5 })
  })

  test('a correction changes the value back by its difference: what was counted since stays, history is not rewritten', async () => {
    const id = await create({ initialValue: 1200 })
    await correct(id, 1300)
    const correction = await last(id)
    expect(correction).toMatchObject({
      action: 'count.correct',
      before: { value: 1200 },
      after: { value: 1300 },
      reason: 'counted by hand',
      undoable: true,
    })
    expect(await trail(id)).toHaveLength(2)
    await increment(id, 10)
    const { version } = await get(id)
    expect((await undo(correction)).status).toBe(200)
    const after = await get(id)
    expect(after.value).toBe(1210)
    expect(after.version).toBeGreaterThan(version)
    expect((await history(id)).at(-1)).toBe(10)
    expect(await last(id)).toMatchObject({ before: { value: 1310 }, after: { value: 1210 }, reason: null })
    expect((await undo(await last(id))).status).toBe(200)
    expect((await get(id)).value).toBe(1310)
  })

  test('a correction is refused after another one that stands, while paused, and outside the bounds', async () => {
    const id = await create({ initialValue: 50, max: 100 })
    await correct(id, 0)
    const first = await last(id)
    await correct(id, 60)
    const second = await last(id)
    expect(typeOf(await undo(first))).toEqual([409, 'conflict'])
    expect((await undo(second)).status).toBe(200)
    const back = await last(id)
    expect((await undo(back)).status).toBe(200)
    expect(typeOf(await undo(first))).toEqual([409, 'conflict'])
    expect((await undo(await last(id))).status).toBe(200)
    expect((await get(id)).value).toBe(0)
    await increment(id, 90)
    expect(typeOf(await undo(first))).toEqual([409, 'out-of-bounds'])
    await patch(id, { status: 'paused' })
    expect(typeOf(await undo(first))).toEqual([409, 'count-paused'])
    await patch(id, { status: 'active', max: null })
    expect((await undo(first)).status).toBe(200)
    expect((await get(id)).value).toBe(140)
  })

  test.for(['correct', 'update', 'create', 'delete'])(
    'of many who undo one %s at once, one does',
    async (what) => {
      const id = await create({ initialValue: 5 })
      if (what === 'correct') await correct(id, 8)
      if (what === 'update') await patch(id, { name: 'B' })
      if (what === 'delete') await remove(id)
      const entry = await last(id)
      expect(entry.action).toBe(`count.${what}`)
      const replies = await Promise.all(Array.from({ length: 6 }, () => undo(entry)))
      expect(replies.map(({ status }) => status).sort()).toEqual([200, ...Array(5).fill(409)])
      if (what !== 'create') expect(await get(id)).toMatchObject({ value: 5, name: 'A count' })
      expect(await world.sql`select from audit where undoes = ${entry.id}`).toHaveLength(1)
    },
  )

  test('a correction whose undo was begun long ago without an end is left to people', async () => {
    const id = await create()
    await correct(id, 8)
    const correction = await last(id)
    const { created } = await get(id)
    await world.sql`insert into audit (at, username, address, action, target, detail) values (now() - interval '2 hours', 'x', 'x',
      'count.correct-asked', ${id}, ${world.sql.json({ created, decrement: 8, undoing: Number(correction.id) })})`
    expect(typeOf(await undo(correction))).toEqual([409, 'conflict'])
    expect((await get(id)).value).toBe(8)
  })

  test('is refused for what is no change of a count, unknown or malformed', async () => {
    const signedIn = (await admin.call('GET', `${audit}?action=session.create`)).body.items[0] as Body
    expect(signedIn.undoable).toBe(false)
    expect(typeOf(await undo(signedIn))).toEqual([409, 'conflict'])
    expect(typeOf(await undo({ id: '999999999' }))).toEqual([404, 'not-found'])
    for (const id of ['0', 'x', '1e3', '-1']) expect((await undo({ id })).status).toBe(400)
    expect((await editor.call('POST', `${audit}/1/undo`, { other: 1 })).status).toBe(400)
    const id = await create()
    await correct(id, 0)
    expect(await last(id)).toMatchObject({ action: 'count.correct', undoable: false })
    const viewer = await signIn(world.app, 'viewer')
    expect((await viewer.call('POST', `${audit}/${(await last(id)).id}/undo`, {})).status).toBe(403)
  })
})

/** What count-write-service does. */
async function increment(id: string, amount: number): Promise<void> {
  const store = await openValueStore({ VALUE_REDIS_URL: world.value.url }, { log })
  const commit = openGroupCommit(store, {
    log,
    zone: openZone(store.zone),
    ack: 'local',
    idempotencyTtlMs: 60_000,
  })
  const [outcome] = await commit.apply({ operations: [{ id, kind: 'increment', amount }] })
  expect(outcome?.word).toBe('ok')
  await commit.close()
  await store.close()
}
