import { until } from '@count/stack/until'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { retryDelayS } from '../src/alerts/delivery-worker.ts'
import { openReceiver, type Receiver, verify } from './receiver.ts'
import { caller, openWorld, serviceToken, type World } from './world.ts'

const path = '/api/v1/alerts'
const at = '2026-11-23T12:00:00.000Z'
let world: World
let receiver: Receiver
beforeAll(async () => {
  receiver = await openReceiver()
  world = await openWorld({ WEBHOOK_ALLOW_PRIVATE: 'true' })
})
beforeEach(() => receiver.answerBy(() => 204))
afterAll(async () => {
  await world.close()
  await receiver.close()
})

async function rule(url = receiver.url, { editor } = world) {
  const { status, body } = await editor.call('POST', path, {
    name: '재고 부족',
    count: 'a.count',
    condition: { kind: 'above', at: 100 },
    webhook: { url },
  })
  expect([status, body.errors]).toEqual([201, undefined])
  return { id: body.id, secret: String(body.secret) }
}
const tell = (id: string, version: number, state: 'open' | 'closed', app = world.app) =>
  caller(app, { authorization: `Bearer ${serviceToken}` }).call('POST', '/internal/alerts/transitions', {
    transitions: [{ rule: id, revision: 1, count: 'a.count', version, state, value: version, at }],
  })
const deliveries = async (query: string) =>
  (await world.viewer.call('GET', `${path}/deliveries?${query}`)).body.items
/** Makes what waits due: nobody waits for seconds here. */
const due = (id: string) =>
  world.sql`update alert_delivery set next_at = now() where rule = ${id} and claim is null`

/** Until the only delivery of a rule is as it should be. */
const delivery = (id: string, status: string, attempts = 1) =>
  until(`a delivery to be ${status}`, async () => {
    const [found] = await deliveries(`rule=${id}&status=${status}`)
    return found !== undefined && found.attempts >= attempts ? found : undefined
  })

describe('a webhook', () => {
  test('tells of opening and closing, in order, signed as Standard Webhooks are', async () => {
    const { id, secret } = await rule()
    expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/)
    await tell(id, 101, 'open')
    await tell(id, 102, 'closed')
    await until('both', () => receiver.of(id).length === 2)
    const [opened, closed] = receiver.of(id)
    expect(opened?.message).toEqual({
      type: 'alert.opened',
      timestamp: at,
      data: {
        alert: { id, name: '재고 부족', condition: { kind: 'above', at: 100, hysteresis: 0 } },
        count: 'a.count',
        state: 'open',
        value: 101,
        version: 101,
        cause: 'value',
      },
    })
    expect(closed?.message.type).toBe('alert.closed')
    expect(opened?.id).toMatch(/^msg_/)
    expect(opened?.id).not.toBe(closed?.id)
    for (const got of receiver.of(id)) {
      verify(secret, got)
      expect(() => verify(`whsec_${Buffer.alloc(32).toString('base64')}`, got)).toThrow(
        'No matching signature',
      )
      expect(() =>
        verify(secret, { ...got, body: got.body.replace('101', '999').replace('102', '999') }),
      ).toThrow()
      expect(got.headers['content-type']).toBe('application/json')
    }
    const sent = await delivery(id, 'delivered')
    expect(sent).toMatchObject({
      rule: id,
      ruleName: '재고 부족',
      responseStatus: 204,
      error: null,
      attempts: 1,
    })
  })

  test('of a rule that is changed while open says that the change closed it', async () => {
    const { id } = await rule()
    await tell(id, 101, 'open')
    await world.editor.call('PATCH', `${path}/${id}`, { enabled: false })
    await until('both', () => receiver.of(id).length === 2)
    expect(receiver.of(id)[1]?.message).toMatchObject({
      type: 'alert.closed',
      data: { cause: 'rule', version: null, value: 101 },
    })
  })

  test('is sent once, whichever of several processes are told and send', async () => {
    const others = await Promise.all([world.open(), world.open()])
    const apps = [world.app, ...others.map(({ app }) => app)]
    const rules = await Promise.all(Array.from({ length: 10 }, () => rule()))
    for (const [version, state] of [
      [101, 'open'],
      [102, 'closed'],
    ] as const) {
      await Promise.all(rules.flatMap(({ id }) => apps.map((app) => tell(id, version, state, app))))
    }
    await until('all to be sent', async () => {
      const [row] = await world.sql<[{ n: number }]>`select count(*) as n from alert_delivery
        where status = 'delivered' and rule = any(${rules.map(({ id }) => id)})`
      return row.n === 20
    })
    for (const { id } of rules) {
      expect(receiver.of(id).map(({ message }) => message.type)).toEqual(['alert.opened', 'alert.closed'])
    }
    for (const { close } of others) await close()
  })

  test('that fails is sent again under its id, and what comes after it waits', async () => {
    const { id, secret } = await rule()
    const answers: (number | { status: number; headers: Record<string, string> })[] = [
      500,
      { status: 503, headers: { 'retry-after': '3600' } },
      200,
      200,
    ]
    receiver.answerBy(() => answers.shift() ?? 500)
    await tell(id, 101, 'open')
    const first = await until('the first attempt', async () =>
      (await deliveries(`rule=${id}`)).find((one) => one.error),
    )
    expect(first).toMatchObject({
      status: 'pending',
      attempts: 1,
      error: 'answered 500',
      responseStatus: 500,
    })
    await tell(id, 102, 'closed')
    await due(id)
    await until('the second attempt', async () => {
      return (await deliveries(`rule=${id}`)).find((one) => one.responseStatus === 503)
    })
    const [wait] = await world.sql<[{ s: number }]>`select extract(epoch from next_at - now())::float8 as s
      from alert_delivery where rule = ${id} and response_status = 503`
    expect(wait.s).toBeGreaterThan(3500)
    expect(receiver.of(id).map(({ message }) => message.type)).toEqual(['alert.opened', 'alert.opened'])
    await due(id)
    await until('the rest', () => receiver.of(id).length === 4)
    const [a, b, c, d] = receiver.of(id)
    expect([b?.id, c?.id]).toEqual([a?.id, a?.id])
    expect([a?.body === c?.body, d?.message.type]).toEqual([true, 'alert.closed'])
    for (const got of receiver.of(id)) verify(secret, got)
  })

  test('is given up in the end, listed as dead, and sent again when asked', async () => {
    const { id } = await rule()
    receiver.answerBy(() => 410)
    await tell(id, 101, 'open')
    const dead = await delivery(id, 'dead')
    expect(dead).toMatchObject({ error: 'answered 410', nextAt: null })
    expect((await deliveries('status=dead')).map((one) => one.id)).toContain(dead.id)
    const refused = await world.viewer.call('POST', `${path}/deliveries/${dead.id}/redeliver`)
    expect(refused.status).toBe(403)
    receiver.answerBy(() => 500)
    expect((await world.editor.call('POST', `${path}/deliveries/${dead.id}/redeliver`)).status).toBe(202)
    await until('an attempt', async () => (await deliveries(`rule=${id}`))[0]?.responseStatus === 500)
    expect((await world.editor.call('POST', `${path}/deliveries/${dead.id}/redeliver`)).status).toBe(409)
    await world.sql`update alert_delivery set attempts = 23, next_at = now() where id = ${dead.id}`
    expect(await delivery(id, 'dead', 24)).toMatchObject({ attempts: 24, error: 'answered 500' })
    receiver.answerBy(() => 204)
    const again = await world.editor.call('POST', `${path}/deliveries/${dead.id}/redeliver`)
    expect(again.body).toMatchObject({ id: dead.id, status: 'pending', attempts: 0 })
    await delivery(id, 'delivered')
    expect((await world.editor.call('POST', `${path}/deliveries/none/redeliver`)).status).toBe(404)
  })

  test('is not sent to where a redirect leads', async () => {
    const { id } = await rule()
    receiver.answerBy(() => ({ status: 302, headers: { location: `${receiver.url}/elsewhere` } }))
    await tell(id, 101, 'open')
    await until('the attempt', async () => (await deliveries(`rule=${id}`))[0]?.error === 'answered 302')
    expect(receiver.of(id)).toHaveLength(1)
  })

  test('to nobody fails with the reason, and a removed webhook ends it', async () => {
    const closed = await openReceiver()
    await closed.close()
    const { id } = await rule(closed.url)
    await tell(id, 101, 'open')
    await until(
      'the attempt',
      async () => (await deliveries(`rule=${id}`))[0]?.error === 'failed: ECONNREFUSED',
    )
    await world.editor.call('PATCH', `${path}/${id}`, { webhook: null })
    const [ended] = await deliveries(`rule=${id}`)
    expect(ended).toMatchObject({ status: 'dead', error: 'the webhook was removed' })
    expect((await world.editor.call('POST', `${path}/deliveries/${ended?.id}/redeliver`)).status).toBe(409)
  })

  test('that was claimed by a process that died is sent by another', async () => {
    const { id } = await rule()
    receiver.answerBy(() => 500)
    await tell(id, 101, 'open')
    await until('an attempt', async () => (await deliveries(`rule=${id}`))[0]?.error === 'answered 500')
    // As a claim looks whose process was killed while it sent: nobody settles it, and its time is over.
    await world.sql`update alert_delivery set claim = gen_random_uuid(), next_at = now() where rule = ${id}`
    receiver.answerBy(() => 204)
    expect(await delivery(id, 'delivered', 2)).toMatchObject({ attempts: 2 })
  })

  test('that is not answered holds no other up, and is left to another process when this one stops', async () => {
    const own = await openWorld({ WEBHOOK_ALLOW_PRIVATE: 'true' })
    const [slow, quick] = [await rule(receiver.url, own), await rule(receiver.url, own)]
    receiver.answerBy(({ message }) => (message.data.alert.id === slow.id ? 'silence' : 204))
    await tell(slow.id, 101, 'open', own.app)
    await until('the attempt', () => receiver.of(slow.id).length === 1)
    await tell(quick.id, 101, 'open', own.app)
    await until('the other', () => receiver.of(quick.id).length === 1)
    await own.end()
    const left = await own.sql`select status, attempts, next_at <= now() as due, claim from alert_delivery
      where rule = ${slow.id}`
    expect(left).toEqual([{ status: 'pending', attempts: 0, due: true, claim: null }])
    receiver.answerBy(() => 204)
    await own.open()
    await until('the second attempt', () => receiver.of(slow.id).length === 2)
    const [first, second] = receiver.of(slow.id)
    expect(second?.id).toBe(first?.id)
    await own.close()
  })
})

describe('its secret', () => {
  test('is shown once, and after a change the old one signs too for a day', async () => {
    const { id, secret } = await rule()
    for (const url of ['', `/${id}`, '/deliveries', `/${id}/history`])
      expect((await world.viewer.call('GET', `${path}${url}`)).text).not.toContain('whsec_')
    const saved = await world.editor.call('PATCH', `${path}/${id}`, { webhook: { url: `${receiver.url}?x` } })
    expect([saved.status, saved.body.secret]).toEqual([200, null])
    const rotated = await world.editor.call('POST', `${path}/${id}/secret`)
    expect(rotated.headers['cache-control']).toBe('no-store')
    await tell(id, 101, 'open')
    await until('it', () => receiver.of(id).length === 1)
    for (const one of [secret, String(rotated.body.secret)]) {
      const [got] = receiver.of(id)
      if (got) verify(one, got)
    }
    await world.sql`update alert_rule set previous_until = now() where id = ${id}`
    await tell(id, 102, 'closed')
    await until('the other', () => receiver.of(id).length === 2)
    const [, closed] = receiver.of(id)
    expect(closed && (() => verify(secret, closed))).toThrow('No matching signature')
    const { body } = await world.editor.call('POST', path, {
      name: 'x',
      count: 'a',
      condition: { kind: 'below', at: 1 },
    })
    expect(body.secret).toBeNull()
    expect((await world.editor.call('POST', `${path}/${body.id}/secret`)).status).toBe(409)
    const given = await world.editor.call('PATCH', `${path}/${body.id}`, { webhook: { url: receiver.url } })
    expect(given.body.secret).toMatch(/^whsec_/)
  })
})

describe('the test button', () => {
  test('sends an example and tells what came of it', async () => {
    const { id, secret } = await rule()
    const press = () => world.editor.call('POST', `${path}/${id}/test`)
    expect((await press()).body).toEqual({
      delivered: true,
      status: 204,
      error: null,
      ms: expect.any(Number),
    })
    const [got] = receiver.of(id)
    expect(got?.message.type).toBe('alert.test')
    if (got) verify(secret, got)
    receiver.answerBy(() => 400)
    expect((await press()).body).toMatchObject({ delivered: false, status: 400, error: 'answered 400' })
    expect(await deliveries(`rule=${id}`)).toEqual([])
    const { id: bare } = (
      await world.editor.call('POST', path, { name: 'x', count: 'a', condition: { kind: 'below', at: 1 } })
    ).body
    expect((await world.editor.call('POST', `${path}/${bare}/test`)).status).toBe(409)
  })
})

test('attempts part: twice as long each time, half of it by chance, six hours at most', () => {
  expect([0, 1].map((chance) => retryDelayS(1, 0, chance))).toEqual([2.5, 5])
  expect([0, 1].map((chance) => retryDelayS(4, 0, chance))).toEqual([20, 40])
  expect(retryDelayS(24, 0, 1)).toBe(6 * 3600)
  expect(retryDelayS(1, 600, 1)).toBe(600)
  expect(retryDelayS(1, 1e9, 1)).toBe(6 * 3600)
})
