import { until } from '@count/stack/until'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { JobView } from '../src/bulk/jobs.ts'
import { admin } from './bulk-calls.ts'
import { openProcesses } from './processes.ts'
import { type Caller, openWorld, signIn, type World } from './world.ts'

let world: World
let editor: Caller
let processes: ReturnType<typeof openProcesses>
beforeAll(async () => {
  world = await openWorld()
  processes = openProcesses(world)
  editor = await signIn(world.app, 'editor')
})
afterAll(async () => {
  await processes.end()
  await world.close()
})

const jobRow = async (id: string) => {
  const [row] = await world.sql<(JobView & { total: number })[]>`select * from import_job where id = ${id}`
  return row as JobView & { total: number }
}

/** Sends a file to one process after another; each but the last dies by SIGKILL when the job is some lines further. */
async function throughDeaths(path: string, file: string, deaths: number): Promise<JobView> {
  let running = await processes.start('count-management-service')
  const response = await fetch(`${running.url}${admin}${path}`, {
    method: 'POST',
    headers: { ...editor.headers, 'content-type': 'text/csv' },
    body: file,
  })
  expect(response.status).toBe(202)
  const id = String(response.headers.get('location')?.split('/').at(-1))
  for (let death = 0; death < deaths; death++) {
    const { processed } = await jobRow(id)
    // Once between the commit of a round's changes and its scripts, where lines have begun and not ended; else anywhere.
    const begun = () =>
      world.sql`select from import_row where job = ${id} and revision is not null and result is null limit 1`
    const moment = async () =>
      death === 1 && path === '/import/counts'
        ? (await begun()).length > 0
        : (await jobRow(id)).processed > processed
    await until('progress', moment, { everyMs: 1, deadlineMs: 30_000 })
    await running.kill()
    expect((await jobRow(id)).status).toBe('running')
    // As when its lease ends by itself, half a minute later.
    await world.sql`update import_job set lease_until = now() where id = ${id}`
    running = await processes.start('count-management-service')
  }
  await until('the end', async () => (await jobRow(id)).status !== 'running', { deadlineMs: 60_000 })
  await running.kill()
  return await jobRow(id)
}

// The last one, as it ends the first process.
test('an import whose process is killed goes on where it stopped: no line is lost, none counts twice', async () => {
  await world.end()
  const ids = Array.from({ length: 12_000 }, (_, i) => `kill-${i}`)
  const counts = await throughDeaths(
    '/import/counts',
    `id,name,initialValue\n${ids.map((id, i) => `${id},K,${i}`).join('\n')}`,
    3,
  )
  expect(counts).toMatchObject({ status: 'done', created: 12_000, processed: 12_000, failed: 0 })
  const [sums] = await world.sql`select
    (select count(*)::int from count_info where id = any(${ids}) and deleted_at is null) as live,
    (select count(*)::int from audit where target = any(${ids}) and action = 'count.create') as audited,
    (select count(*)::int from lifecycle_outbox where id = any(${ids}) and outcome = 'applied') as applied`
  expect(sums).toEqual({ live: 12_000, audited: 12_000, applied: 12_000 })
  const records = await world.redis.keys('*:count:kill-*')
  expect(records).toHaveLength(12_000)

  const at = Date.now() - 7_200_000
  const lines = ids.map((_, i) => `kill-${i % 40},${new Date(at - (i % 7) * 60_000).toISOString()},1`)
  const past = await throughDeaths('/import/history', `id,timestamp,delta\n${lines.join('\n')}`, 3)
  expect(past).toMatchObject({ status: 'done', created: 12_000, processed: 12_000, failed: 0 })
  const { app } = await world.open()
  const reader = await signIn(app, 'viewer')
  for (let i = 0; i < 40; i++) {
    const { body } = await reader.call('GET', `${admin}/counts/kill-${i}/history?granularity=day`)
    expect(body.points.reduce((sum, point) => sum + point.value, 0)).toBe(300)
  }
}, 240_000)
