import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { readFile, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { shardOf } from '@count/core/keys'
import { connectPostgres, type Sql } from '@count/core/postgres'
import { expect, onTestFinished, test } from 'vitest'
import { z } from 'zod'
import { startFaultProxy } from '../src/fault-proxy.ts'
import { until } from '../src/until.ts'
import { startWholeSystem, type WholeSystem, wholeSystemDir } from './whole-system.ts'

const script = join(import.meta.dirname, '../../../scripts/backup.ts')
const command = (args: string[], env: Record<string, string>) =>
  promisify(execFile)(process.execPath, [script, ...args], { env: { ...process.env, ...env } })

const ids = Array.from({ length: 12 }, (_, n) => `kept:${n}`)
const [first = ''] = ids
const shardOfFirst = shardOf(first, 4)
const applied = z.object({ value: z.number(), version: z.number() })
const addressesOf = async ({ dataDir }: WholeSystem) =>
  z
    .object({ ARCHIVE_MIGRATION_URL: z.string() })
    .parse(JSON.parse(await readFile(join(dataDir, 'stores.json'), 'utf8')))

async function increment(system: WholeSystem, id: string, key: string) {
  const response = await fetch(`${system.url}/api/v1/counts/${id}/increment`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${system.apiKey}`,
      'content-type': 'application/json',
      'idempotency-key': key,
    },
    body: '{"amount":1}',
  })
  expect(response.status, await response.clone().text()).toBe(200)
  return {
    replayed: response.headers.get('idempotency-replayed') === 'true',
    ...applied.parse(await response.json()),
  }
}

async function read(system: WholeSystem, path: string): Promise<unknown> {
  const asService = { authorization: `Bearer ${system.apiKey}` }
  const asUser = { cookie: `count_session=${system.session.cookie}` }
  const headers = path.startsWith('/api/v1/counts') ? asService : asUser
  return (await fetch(system.url + path, { headers })).json()
}
const currentOf = async (system: WholeSystem, id: string) =>
  applied.parse(await read(system, `/api/v1/counts/${id}?consistency=strong`))

/** Four clients, each increment awaited: what every count's value was, and what is known to be counted. */
function startLoad(system: WholeSystem) {
  const answers = new Map(ids.map((id) => [id, [] as z.output<typeof applied>[]]))
  const load = { answers, keys: [] as { id: string; key: string }[], stop }
  let stopped = false
  const run = async (client: number) => {
    for (let n = client; !stopped; n++) {
      const id = ids[n % ids.length] as string
      const key = randomUUID()
      answers.get(id)?.push(await increment(system, id, key))
      load.keys.push({ id, key })
    }
  }
  const running = Promise.all([0, 3, 6, 9].map(run))
  running.catch(() => {})
  async function stop() {
    stopped = true
    await running
  }
  return load
}
const more = (load: ReturnType<typeof startLoad>, n = 100) => {
  const goal = load.keys.length + n
  return until(`${n} more increments`, () => load.keys.length >= goal)
}

/** Values and sums of hours, as archived. */
async function archived(sql: Sql): Promise<Map<string, { value: number; hours: number }>> {
  const rows = await sql<{ id: string; value: number; hours: number }[]>`
    select id, value, (select sum(delta)::int8 from history_hour h where h.id = r.id and h.created = r.created) as hours
    from count_record r where not removed`
  return new Map(rows.map(({ id, value, hours }) => [id, { value, hours }]))
}

test('a backup taken under load brings every count, user, key and dashboard back into fresh stores, and nothing acknowledged before it is lost', {
  timeout: 120_000,
}, async () => {
  const before = await startWholeSystem()
  let stopped = false
  onTestFinished(async () => {
    if (!stopped) await before.stop()
  })
  for (const id of ids)
    await before.post('/api/v1/admin/counts', { id, name: id }, z.object({ id: z.literal(id) }))
  const user = { username: 'second', password: 'five odd horses, 77' }
  await before.post(
    '/api/v1/admin/users',
    { ...user, role: 'viewer' },
    z.object({ username: z.literal('second') }),
  )
  const panel = {
    id: 'p',
    type: 'number',
    title: 'One',
    counts: { ids: [first] },
    layout: { x: 0, y: 0, w: 3, h: 2 },
  }
  const made = z.object({ id: z.string() })
  const dashboard = await before.post('/api/v1/dashboards', { name: 'Kept', panels: [panel] }, made)
  const shown = await read(before, `/api/v1/dashboards/${dashboard.id}`)

  const load = startLoad(before)
  const { ARCHIVE_MIGRATION_URL } = await addressesOf(before)
  const archive = connectPostgres(ARCHIVE_MIGRATION_URL, { name: 'test' })
  await until('every count to be archived once', async () => (await archived(archive)).size === ids.length)
  // From here on the first count's shard is not archived: what it takes is in its queue alone.
  const lock = await archive.reserve()
  await lock`begin`
  await lock`set idle_in_transaction_session_timeout = 0`
  await lock`select from count_record where id = ${first} for update`
  await more(load)

  const acknowledged = new Map(ids.map((id) => [id, load.answers.get(id)?.length ?? 0]))
  const keysBefore = load.keys.length
  // The archive is dumped well after the value store's snapshot: meanwhile the other shards store what that does not hold.
  const address = new URL(ARCHIVE_MIGRATION_URL)
  const proxy = await startFaultProxy({ targetHost: address.hostname, targetPort: Number(address.port) })
  proxy.blackhole(true)
  address.port = String(proxy.port)
  const dir = join(before.dir, '../kept')
  onTestFinished(() => rm(dir, { recursive: true, force: true }))
  const backup = command(['backup', dir], { DATA_DIR: before.dataDir, ARCHIVE_MIGRATION_URL: address.href })
  await until('the snapshot', async () => (await stat(join(dir, 'value-0.rdb'))).size > 0)
  await more(load)
  const afterSnapshot = new Map(ids.map((id) => [id, load.answers.get(id)?.length ?? 0]))
  const younger = ids.filter((id) => shardOf(id, 4) !== shardOfFirst)
  await until('the archive to know more than the snapshot', async () => {
    const rows = await archived(archive)
    return younger.every((id) => (rows.get(id)?.value ?? 0) >= (afterSnapshot.get(id) ?? 0))
  })
  proxy.blackhole(false)
  await backup
  await more(load)
  await load.stop()
  await lock`rollback`
  lock.release()
  await archive.end()
  await proxy.close()
  stopped = true
  await before.stop()

  const dir2 = await wholeSystemDir()
  onTestFinished(() => rm(dir2, { recursive: true, force: true }))
  await command(['restore', dir], { DATA_DIR: join(dir2, 'data'), STACK: 'local' })
  const after = await startWholeSystem({}, { ...before, dir: dir2 })
  onTestFinished(() => after.stop())

  const values = new Map<string, number>()
  for (const id of ids) {
    const known = load.answers.get(id) ?? []
    const { value } = await currentOf(after, id)
    expect(
      known.map((one) => one.value),
      id,
    ).toContain(value)
    expect(value, id).toBeGreaterThanOrEqual(
      (younger.includes(id) ? afterSnapshot : acknowledged).get(id) ?? 0,
    )
    const next = await increment(after, id, randomUUID())
    expect(next.value, id).toBe(value + 1)
    expect(next.version, id).toBeGreaterThan(Math.max(...known.map((one) => one.version)))
    values.set(id, next.value)
  }
  for (const { id, key } of load.keys.slice(0, keysBefore))
    expect((await increment(after, id, key)).replayed, `${id} ${key}`).toBe(true)
  const kept = connectPostgres((await addressesOf(after)).ARCHIVE_MIGRATION_URL, { name: 'test' })
  onTestFinished(() => kept.end())
  const expected = new Map([...values].map(([id, value]) => [id, { value, hours: value }]))
  await until('values, archive and history to agree', async () => {
    const rows = await archived(kept)
    return ids.every((id) => rows.get(id)?.value === values.get(id) && rows.get(id)?.hours === values.get(id))
  }).catch(async () => expect(await archived(kept)).toEqual(expected))

  expect(await read(after, `/api/v1/dashboards/${dashboard.id}`)).toEqual(shown)
  expect((await after.signIn(user)).csrfToken).not.toBe('')
  // What was signed in stays signed in.
  expect(await read({ ...after, session: before.session }, '/api/v1/admin/users')).toMatchObject({
    items: [{ username: 'admin' }, { username: 'second', role: 'viewer' }],
  })
})
