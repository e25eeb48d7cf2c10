import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openWorld, type World } from './world.ts'

let world: World
let url: string
beforeAll(async () => {
  world = await openWorld()
  url = (await world.run()).url
})
afterAll(() => world.close())

const post = (path: string, body: unknown, headers = {}) => world.send(url, 'POST', path, body, headers)
const put = (id: string, value: unknown, headers = {}) =>
  world.send(url, 'PUT', `/api/v1/counts/${id}/value`, { value }, headers)

describe('one count', () => {
  test('increments, decrements and sets answer the value, a later version and the signed delta', async () => {
    await world.define('one', { initialValue: 10 })
    const up = await post('/api/v1/counts/one/increment', { amount: 5 })
    expect(up).toMatchObject({ status: 200, replayed: false, body: { id: 'one', value: 15, delta: 5 } })
    const down = await post('/api/v1/counts/one/decrement', {})
    expect(down.body).toMatchObject({ value: 14, delta: -1 })
    const set = await put('one', -3)
    expect(set.body).toMatchObject({ value: -3, delta: -17 })
    expect(set.body.version).toBeGreaterThan(down.body.version)
    expect(down.body.version).toBeGreaterThan(up.body.version)
  })

  test('a body is optional, and an amount of 1 the default', async () => {
    await world.define('bare')
    const response = await fetch(`${url}/api/v1/counts/bare/increment`, {
      method: 'POST',
      headers: { authorization: `Bearer ${world.key}` },
    })
    expect(await response.json()).toMatchObject({ value: 1, delta: 1 })
  })

  test('If-Match makes a set a compare-and-set, on the version or on the ETag of a read', async () => {
    await world.define('cas')
    const { version } = (await put('cas', 1)).body
    expect((await put('cas', 2, { 'if-match': `"${version}.7"` })).status).toBe(200)
    expect(await put('cas', 3, { 'if-match': `"${version}"` })).toMatchObject({
      status: 412,
      body: { type: 'urn:count:problem:version-mismatch' },
    })
    expect((await put('cas', 4, { 'if-match': '*' })).status).toBe(200)
    expect((await put('cas', 5, { 'if-match': 'W/"1"' })).status).toBe(412)
    expect((await put('cas', 5, { 'if-match': 'seven' })).status).toBe(400)
  })

  test('a hundred callers on a count of 50 that may not fall below 0: exactly 50 succeed', async () => {
    await world.define('stock', { initialValue: 50, min: 0 })
    const answers = await Promise.all(
      Array.from({ length: 100 }, () => post('/api/v1/counts/stock/decrement', {})),
    )
    expect(answers.filter((answer) => answer.status === 200)).toHaveLength(50)
    expect(answers.filter((answer) => answer.status === 409)).toHaveLength(50)
    expect((await put('stock', 0)).body.delta).toBe(0)
  })
})

describe('idempotency', () => {
  test('of concurrent calls under one key exactly one lacks Idempotency-Replayed, and all get its answer', async () => {
    await world.define('idem')
    const answers = await Promise.all(Array.from({ length: 20 }, () => world.increment(url, 'idem', 3, 'k1')))
    expect(answers.filter((answer) => !answer.replayed)).toHaveLength(1)
    expect(new Set(answers.map((answer) => JSON.stringify(answer.body))).size).toBe(1)
    expect(answers[0]?.body.value).toBe(3)
  })

  test('the default amount and the same amount written out are one request; another amount is refused', async () => {
    await world.define('same')
    await post('/api/v1/counts/same/increment', {}, { 'idempotency-key': 'k' })
    expect((await world.increment(url, 'same', 1, 'k')).replayed).toBe(true)
    expect(await world.increment(url, 'same', 2, 'k')).toMatchObject({
      status: 422,
      body: { type: 'urn:count:problem:key-reused' },
    })
  })

  test('a key of one count is free on another, and on another path', async () => {
    await world.define('left')
    await world.define('right')
    await world.increment(url, 'left', 1, 'shared')
    expect(await world.increment(url, 'right', 2, 'shared')).toMatchObject({ status: 200, replayed: false })
    const down = await post('/api/v1/counts/left/decrement', {}, { 'idempotency-key': 'shared' })
    expect(down).toMatchObject({ status: 200, replayed: false })
  })

  test('a refused request is judged anew under its key', async () => {
    await world.define('full', { max: 1, initialValue: 1 })
    expect((await world.increment(url, 'full', 1, 'k')).status).toBe(409)
    await put('full', 0)
    expect(await world.increment(url, 'full', 1, 'k')).toMatchObject({ status: 200, replayed: false })
  })
})

describe('batch', () => {
  const batch = (operations: unknown[], headers = {}) => post('/api/v1/counts/batch', { operations }, headers)

  test('answers each item in its place, whatever became of the others', async () => {
    await world.define('b1')
    await world.define('b2', { max: 5 })
    const { status, body } = await batch([
      { id: 'b1', op: 'increment' },
      { id: 'nothing-of-the-kind', op: 'increment' },
      { id: 'b2', op: 'set', value: 6 },
      { id: 'B2', op: 'increment' },
      { id: 'b1', op: 'decrement', amount: 3 },
      { id: 'b1', op: 'increment', amount: 0 },
      { id: 'b1', op: 'set' },
      7,
    ])
    expect(status).toBe(200)
    expect(body.results.map((result) => result.status)).toEqual([200, 404, 409, 400, 200, 400, 400, 400])
    expect(body.results[4]).toMatchObject({ id: 'b1', value: -2, delta: -3 })
  })

  test('under one header key it replays whole, and another batch is refused', async () => {
    const ids = Array.from({ length: 12 }, (_, i) => `whole${i}`)
    for (const id of ids) await world.define(id)
    const operations = ids.map((id, i) => ({ id, op: 'increment', amount: i + 1 }))
    const first = await batch(operations, { 'idempotency-key': 'b' })
    const second = await batch(operations, { 'idempotency-key': 'b' })
    expect([first.replayed, second.replayed]).toEqual([false, true])
    expect(second.body).toEqual(first.body)
    const others = [
      [{ ...operations[0], amount: 9 }, ...operations.slice(1)],
      ...operations.map((one) => [one]),
    ]
    for (const other of others) expect((await batch(other, { 'idempotency-key': 'b' })).status).toBe(422)
    const third = await batch(operations, { 'idempotency-key': 'c' })
    expect(third.body.results.map(({ value }) => value)).toEqual(ids.map((_, i) => 2 * (i + 1)))
  })

  test('a key first used by a batch of one shard is refused to a batch of any other, and nothing is written', async () => {
    const ids = Array.from({ length: 12 }, (_, i) => `apart${i}`)
    for (const id of ids) await world.define(id)
    const [first, ...others] = ids.map((id) => [{ id, op: 'increment', amount: 1 }])
    expect((await batch(first ?? [], { 'idempotency-key': 'apart' })).status).toBe(200)
    for (const other of others) expect((await batch(other, { 'idempotency-key': 'apart' })).status).toBe(422)
    const { body } = await batch(others.flat())
    expect(body.results.map(({ value }) => value)).toEqual(others.map(() => 1))
  })

  test('an item with a key of its own is a request of its own', async () => {
    await world.define('own')
    const item = { id: 'own', op: 'increment', amount: 2, idempotencyKey: 'mine' }
    const first = await batch([item, { id: 'own', op: 'increment', amount: 1 }])
    expect(first.body.results.map((result) => result.delta)).toEqual([2, 1])
    const again = await batch([item])
    expect(again.body.results[0]).toEqual(first.body.results[0])
    const other = await batch([{ ...item, amount: 3 }])
    expect(other.body.results[0]?.status).toBe(422)
  })

  test('a foreign prefix is that item’s 403', async () => {
    await world.define('team:a')
    const { key } = await world.newKey(['counts:write'], ['team:'])
    const { body } = await batch(
      [
        { id: 'team:a', op: 'increment' },
        { id: 'own', op: 'increment' },
      ],
      {
        authorization: `Bearer ${key}`,
      },
    )
    expect(body.results.map((result) => result.status)).toEqual([200, 403])
  })

  test('a thousand operations pass, 1,001 and none do not', async () => {
    await world.define('many')
    const operations = Array.from({ length: 1001 }, () => ({ id: 'many', op: 'increment' }))
    expect((await batch(operations)).status).toBe(400)
    expect((await batch([])).status).toBe(400)
    const { body } = await batch(operations.slice(1))
    expect(Math.max(...body.results.map((result) => result.value))).toBe(1000)
  })
})

describe('bad input', () => {
  const limit = 2 ** 52 - 1
  test.each([
    ['zero', '{"amount":0}'],
    ['negative', '{"amount":-1}'],
    ['fractional', '{"amount":1.5}'],
    ['text', '{"amount":"1"}'],
    ['null', '{"amount":null}'],
    ['past the range', `{"amount":${limit + 1}}`],
    ['over 2^53', '{"amount":9007199254740993}'],
    ['not a number', '{"amount":1e400}'],
    ['with a stranger beside it', '{"amount":1,"by":2}'],
    ['in a list', '[1]'],
    ['broken', '{"amount":'],
  ])('an amount that is %s is refused, and nothing has changed', async (_name, body) => {
    const answer = await world.send(url, 'POST', '/api/v1/counts/one/increment', body)
    expect(answer).toMatchObject({ status: 400, body: { type: 'urn:count:problem:invalid-request' } })
    expect(answer.headers.get('content-type')).toContain('application/problem+json')
  })

  test('the ends of the range are exact, and a sum past them is 409', async () => {
    await world.define('edge')
    expect((await put('edge', limit)).body.value).toBe(limit)
    expect((await world.increment(url, 'edge', 1)).status).toBe(409)
    expect((await put('edge', -limit)).body).toMatchObject({ value: -limit, delta: -2 * limit })
    expect((await put('edge', limit + 1)).status).toBe(400)
    expect((await world.increment(url, 'edge', limit)).body.value).toBe(0)
  })

  test('malformed ids are 400, unknown ones 404', async () => {
    for (const id of ['A', '-x', 'x'.repeat(129), 'a%20b', '%00']) {
      expect((await world.increment(url, id)).status, id).toBe(400)
    }
    expect((await world.increment(url, 'unknown')).status).toBe(404)
  })

  test('another content type is 415, a body over 1 MiB 413, a bad key 400, an unknown parameter 400', async () => {
    expect(
      (await post('/api/v1/counts/one/increment', 'amount=1', { 'content-type': 'text/plain' })).status,
    ).toBe(415)
    expect((await post('/api/v1/counts/batch', `{"operations":"${'x'.repeat(1024 * 1024)}"}`)).status).toBe(
      413,
    )
    expect((await world.increment(url, 'one', 1, 'k'.repeat(256))).status).toBe(400)
    expect((await post('/api/v1/counts/one/increment?amount=2', {})).status).toBe(400)
  })

  test('paused and archived counts refuse writes', async () => {
    await world.define('paused', { status: 'paused' })
    await world.define('archived', { status: 'archived' })
    expect((await world.increment(url, 'paused')).body.type).toBe('urn:count:problem:count-paused')
    expect((await world.increment(url, 'archived')).body.type).toBe('urn:count:problem:count-archived')
  })

  test('no key, a foreign key, the wrong scope or prefix are refused before anything else is looked at', async () => {
    const reader = await world.newKey(['counts:read'])
    const team = await world.newKey(['counts:write'], ['team:'])
    const bad = (authorization: string) =>
      post('/api/v1/counts/one/increment', '{"amount":', { authorization })
    expect((await bad('')).status).toBe(401)
    expect((await bad('Bearer ck_0_0_0')).status).toBe(401)
    expect((await bad(`Bearer ${reader.key}`)).status).toBe(403)
    expect((await bad(`Bearer ${team.key}`)).status).toBe(403)
  })
})
