import { until } from '@count/stack/until'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { JobView } from '../src/bulk/jobs.ts'
import { admin, type BulkCaller, bulkCaller } from './bulk-calls.ts'
import { type Caller, openWorld, signIn, type World } from './world.ts'

let world: World
let editor: Caller
let bulk: BulkCaller
beforeAll(async () => {
  world = await openWorld()
  editor = await signIn(world.app, 'editor')
  bulk = bulkCaller(world.app, editor)
})
afterAll(() => world.close())

let made = 0
async function newCount(more: object = {}): Promise<string> {
  const id = `many-${++made}`
  await editor.call('POST', `${admin}/counts`, { id, name: 'M', ...more })
  return id
}
const rows = async (ids: string[]) =>
  await world.sql<{ id: string; status: string; tags: string[]; gone: boolean }[]>`
    select id, status, tags, deleted_at is not null as gone from count_info where id = any(${ids}) order by id, created`
const change = (body: object): Promise<JobView> => bulk.done(bulk.send('/bulk', body))
const undo = (job: JobView): Promise<JobView> => bulk.done(bulk.send(`/jobs/${job.id}/undo`, {}))

describe('a bulk change', () => {
  test.each([
    ['tag', { tags: ['new', 'x'] }, { tags: ['x', 'new'] }],
    ['untag', { tags: ['x', 'other'] }, { tags: [] }],
    ['pause', {}, { status: 'paused' }],
    ['archive', {}, { status: 'archived' }],
    ['delete', {}, { gone: true }],
  ])('%s changes each, with one undo', async (action, more, after) => {
    const ids = [await newCount({ tags: ['x'] }), await newCount({ tags: ['x'] })]
    const before = await rows(ids)
    const job = await change({ ids: [...ids, ids[0], 'nobody'], action, reason: 'because', ...more })
    expect(job).toMatchObject({
      kind: `bulk.${action}`, status: 'done', total: 3, processed: 3, updated: 2, failed: 1, undoable: true,
      errors: [{ line: 4, message: 'there is no such count' }],
    }) // biome-ignore format: a table
    expect(await rows(ids)).toEqual(before.map((row) => ({ ...row, ...after })))
    const audit = await world.sql<{ detail: { reason: string } }[]>`
      select detail from audit where target = any(${ids}) and detail ->> 'job' = ${job.id}`
    expect(audit.map(({ detail }) => detail.reason)).toEqual(['because', 'because'])
    expect(await undo(job)).toMatchObject({ status: 'done', updated: 2, failed: 0 })
    expect(await rows(ids)).toEqual(before)
  })

  test('again changes nothing', async () => {
    const ids = [await newCount({ tags: ['x'] })]
    expect(await change({ ids, action: 'tag', tags: ['x'] })).toMatchObject({
      unchanged: 1,
      updated: 0,
      undoable: false,
    })
    expect(await change({ ids, action: 'activate' })).toMatchObject({ unchanged: 1, updated: 0 })
  })

  test('reaches what a search finds: record, event and cache like a single change', async () => {
    const ids = [await newCount({ tags: ['sel'] }), await newCount({ tags: ['sel'] }), await newCount()]
    expect(await change({ filter: { tag: 'sel' }, action: 'pause' })).toMatchObject({ total: 2, updated: 2 })
    const states = await Promise.all(
      ids.map(async (id) => await world.redis.hget((await world.redis.keys(`*:count:${id}`))[0] ?? '', 's')),
    )
    expect(states).toEqual(['p', 'p', 'a'])
    await until('the events', async () => {
      const done = await world.sql`select from lifecycle_outbox
        where id = any(${ids}) and kind = 'updated' and outcome = 'applied' and done_at is not null`
      return done.length === 2
    })
    expect(await change({ filter: { tag: 'sel', status: 'paused' }, action: 'activate' })).toMatchObject({
      updated: 2,
    })
  })

  test('of deletion keeps a new life of an id when it is taken back', async () => {
    const [a, b] = [await newCount({ initialValue: 7 }), await newCount()]
    const job = await change({ ids: [a, b], action: 'delete' })
    await editor.call('POST', `${admin}/counts`, { id: b, name: 'Again' })
    expect(await undo(job)).toMatchObject({ updated: 1, failed: 1 })
    expect((await editor.call('GET', `${admin}/counts/${a}`)).body).toMatchObject({ value: 7 })
    expect((await editor.call('GET', `${admin}/counts/${b}`)).body).toMatchObject({ name: 'Again' })
  })

  test('waits for a change that is on its way', async () => {
    const id = await newCount()
    await Promise.all([
      change({ ids: [id], action: 'tag', tags: ['one'] }),
      change({ ids: [id], action: 'tag', tags: ['two'] }),
      editor.call('PATCH', `${admin}/counts/${id}`, { name: 'N' }, { 'if-match': '*' }),
    ])
    const { body } = await editor.call('GET', `${admin}/counts/${id}`)
    expect(body).toMatchObject({ name: 'N', tags: expect.arrayContaining(['one', 'two']) })
  })

  test.each([
    ['neither ids nor filter', { action: 'pause' }],
    ['both', { action: 'pause', ids: ['a'], filter: {} }],
    ['tags that are not asked for', { action: 'pause', ids: ['a'], tags: ['x'] }],
    ['no tags', { action: 'tag', ids: ['a'] }],
    ['an unknown action', { action: 'paint', ids: ['a'] }],
    ['a bad id', { action: 'pause', ids: ['A'] }],
  ])('with %s is refused', async (_, body) => {
    expect((await bulk.send('/bulk', body)).status).toBe(400)
  })
})

describe('jobs', () => {
  test('are listed, the newest first, in pages', async () => {
    const ids = [await newCount()]
    const made = [await change({ ids, action: 'pause' }), await change({ ids, action: 'activate' })]
    const page = JSON.parse((await bulk.call('GET', '/jobs?limit=1')).text)
    const next = JSON.parse((await bulk.call('GET', `/jobs?limit=1&cursor=${page.nextCursor}`)).text)
    expect([...page.items, ...next.items].map((job: JobView) => job.id)).toEqual(
      made.map(({ id }) => id).reverse(),
    )
  })

  test('that nobody knows are 404, ended ones cannot be stopped', async () => {
    const nobody = '/jobs/00000000-0000-4000-8000-000000000000'
    for (const path of [nobody, `${nobody}/errors`, `${nobody}/errors?format=csv`])
      expect((await bulk.call('GET', path)).status).toBe(404)
    expect((await bulk.call('DELETE', nobody)).status).toBe(404)
    expect((await bulk.send(`${nobody}/undo`, {})).status).toBe(404)
    expect((await bulk.call('GET', '/jobs/1')).status).toBe(400)
    const job = await change({ ids: [await newCount()], action: 'pause' })
    expect((await bulk.call('DELETE', `/jobs/${job.id}`)).status).toBe(409)
  })

  test.each([
    ['fail', { created: 0 }, 0],
    ['skip', {}, undefined],
  ])('are stopped in the middle (onError=%s)', async (onError, told, left) => {
    const ids = Array.from({ length: 4000 }, (_, i) => `stop-${onError}-${i}`)
    const file = `id,name\n${ids.map((id) => `${id},S`).join('\n')}`
    const { job } = await bulk.importCounts(file, `?onError=${onError}`)
    await until('progress', async () => (await bulk.call('GET', `/jobs/${job.id}`)).job.processed > 0)
    expect((await bulk.call('DELETE', `/jobs/${job.id}`)).status).toBe(204)
    const ended = await bulk.ended(job.id)
    expect(ended).toMatchObject({ status: 'cancelled', ...told })
    const live = await world.sql`select from count_info where id = any(${ids}) and deleted_at is null`
    expect(live).toHaveLength(left ?? ended.created)
    expect(live.length).toBeLessThan(4000)
  })

  test.each(['counts', 'history'])(
    'whose process died after a fault (import of %s) take everything back where all or nothing was asked',
    async (what) => {
      const id = what === 'counts' ? `all-or-nothing-${Date.now()}` : await newCount()
      const at = new Date(Date.now() - 3_600_000).toISOString()
      const { job } =
        what === 'counts'
          ? await bulk.importCounts(`id,name\n${id},S\nNO ID,S\n`, '?onError=skip')
          : await bulk.importHistory(`id,timestamp,delta\n${id},${at},5\nnobody,${at},5\n`, '?onError=skip')
      expect(job).toMatchObject({ status: 'done', created: 1, failed: 1 })
      const { body } = await editor.call('GET', `${admin}/counts/${id}/history?granularity=hour`)
      const sum = (points: { value: number }[]) => points.reduce((sum, { value }) => sum + value, 0)
      expect(sum(body.points)).toBe(what === 'counts' ? 0 : 5)
      // As if its fault had come up in its last round, and nobody had got around to taking back the rest.
      await world.sql`update import_job set status = 'running', phase = 'applying', finished_at = null, holder = null,
        lease_until = now(), options = options || '{"onError":"fail"}' where id = ${job.id}`
      expect(await bulk.ended(job.id)).toMatchObject({ status: 'failed', created: 0, failed: 1 })
      const after = await editor.call('GET', `${admin}/counts/${id}/history?granularity=hour`)
      if (what === 'counts') expect(after.status).toBe(404)
      else expect(sum(after.body.points)).toBe(0)
    },
  )

  test('wait while the value store is away, and end when it is back', async () => {
    const id = await newCount()
    await world.value.pause()
    const reply = await bulk.send('/bulk', { ids: [id], action: 'pause' })
    expect(reply.status).toBe(202)
    await until('a try', async () => {
      const [row] = await world.sql<{ waits: boolean }[]>`
        select holder is null as waits from import_job where id = ${reply.job.id} and status = 'running'`
      return row?.waits
    })
    await world.value.resume()
    expect(await bulk.ended(reply.job.id)).toMatchObject({ status: 'done', updated: 1 })
  })

  test('are for editors; viewers look', async () => {
    const viewer = bulkCaller(world.app, await signIn(world.app, 'viewer'))
    expect((await viewer.send('/bulk', { ids: ['a'], action: 'pause' })).status).toBe(403)
    const { items } = JSON.parse((await viewer.call('GET', '/jobs')).text)
    expect((await viewer.call('GET', `/jobs/${items[0].id}`)).status).toBe(200)
    expect((await viewer.call('DELETE', `/jobs/${items[0].id}`)).status).toBe(403)
    expect((await viewer.send(`/jobs/${items[0].id}/undo`, {})).status).toBe(403)
    expect((await viewer.call('GET', '/export/counts')).status).toBe(200)
  })
})
