import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { freePort } from '@count/stack/ports'
import { until } from '@count/stack/until'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { JobView } from '../src/bulk/jobs.ts'
import { admin } from './bulk-calls.ts'
import { type Caller, openWorld, serviceToken, signIn, type World } from './world.ts'

let world: World
let editor: Caller
const children = new Set<ChildProcess>()
beforeAll(async () => {
  world = await openWorld()
  editor = await signIn(world.app, 'editor')
})
afterAll(async () => {
  for (const child of children) await kill(child)
  await world.close()
})

async function kill(child: ChildProcess): Promise<void> {
  children.delete(child)
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill('SIGKILL')
  await once(child, 'exit')
}

/** The service as a process of its own. */
async function start(): Promise<{ url: string; child: ChildProcess }> {
  const port = await freePort()
  const { drop, ...urls } = world.databases
  const child = spawn(process.execPath, [join(import.meta.dirname, '../src/server.ts')], {
    env: {
      ...process.env, ...urls, VALUE_REDIS_URL: world.value.url, CACHE_REDIS_URL: world.cache.url,
      SERVICE_TOKEN: serviceToken, HOST: '127.0.0.1', PORT: String(port), LOG_LEVEL: 'error',
    }, // biome-ignore format: a table
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  children.add(child)
  const url = `http://127.0.0.1:${port}`
  await until('the service', async () => (await fetch(`${url}/livez`).catch(() => undefined))?.ok)
  return { url, child }
}

const jobRow = async (id: string) => {
  const [row] = await world.sql<(JobView & { total: number })[]>`select * from import_job where id = ${id}`
  return row as JobView & { total: number }
}

/** Sends a file to one process after another; each but the last dies by SIGKILL when the job is some lines further. */
async function throughDeaths(path: string, file: string, deaths: number): Promise<JobView> {
  let running = await start()
  const response = await fetch(`${running.url}${admin}${path}`, {
    method: 'POST',
    headers: { ...editor.headers, 'content-type': 'text/csv' },
    body: file,
  })
  expect(response.status).toBe(202)
  const id = String(response.headers.get('location')?.split('/').at(-1))
  for (let death = 0; death < deaths; death++) {
    const { processed } = await jobRow(id)
    await until('progress', async () => (await jobRow(id)).processed > processed, {
      everyMs: 1,
      deadlineMs: 30_000,
    })
    await kill(running.child)
    expect((await jobRow(id)).status).toBe('running')
    // As when its lease ends by itself, half a minute later.
    await world.sql`update import_job set lease_until = now() where id = ${id}`
    running = await start()
  }
  await until('the end', async () => (await jobRow(id)).status !== 'running', { deadlineMs: 60_000 })
  await kill(running.child)
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
