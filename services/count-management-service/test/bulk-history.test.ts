import { openValueStore } from '@count/core/value-store'
import { openZone } from '@count/core/zone'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { importBlock } from '../src/bulk/history-blocks.ts'
import { jobOf } from '../src/bulk/jobs.ts'
import { admin, type BulkCaller, bulkCaller } from './bulk-calls.ts'
import { type Caller, log, openWorld, signIn, type World } from './world.ts'

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
async function newCount(initialValue = 0): Promise<string> {
  const id = `past-${++made}`
  await editor.call('POST', `${admin}/counts`, { id, name: 'P', initialValue })
  return id
}
const csv = (...lines: string[]) => `id,timestamp,delta\n${lines.join('\n')}\n`
const hour = 3_600_000
const now = Date.now()
const at = (hoursAgo: number) => new Date(now - hoursAgo * hour).toISOString()

/** The changes that are not 0. */
async function changes(id: string, granularity: string, hoursBack: number): Promise<number[]> {
  const url = `${admin}/counts/${id}/history?granularity=${granularity}&from=${at(hoursBack)}`
  const { body } = await editor.call('GET', url)
  return body.points.map((point) => point.value).filter((value) => value !== 0)
}

describe('an import of history', () => {
  test('adds to every granularity that still keeps the time, and leaves the value', async () => {
    const id = await newCount(5)
    const { status, job } = await bulk.importHistory(
      csv(`${id},${at(1)},3`, `${id},${at(1)},4`, `${id},${at(24 * 3)},-2`, `${id},${at(24 * 365)},10`),
    )
    expect(status).toBe(200)
    expect(job).toMatchObject({
      kind: 'import.history',
      status: 'done',
      created: 4,
      processed: 4,
      failed: 0,
      undoable: true,
    })
    expect(await changes(id, 'minute', 47)).toEqual([7])
    expect(await changes(id, 'hour', 24 * 80)).toEqual([-2, 7])
    expect((await changes(id, 'day', 24 * 400)).reduce((a, b) => a + b)).toBe(15)
    expect((await editor.call('GET', `${admin}/counts/${id}`)).body.value).toBe(5)
    const audit = await world.sql`select action, detail from audit where target = ${id} order by id offset 1`
    expect(audit).toEqual([
      { action: 'history.import', detail: expect.objectContaining({ lines: 4, after: { sum: 15 } }) },
    ])
  })

  test('refuses what lies in the future, is older than all that is kept, or names no count: all or nothing', async () => {
    const id = await newCount()
    const lines = [
      `${id},${at(1)},3`,
      `${id},${at(-1)},3`,
      `${id},${at(24 * 3660)},3`,
      `nobody,${at(1)},3`,
      `${id},yesterday,3`,
      `${id},${at(1)},1.5`,
      `${id},${at(1)},`,
    ]
    const { job } = await bulk.importHistory(csv(...lines))
    expect(job).toMatchObject({ status: 'failed', created: 0, failed: 6, processed: 7 })
    expect(job.errors.map(({ line }) => line)).toEqual([3, 4, 5, 6, 7, 8])
    expect(await changes(id, 'day', 48)).toEqual([])
    const dry = await bulk.importHistory(csv(...lines), '?dryRun=true&onError=skip')
    expect(dry.job).toMatchObject({ status: 'done', created: 1, failed: 6, dryRun: true })
    expect(await changes(id, 'day', 48)).toEqual([])
    const skip = await bulk.importHistory(csv(...lines), '?onError=skip')
    expect(skip.job).toMatchObject({ status: 'done', created: 1, failed: 6 })
    expect((await changes(id, 'day', 48)).reduce((a, b) => a + b)).toBe(3)
    expect((await bulk.importHistory('id,delta\na,1\n')).status).toBe(400)
  })

  test('leaves out a count whose sums would leave the exact numbers, and takes all back where asked', async () => {
    const [a, b] = [await newCount(), await newCount()]
    const most = 2 ** 52 - 1
    const lines = [`${b},${at(2)},6`, ...[1, 2, 3].map(() => `${a},${at(2)},${most}`)]
    const skip = await bulk.importHistory(csv(...lines), '?onError=skip')
    expect(skip.job).toMatchObject({ status: 'done', created: 1, failed: 3 })
    expect(await changes(b, 'hour', 24)).toEqual([6])
    expect(await changes(a, 'hour', 24)).toEqual([])
    const fail = await bulk.importHistory(csv(...lines))
    expect(fail.job).toMatchObject({ status: 'failed', created: 0, failed: 3, undoable: false })
    expect(await changes(b, 'hour', 24)).toEqual([6])
  })

  test('can be taken back, once', async () => {
    const id = await newCount()
    const line = `${id},${at(5)},8`
    const { job } = await bulk.importHistory(csv(line, line))
    await bulk.importHistory(csv(line))
    const undo = await bulk.done(bulk.send(`/jobs/${job.id}/undo`, {}))
    expect(undo).toMatchObject({ kind: 'undo.history', status: 'done', created: 2 })
    expect(await changes(id, 'hour', 24)).toEqual([8])
    expect((await bulk.send(`/jobs/${job.id}/undo`, {})).job.id).toBe(undo.id)
    expect((await bulk.send(`/jobs/${undo.id}/undo`, {})).status).toBe(409)
    expect((await bulk.call('DELETE', `/jobs/${undo.id}`)).status).toBe(409)
    expect(await changes(id, 'hour', 24)).toEqual([8])
  })
})

test('a block whose process died before it wrote down what came of it is imported once', async () => {
  const [a, b] = [await newCount(), await newCount()]
  const most = 2 ** 52 - 1
  const lines = [`${b},${at(2)},6`, ...[1, 2, 3].map(() => `${a},${at(2)},${most}`), `${b},${at(2)},1`]
  // Judged, and not yet applied.
  const dry = await bulk.importHistory(csv(...lines), '?onError=skip&dryRun=true')
  expect(dry.job).toMatchObject({ status: 'done', created: 5 })
  const store = await openValueStore({ VALUE_REDIS_URL: world.value.url }, { log })
  const parts = { store, zone: openZone('UTC') }
  const jobRow = async () => {
    const [row] = await world.sql`select * from import_job where id = ${dry.job.id}`
    return row
  }
  await world.sql`update import_job set processed = 0, created = 0 where id = ${dry.job.id}`
  const job = jobOf((await jobRow()) as Parameters<typeof jobOf>[0])
  // The first transaction notes the count that goes out of range, the second one is the last of a block.
  let transactions = 0
  const dying = new Proxy(world.sql, {
    get: (target, name) =>
      name === 'begin' && ++transactions === 2
        ? () => Promise.reject(new Error('killed'))
        : Reflect.get(target, name),
  })
  await expect(importBlock({ ...parts, sql: dying }, job, -1)).rejects.toThrow('killed')
  expect(await changes(b, 'hour', 24)).toEqual([7])
  expect(await importBlock({ ...parts, sql: world.sql }, job, -1)).toBe(999)
  expect(await importBlock({ ...parts, sql: world.sql }, job, 999)).toBeUndefined()
  expect(await changes(b, 'hour', 24)).toEqual([7])
  expect(await changes(a, 'hour', 24)).toEqual([])
  expect(await jobRow()).toMatchObject({ processed: 5, created: 2, failed: 3 })
  const audit = await world.sql`select detail from audit where target = ${b} and action = 'history.import'`
  expect(audit).toEqual([{ detail: expect.objectContaining({ lines: 2, after: { sum: 7 } }) }])
  await store.close()
})

test('an export of history, imported into counts without one, gives the same history', async () => {
  const id = await newCount()
  await bulk.importHistory(csv(`${id},${at(3)},5`, `${id},${at(30)},-1`, `${id},${at(24 * 20)},9`))
  await editor.call('PUT', `${admin}/counts/${id}/value`, { value: 3, reason: 'x' })
  const exported = await bulk.call('GET', `/export/history?granularity=hour&q=${id}`)
  expect(exported.text).toMatch(/^\ufeffid,timestamp,delta\r\n/)
  expect(exported.text.trim().split('\r\n')).toHaveLength(5)
  const lines = await bulk.call('GET', `/export/history?granularity=day&format=ndjson&q=${id}`)
  const sum = lines.text
    .trim()
    .split('\n')
    .reduce((sum, line) => sum + JSON.parse(line).delta, 0)
  expect(sum).toBe(16)
  const copy = await newCount()
  expect((await bulk.importHistory(exported.text.replaceAll(id, copy))).job).toMatchObject({
    created: 4,
    failed: 0,
  })
  expect(await changes(copy, 'hour', 24 * 30)).toEqual(await changes(id, 'hour', 24 * 30))
  expect((await bulk.call('GET', `/export/history?from=${at(1)}&to=${at(2)}`)).status).toBe(400)
})
