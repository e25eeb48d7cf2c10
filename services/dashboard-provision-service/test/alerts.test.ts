import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openWorld, type World } from './world.ts'

const path = '/api/v1/alerts'
let world: World
beforeAll(async () => {
  world = await openWorld()
})
afterAll(() => world.close())

const above = { name: 'High', count: 'a.count', condition: { kind: 'above', at: 100, hysteresis: 10 } }

async function create(body: object = above): Promise<string> {
  const reply = await world.editor.call('POST', path, body)
  expect([reply.status, reply.body.errors]).toEqual([201, undefined])
  return reply.body.id
}
const tell = (...transitions: object[]) =>
  world.service.call('POST', '/internal/alerts/transitions', { transitions })
const at = '2026-11-23T12:00:00.000Z'
const seen = (rule: string, version: number, state: 'open' | 'closed', more: object = {}) => ({
  ...{ rule, revision: 1, count: 'a.count', version, state, value: version, at },
  ...more,
})
const results = async (...transitions: object[]) =>
  (await tell(...transitions)).body.results.map(({ accepted, state }) => [accepted, state])

describe('a rule', () => {
  test('is created, read, listed, changed and removed', async () => {
    const made = await world.editor.call('POST', path, above)
    expect(made.status).toBe(201)
    expect(made.headers.location).toBe(`${path}/${made.body.id}`)
    const read = await world.viewer.call('GET', `${path}/${made.body.id}`)
    expect(read.body).toEqual({
      id: made.body.id,
      ...above,
      enabled: true,
      webhook: null,
      revision: 1,
      state: 'closed',
      since: null,
      version: null,
      value: null,
      createdAt: expect.any(String),
      createdBy: 'editor',
      updatedAt: expect.any(String),
      updatedBy: 'editor',
    })
    const renamed = await world.admin.call('PATCH', `${path}/${made.body.id}`, { name: 'Higher' })
    expect(renamed.body).toMatchObject({ name: 'Higher', revision: 1, updatedBy: 'admin' })
    const changes = { kind: 'changes', by: 5, withinS: 60 }
    const replaced = await world.editor.call('PUT', `${path}/${made.body.id}`, {
      ...{ name: 'Fast', count: 'b', condition: changes },
    })
    expect(replaced.body).toMatchObject({
      name: 'Fast',
      revision: 2,
      condition: { ...changes, direction: 'any', hysteresis: 0 },
    })
    expect((await world.editor.call('DELETE', `${path}/${made.body.id}`)).status).toBe(204)
    for (const [method, url, body] of [
      ['GET', '', undefined],
      ['PUT', '', above],
      ['PATCH', '', {}],
      ['DELETE', '', undefined],
      ['GET', '/history', undefined],
      ['POST', '/test', undefined],
      ['POST', '/secret', undefined],
    ] as const) {
      const reply = await world.editor.call(method, `${path}/${made.body.id}${url}`, body)
      expect([method, url, reply.status]).toEqual([method, url, 404])
    }
  })

  test.for<[string, object, string[]]>([
    ['nothing', {}, ['name', 'count', 'condition']],
    ['a blank name', { ...above, name: ' ' }, ['name']],
    ['no count id', { ...above, count: 'A' }, ['count']],
    ['no such kind', { ...above, condition: { kind: 'near', at: 1 } }, ['condition.kind']],
    ['no threshold', { ...above, condition: { kind: 'above' } }, ['condition.at']],
    ['a threshold in words', { ...above, condition: { kind: 'above', at: 'ten' } }, ['condition.at']],
    [
      'a negative hysteresis',
      { ...above, condition: { kind: 'below', at: 1, hysteresis: -1 } },
      ['condition.hysteresis'],
    ],
    ['fields of another kind', { ...above, condition: { kind: 'above', at: 1, by: 1 } }, ['condition']],
    [
      'a change without its window',
      { ...above, condition: { kind: 'changes', by: 1 } },
      ['condition.withinS'],
    ],
    [
      'a change by nothing',
      { ...above, condition: { kind: 'changes', by: 0, withinS: 60 } },
      ['condition.by'],
    ],
    [
      'more hysteresis than change',
      { ...above, condition: { kind: 'changes', by: 1, withinS: 60, hysteresis: 2 } },
      ['condition.hysteresis'],
    ],
    ['a webhook that is no URL', { ...above, webhook: { url: 'hook' } }, ['webhook.url']],
    ['a webhook without TLS', { ...above, webhook: { url: 'http://hooks.example/' } }, ['webhook.url']],
    ['a webhook to this host', { ...above, webhook: { url: 'https://127.0.0.1/' } }, ['webhook.url']],
    [
      'a webhook with a password',
      { ...above, webhook: { url: 'https://a:b@hooks.example/' } },
      ['webhook.url'],
    ],
    ['a webhook of another scheme', { ...above, webhook: { url: 'file:///etc/passwd' } }, ['webhook.url']],
    ['a field that is none', { ...above, colour: 'red' }, ['colour']],
  ])('of %s is refused, path by path', async ([, body, paths]) => {
    const reply = await world.editor.call('POST', path, body)
    expect(reply.status).toBe(400)
    expect(reply.body.errors.map((error) => error.path)).toEqual(paths)
    const id = await create()
    expect((await world.editor.call('PUT', `${path}/${id}`, body)).body.errors).toEqual(reply.body.errors)
  })

  test('is found by name, count and state, and paged by name', async () => {
    const [b, a, c] = [
      await create({ ...above, name: 'find b' }),
      await create({ ...above, name: 'Find A' }),
      await create({ ...above, name: 'FIND c', count: 'other' }),
    ]
    await tell(seen(b, 1, 'open'))
    const ids = async (query: string) =>
      (await world.viewer.call('GET', `${path}?${query}`)).body.items.map(({ id }) => id)
    expect(await ids('q=find')).toEqual([a, b, c])
    expect(await ids('q=find&count=other')).toEqual([c])
    expect(await ids('q=find&state=open')).toEqual([b])
    const first = await world.viewer.call('GET', `${path}?q=find&limit=2`)
    expect(await ids(`q=find&limit=2&cursor=${first.body.nextCursor}`)).toEqual([c])
    expect((await world.viewer.call('GET', `${path}?cursor=x`)).status).toBe(400)
  })
})

describe('a transition', () => {
  test('opens and closes an alert, and is in its history', async () => {
    const rule = await create()
    expect(await results(seen(rule, 10, 'open', { value: 101 }))).toEqual([[true, 'open']])
    const open = await world.viewer.call('GET', `${path}/${rule}`)
    expect(open.body).toMatchObject({ state: 'open', since: at, version: 10, value: 101 })
    expect(await results(seen(rule, 11, 'closed', { value: 90 }))).toEqual([[true, 'closed']])
    const { items } = (await world.viewer.call('GET', `${path}/${rule}/history`)).body
    expect(items).toEqual([
      {
        id: expect.any(String),
        state: 'closed',
        count: 'a.count',
        value: 90,
        version: 11,
        cause: 'value',
        at,
      },
      {
        id: expect.any(String),
        state: 'open',
        count: 'a.count',
        value: 101,
        version: 10,
        cause: 'value',
        at,
      },
    ])
    const page = await world.viewer.call('GET', `${path}/${rule}/history?limit=1`)
    const rest = await world.viewer.call(
      'GET',
      `${path}/${rule}/history?limit=1&cursor=${page.body.nextCursor}`,
    )
    expect([rest.body.items.map(({ state }) => state), rest.body.nextCursor]).toEqual([['open'], null])
  })

  test('is taken once, however many tell it, and an older one never', async () => {
    const rule = await create()
    const told = await Promise.all(Array.from({ length: 20 }, () => results(seen(rule, 10, 'open'))))
    expect(told).toEqual(Array.from({ length: 20 }, () => [[true, 'open']]))
    expect(await results(seen(rule, 9, 'closed'))).toEqual([[false, 'open']])
    expect(await results(seen(rule, 12, 'open'))).toEqual([[false, 'open']])
    expect(await results(seen(rule, 13, 'closed'))).toEqual([[true, 'closed']])
    expect(await results(seen(rule, 10, 'open'), seen(rule, 13, 'open'))).toEqual([
      [false, 'closed'],
      [false, 'closed'],
    ])
    const { items } = (await world.viewer.call('GET', `${path}/${rule}/history`)).body
    expect(items.map(({ version, state }) => [version, state])).toEqual([
      [13, 'closed'],
      [10, 'open'],
    ])
  })

  test('may close at the version that it opened at, as time alone ends a change', async () => {
    const rule = await create({ ...above, condition: { kind: 'changes', by: 5, withinS: 60 } })
    expect(await results(seen(rule, 10, 'open'), seen(rule, 10, 'closed'), seen(rule, 10, 'open'))).toEqual([
      [true, 'open'],
      [true, 'closed'],
      [false, 'closed'],
    ])
  })

  test('of another revision or count, of a rule that is disabled or gone, is refused', async () => {
    const rule = await create()
    expect(
      await results(
        seen(rule, 10, 'open', { revision: 2 }),
        seen(rule, 10, 'open', { count: 'other' }),
        seen('none', 10, 'open'),
      ),
    ).toEqual([
      [false, 'closed'],
      [false, 'closed'],
      [false, null],
    ])
    await world.editor.call('PATCH', `${path}/${rule}`, { enabled: false })
    expect(await results(seen(rule, 10, 'open', { revision: 2 }))).toEqual([[false, null]])
    expect((await tell({ ...seen(rule, 1, 'open'), value: 0.5 })).body.errors[0]?.path).toBe(
      'transitions.0.value',
    )
    expect(
      (await world.service.call('POST', '/internal/alerts/transitions', { transitions: [] })).status,
    ).toBe(400)
  })

  test('is closed by a change of the rule, which begins anew', async () => {
    const rule = await create()
    await tell(seen(rule, 10, 'open'))
    await world.editor.call('PATCH', `${path}/${rule}`, { name: 'Still open' })
    expect((await world.viewer.call('GET', `${path}/${rule}`)).body).toMatchObject({
      state: 'open',
      revision: 1,
    })
    await world.editor.call('PATCH', `${path}/${rule}`, { condition: { kind: 'above', at: 5 } })
    const edited = await world.viewer.call('GET', `${path}/${rule}`)
    expect(edited.body).toMatchObject({ state: 'closed', revision: 2, version: null })
    // The same version opens it again under the new condition.
    expect(await results(seen(rule, 10, 'open'), seen(rule, 10, 'open', { revision: 2 }))).toEqual([
      [false, 'closed'],
      [true, 'open'],
    ])
    const { items } = (await world.viewer.call('GET', `${path}/${rule}/history`)).body
    expect(items.map(({ state, cause, version }) => [state, cause, version])).toEqual([
      ['open', 'value', 10],
      ['closed', 'rule', null],
      ['open', 'value', 10],
    ])
  })
})

describe('what evaluators ask', () => {
  test('is every enabled rule with its state, and 304 until one changes', async () => {
    const rule = await create()
    const disabled = await create({ ...above, enabled: false })
    const ask = (etag = '') =>
      world.service.call('GET', '/internal/alerts', undefined, { 'if-none-match': etag })
    const first = await ask()
    expect(first.body.rules.find(({ id }) => id === rule)).toEqual({
      id: rule,
      ...above,
      revision: 1,
      state: 'closed',
      since: null,
      version: null,
      value: null,
    })
    expect(first.body.rules.some(({ id }) => id === disabled)).toBe(false)
    let etag = String(first.headers.etag)
    expect((await ask(etag)).status).toBe(304)
    for (const change of [
      () => tell(seen(rule, 10, 'open')),
      () => world.editor.call('PATCH', `${path}/${rule}`, { name: 'x' }),
      () => world.editor.call('DELETE', `${path}/${rule}`),
    ]) {
      await change()
      const reply = await ask(etag)
      expect(reply.status).toBe(200)
      etag = String(reply.headers.etag)
    }
    await tell(seen(disabled, 10, 'open'))
    expect((await ask(etag)).status).toBe(304)
  })
})
