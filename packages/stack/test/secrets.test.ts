import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { until } from '../src/until.ts'
import { startWholeSystem, type WholeSystem } from './whole-system.ts'

const patience = 240_000
const token = 'a-service-token-that-nobody-may-see'
const wrong = 'a-wrong-password-somebody-typed'

let system: WholeSystem
beforeAll(async () => {
  system = await startWholeSystem({ SERVICE_TOKEN: token, LOG_LEVEL: 'trace' })
}, patience)
afterAll(() => system?.stop())

/** What stands in the log from here on. The first start prints the first credentials, once and on purpose. */
async function logged(): Promise<() => Promise<string>> {
  const { length } = await readFile(system.logFile, 'utf8')
  return async () => (await readFile(system.logFile, 'utf8')).slice(length)
}

test('no secret is in any log line, whatever is told and whoever fails', { timeout: patience }, async () => {
  const { url, admin, apiKey } = system
  const told = await logged()
  const secrets: Record<string, string> = { token, wrong, apiKey, password: admin.password }

  const again = await system.signIn(admin)
  Object.assign(secrets, { session: again.cookie, csrf: again.csrfToken })
  const refused = await fetch(`${url}/api/v1/admin/session`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ username: admin.username, password: wrong }),
  })
  expect(refused.status).toBe(401)

  const key = z.object({ id: z.string(), key: z.string() })
  const made = await system.post('/api/v1/admin/api-keys', { name: 'k', scopes: ['counts:read'] }, key)
  const rotated = await system.post(`/api/v1/admin/api-keys/${made.id}/rotate`, {}, key)
  Object.assign(secrets, { made: made.key, rotated: rotated.key })
  for (const bearer of [made.key, rotated.key, `${made.key.slice(0, -8)}00000000`])
    await fetch(`${url}/api/v1/counts`, { headers: { authorization: `Bearer ${bearer}` } })
  const user = { username: 'somebody', password: 'purple-lantern-on-the-7th-roof', role: 'viewer' }
  await system.post('/api/v1/admin/users', user, z.object({ username: z.string() }))
  secrets.user = user.password

  const board = await system.post(
    '/api/v1/dashboards',
    { name: 'b', panels: [] },
    z.object({ id: z.string() }),
  )
  const share = await system.post(
    `/api/v1/dashboards/${board.id}/shares`,
    {},
    z.looseObject({ token: z.string() }),
  )
  secrets.share = share.token
  for (const path of ['/dashboards/share/', '/api/v1/dashboards/shared/'])
    expect((await fetch(url + path + share.token)).status).toBe(200)
  await system.post('/api/v1/admin/counts', { id: 'a', name: 'a' }, z.unknown())
  const rule = { name: 'r', count: 'a', condition: { kind: 'above', at: 5 } }
  const webhook = { url: 'https://receiver.invalid/hook' }
  const alert = await system.post(
    '/api/v1/alerts',
    { ...rule, webhook },
    z.looseObject({ secret: z.string() }),
  )
  secrets.webhook = alert.secret

  const stores = z
    .record(z.string(), z.string())
    .parse(JSON.parse(await readFile(join(system.dataDir, 'stores.json'), 'utf8')))
  for (const [name, address] of Object.entries(stores)) {
    const { password } = new URL(address.split(',')[0] as string)
    if (password) secrets[name] = decodeURIComponent(password)
  }
  expect(Object.keys(secrets)).toContain('INFO_DATABASE_URL')
  // Each store fails under a call; what the clients complain of is logged.
  for (const store of ['postgres', 'value', 'cache']) {
    await system.killStore(store)
    await fetch(`${url}/api/v1/admin/counts`, { headers: { cookie: `count_session=${again.cookie}` } })
    await fetch(`${url}/api/v1/counts/a/increment`, {
      method: 'POST',
      headers: { authorization: `Bearer ${apiKey}` },
    })
    await until(
      'the system to be well',
      async () => {
        const { status } = z.object({ status: z.string() }).parse(await (await fetch(`${url}/readyz`)).json())
        return status === 'ok'
      },
      { deadlineMs: 60_000 },
    )
  }

  const log = await told()
  expect(log).toContain('"request"')
  expect(log).toContain('ended unexpectedly')
  for (const [name, secret] of Object.entries(secrets)) {
    expect(secret.length, name).toBeGreaterThan(15)
    expect(log.includes(secret), `${name} in the log`).toBe(false)
  }
})
