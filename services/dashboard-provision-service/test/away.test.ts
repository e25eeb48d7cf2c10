import { type PostgresServer, startPostgres } from '@count/stack/postgres-server'
import { until } from '@count/stack/until'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openReceiver, type Receiver } from './receiver.ts'
import { openWorld, type World } from './world.ts'

let postgres: PostgresServer
let receiver: Receiver
let world: World
beforeAll(async () => {
  postgres = await startPostgres()
  receiver = await openReceiver()
  // One role for everything, as a deployment may have it.
  const own = { DASHBOARD_DATABASE_URL: postgres.url, DASHBOARD_MIGRATION_URL: postgres.url }
  world = await openWorld({ ...own, WEBHOOK_ALLOW_PRIVATE: 'true' })
})
afterAll(async () => {
  await world.close()
  await Promise.all([receiver.close(), postgres.stop()])
})

test('while DashboardConfigDB is away calls get 503 and say when to come back; then all goes on, webhooks too', async () => {
  const path = '/api/v1/dashboards'
  const { id } = (await world.editor.call('POST', path, { name: 'Kept' })).body
  const { token } = (await world.editor.call('POST', `${path}/${id}/shares`, {})).body
  const rule = await world.editor.call('POST', '/api/v1/alerts', {
    ...{ name: 'Kept', count: 'a', condition: { kind: 'above', at: 1 }, webhook: { url: receiver.url } },
  })
  receiver.answerBy(() => 500)
  const open = {
    rule: rule.body.id,
    revision: 1,
    count: 'a',
    version: 1,
    state: 'open',
    value: 2,
    at: new Date().toISOString(),
  }
  await world.service.call('POST', '/internal/alerts/transitions', { transitions: [open] })
  await until('the first attempt to be noted', async () => {
    const { items } = (await world.viewer.call('GET', '/api/v1/alerts/deliveries')).body
    return items[0]?.responseStatus === 500
  })

  await postgres.kill('SIGKILL')
  // Its backends outlive it by moments.
  const asked = () => Promise.all(Array.from({ length: 20 }, () => world.viewer.call('GET', path)))
  await until('nobody to answer', async () => (await asked()).every(({ status }) => status === 503))
  for (const [caller, method, url, body] of [
    [world.viewer, 'GET', path, undefined],
    [world.viewer, 'GET', `${path}/${id}`, undefined],
    [world.editor, 'POST', path, { name: 'Lost' }],
    [world.editor, 'PATCH', `${path}/${id}`, { name: 'Lost' }],
    [world.nobody, 'GET', `${path}/shared/${token}`, undefined],
    [world.nobody, 'GET', `/dashboards/share/${token}`, undefined],
    [world.service, 'GET', `/internal/dashboards?id=${id}`, undefined],
    [
      world.service,
      'POST',
      '/internal/alerts/transitions',
      { transitions: [{ ...open, version: 2, state: 'closed' }] },
    ],
  ] as const) {
    const reply = await caller.call(method, url, body, { 'if-match': '*' })
    expect([method, url, reply.status, reply.headers['retry-after']]).toEqual([method, url, 503, '1'])
  }
  expect((await world.nobody.call('GET', '/readyz')).status).toBe(503)

  receiver.answerBy(() => 204)
  await postgres.restart()
  await until('its return', async () => (await world.viewer.call('GET', `${path}/${id}`)).status === 200)
  expect((await world.viewer.call('GET', path)).body.items.map(({ name }) => name)).toEqual(['Kept'])
  await until('the second attempt', () => receiver.received.length === 2)
  expect(receiver.received[1]?.id).toBe(receiver.received[0]?.id)
})
