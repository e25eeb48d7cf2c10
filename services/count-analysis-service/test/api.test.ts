import { until } from '@count/stack/until'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { comparisonAnswer, predictionAnswer, trendAnswer } from '../src/schemas/answers.ts'
import { openWorld, type World } from './world.ts'

const hourMs = 3_600_000
const dayMs = 24 * hourMs
const now = Date.now()
const hour = Math.floor(now / hourMs) * hourMs
const today = Math.floor(now / dayMs) * dayMs

let world: World
beforeAll(async () => {
  world = await openWorld()
  await world.createCount('shop.orders', { name: '주문, "today"', unit: 'orders', tags: ['shop'] })
  await world.createCount('shop.returns', { name: '=returns', tags: ['shop'] })
  await world.createCount('news', { name: 'News', min: 0, max: 1_000_000 })
  await world.createCount('flat')
  await world.createCount('young')
  const lines: [string, number, number][] = []
  for (let n = 60; n > 0; n--) {
    const wave = Math.round(20 * Math.sin((n / 7) * 2 * Math.PI))
    lines.push(['shop.orders', today - n * dayMs + 12 * hourMs, 100 + wave + (60 - n)])
    lines.push(['shop.returns', today - n * dayMs + 12 * hourMs, 10 + (n % 3)])
  }
  for (let n = 100; n > 0; n--) lines.push(['news', hour - n * hourMs, 5 + (n % 24)])
  lines.push(['flat', today - 40 * dayMs, 3])
  await world.importHistory(lines)
  await world.edit('PUT', '/counts/shop.orders/value', { value: 7, reason: 'test' })
  await world.replicated()
})
afterAll(() => world.close())

const iso = (ms: number) => new Date(ms).toISOString()
const query = (fields: Record<string, string | string[]>) =>
  new URLSearchParams(
    Object.entries(fields).flatMap(([key, value]) => [value].flat().map((one) => [key, one])),
  ).toString()
const sixtyDays = { from: iso(today - 60 * dayMs), granularity: 'day' }

const errorsOf = ({ body }: { body: Record<string, unknown> }) =>
  z.array(z.object({ path: z.string(), message: z.string() })).parse(body.errors)

describe('a trend', () => {
  test('is of the buckets asked for, as its schema says, the open one beside them', async () => {
    const reply = await world.ask(`trend?${query({ count: 'shop.orders', ...sixtyDays })}`)
    expect(reply.status).toBe(200)
    expect(reply.headers.get('content-type')).toBe('application/json; charset=utf-8')
    const trend = z.strictObject(trendAnswer.shape).parse(reply.body)
    expect(trend).toMatchObject({
      id: 'shop.orders',
      name: '주문, "today"',
      unit: 'orders',
      granularity: 'day',
      zone: 'UTC',
    })
    expect(trend.buckets).toMatchObject({ complete: 60, gaps: 0, partial: true })
    expect(trend.open).toEqual({ at: iso(today).replace('.000', ''), value: 7 })
    expect(trend.series.values[0]).toBe(100 + Math.round(20 * Math.sin((60 / 7) * 2 * Math.PI)))
    expect(trend.slope.perBucket).toBeGreaterThan(0.5)
    expect(trend.summary.kind).toBe('rising')
  })

  test('by value ends at the present level, and before an import of the past there is nothing', async () => {
    const from = iso(today - 70 * dayMs)
    const reply = await world.ask(
      `trend?${query({ count: 'shop.orders', from, granularity: 'day', measure: 'value' })}`,
    )
    const { series, open, buckets } = trendAnswer.parse(reply.body)
    expect(buckets.gaps).toBe(10)
    expect(series.values.slice(9, 11)).toEqual([null, expect.any(Number)])
    expect(open?.value).toBe(7)
  })

  test('knows a count since its first import, though that was before the range', async () => {
    const from = iso(today - 10 * dayMs)
    const reply = await world.ask(`trend?${query({ count: 'flat', from, granularity: 'day' })}`)
    const { series, buckets } = trendAnswer.parse(reply.body)
    expect([buckets.gaps, series.values]).toEqual([0, Array(10).fill(0)])
  })

  test('of a count that was just made has nothing to say, and says so', async () => {
    const reply = await world.ask(`trend?count=young&granularity=day`)
    const trend = trendAnswer.parse(reply.body)
    expect([reply.status, trend.enough, trend.missing]).toEqual([200, false, { buckets: 8 }])
    expect(trend.open?.value).toBe(0)
    expect(new Set(trend.series.values)).toEqual(new Set([null]))
  })

  test('takes the days of another zone from hours', async () => {
    const reply = await world.ask(
      `trend?${query({ count: 'news', from: iso(hour - 100 * hourMs), granularity: 'day', zone: 'Asia/Seoul', measure: 'change' })}`,
    )
    const { series, open, zone } = trendAnswer.parse(reply.body)
    expect(zone).toBe('Asia/Seoul')
    for (const at of series.at) expect(at).toMatch(/T00:00:00\+09:00$/)
    const known = [...series.values, open?.value ?? 0].reduce<number>((sum, value) => sum + (value ?? 0), 0)
    expect(known).toBe(Array.from({ length: 100 }, (_, i) => 5 + ((i + 1) % 24)).reduce((a, b) => a + b))
  })

  test('its window is an option', async () => {
    const reply = await world.ask(`trend?${query({ count: 'shop.orders', window: '3', ...sixtyDays })}`)
    expect(reply.body.window).toBe(3)
  })
})

describe('a comparison', () => {
  test('sets counts side by side', async () => {
    const reply = await world.ask(
      `comparison?${query({ count: ['shop.orders', 'shop.returns'], ...sixtyDays })}`,
    )
    const comparison = z.strictObject(comparisonAnswer.shape).parse(reply.body)
    expect(comparison.items.map(({ id }) => id)).toEqual(['shop.orders', 'shop.returns'])
    expect(comparison.items[0]?.rank).toBe(1)
    expect(comparison.open).toEqual({ at: iso(today).replace('.000', ''), values: [7, 0] })
  })

  test('sums the counts of a tag and of a prefix', async () => {
    const reply = await world.ask(
      `comparison?${query({ tag: 'shop', prefix: 'shop.r', count: 'shop.returns', ...sixtyDays })}`,
    )
    const { items } = comparisonAnswer.parse(reply.body)
    expect(items.map(({ id, name }) => [id, name])).toEqual([
      ['shop.returns', '=returns'],
      ['tag:shop', '#shop'],
      ['prefix:shop.r', 'shop.r*'],
    ])
    expect(items[2]?.values).toEqual(items[0]?.values)
    const orders = trendAnswer.parse(
      (await world.ask(`trend?${query({ count: 'shop.orders', ...sixtyDays })}`)).body,
    ).series.values
    expect(items[1]?.values).toEqual(orders.map((value, i) => (value ?? 0) + (items[0]?.values[i] ?? 0)))
  })

  test('sets one count beside its own past', async () => {
    const reply = await world.ask(
      `comparison?${query({ count: 'shop.orders', from: iso(today - 14 * dayMs), to: iso(today), granularity: 'day', against: 'week' })}`,
    )
    const { items } = comparisonAnswer.parse(reply.body)
    expect(items.map(({ id }) => id)).toEqual(['shop.orders', 'shop.orders@week'])
    const days = [today - 21 * dayMs, today - 8 * dayMs].map((ms) => iso(ms).slice(0, 10))
    expect(items[1]?.name).toBe(`주문, "today" ${days.join(' – ')}`)
    expect(items[1]?.values.slice(7)).toEqual(items[0]?.values.slice(0, 7))
  })

  test.for([
    ['one count alone', { count: 'flat' }, 'count'],
    ['a count named twice', { count: ['flat', 'flat'] }, 'count.1'],
    ['51 series', { count: Array.from({ length: 50 }, (_, n) => `c${n}`), tag: 'shop' }, 'count'],
    ['51 counts', { count: Array.from({ length: 51 }, (_, n) => `c${n}`) }, 'count'],
    ['two against the past', { count: ['flat', 'news'], against: 'week' }, 'against'],
    ['a group against the past', { tag: 'shop', against: 'week' }, 'against'],
    ['a past that is not kept', { count: 'flat', against: 'year', granularity: 'hour' }, 'against'],
    ['a lag of a hundred', { count: ['flat', 'news'], maxLag: '100' }, 'maxLag'],
  ] as const)('refuses %s', async ([, fields, path]) => {
    const reply = await world.ask(`comparison?${query({ ...fields } as Record<string, string | string[]>)}`)
    expect(reply.status).toBe(400)
    expect(errorsOf(reply)[0]?.path).toBe(path)
  })

  test('names the counts and groups that there are none of', async () => {
    const counts = await world.ask('comparison?count=flat&count=none.1&count=none.2')
    expect([counts.status, counts.body.type, errorsOf(counts)]).toEqual([
      404,
      'urn:count:problem:unknown-count',
      [
        { path: 'count.1', message: 'none.1 does not exist' },
        { path: 'count.2', message: 'none.2 does not exist' },
      ],
    ])
    const groups = await world.ask('comparison?count=flat&tag=none')
    expect([groups.status, errorsOf(groups)[0]?.path]).toEqual([404, 'tag.0'])
  })
})

describe('a prediction', () => {
  test('has points, intervals and the past that it comes from', async () => {
    const reply = await world.ask(
      `prediction?${query({ count: 'shop.orders', horizon: '7', reach: '200', ...sixtyDays })}`,
    )
    const prediction = z.strictObject(predictionAnswer.shape).parse(reply.body)
    expect(prediction.points).toHaveLength(7)
    expect(prediction.points[0]?.at).toBe(iso(today).replace('.000', ''))
    expect(prediction.past.at).toHaveLength(60)
    expect(prediction.reach?.target).toBe(200)
    expect(prediction.open?.value).toBe(7)
  })

  test('refuses a horizon longer than a quarter of the history', async () => {
    const reply = await world.ask(
      `prediction?${query({ count: 'shop.orders', horizon: '16', ...sixtyDays })}`,
    )
    expect([reply.status, errorsOf(reply)]).toEqual([
      400,
      [{ path: 'horizon', message: 'is at most 15 with 60 buckets of history' }],
    ])
  })

  test('of too little history says how much is missing', async () => {
    const reply = await world.ask(`prediction?count=young&horizon=10`)
    const { enough, missing } = predictionAnswer.parse(reply.body)
    expect([reply.status, enough, missing]).toEqual([200, false, { buckets: 20 }])
  })
})

describe('what is wrong', () => {
  test.for([
    ['trend?count=flat&granularity=year', 'granularity'],
    ['trend?count=flat&measure=size', 'measure'],
    ['trend?count=flat&zone=Asia/Atlantis', 'zone'],
    ['trend?count=flat&from=yesterday', 'from'],
    ['trend?count=flat&from=2026-11-23', 'from'],
    ['trend?count=flat&from=2020-01-01T00:00:00Z&to=2019-01-01T00:00:00Z', 'from'],
    ['trend?count=flat&from=2999-01-01T00:00:00Z', 'from'],
    ['trend?count=flat&from=2001-01-01T00:00:00Z', 'from'],
    ['trend?count=flat&window=1', 'window'],
    ['trend?count=flat&colour=red', 'colour'],
    ['trend?count=Not%20an%20id', 'count'],
    ['trend?count=flat&count=news', 'count'],
    ['trend', 'count'],
    ['prediction?count=flat&horizon=0', 'horizon'],
    ['prediction?count=flat&horizon=2.5', 'horizon'],
    ['prediction?count=flat&reach=soon', 'reach'],
  ] as const)('%s is a 400 that names %s', async ([path, field]) => {
    const reply = await world.ask(path)
    expect([reply.status, reply.body.type]).toEqual([400, 'urn:count:problem:invalid-request'])
    expect(errorsOf(reply).map((error) => error.path)).toContain(field)
  })

  test.for(['trend', 'prediction'] as const)('a %s of a count that does not exist is a 404', async (kind) => {
    const reply = await world.ask(`${kind}?count=none`)
    expect([reply.status, reply.body.type, errorsOf(reply)]).toEqual([
      404,
      'urn:count:problem:unknown-count',
      [{ path: 'count', message: 'none does not exist' }],
    ])
  })
})

describe('by Accept', () => {
  const path = `comparison?${query({ count: ['shop.orders', 'shop.returns'], ...sixtyDays })}`

  test.for(['text/csv', 'text/csv; charset=UTF-8', 'text/csv, application/json;q=0.9', 'text/*'])(
    '%s gets CSV',
    async (accept) => {
      const { status, headers, text } = await world.ask(path, { accept })
      expect([status, headers.get('content-type'), headers.get('vary')]).toEqual([
        200,
        'text/csv; charset=utf-8',
        'accept',
      ])
      const lines = text.split('\r\n')
      // a byte order mark for Excel, quotes doubled, a text that looks like a formula disarmed
      expect(lines[0]).toBe(`\ufeffat,"주문, ""today"" (shop.orders)",'=returns (shop.returns),open`)
      expect(lines).toHaveLength(63)
      expect(lines[61]).toBe(`${iso(today).replace('.000', '')},7,0,true`)
      expect(lines[62]).toBe('')
    },
  )

  test('a negative number in CSV stays a number', async () => {
    await world.createCount('falling')
    await world.importHistory([['falling', today - dayMs + hourMs, -5]])
    await world.replicated()
    const { text } = await world.ask(
      `trend?${query({ count: 'falling', from: iso(today - dayMs), granularity: 'day' })}`,
      { accept: 'text/csv' },
    )
    expect(text.split('\r\n')[1]).toMatch(/^[^,]+,-5,/)
  })

  test('predictions are CSV too, the past first', async () => {
    const { text } = await world.ask(
      `prediction?${query({ count: 'shop.orders', horizon: '7', ...sixtyDays })}`,
      { accept: 'text/csv' },
    )
    const lines = text.trimEnd().split('\r\n')
    expect(lines).toHaveLength(1 + 60 + 7)
    expect(lines[1]?.split(',').slice(2)).toEqual(['', '', '', '', ''])
    expect(lines.at(-1)).toMatch(/^[^,]+,,[\d.]+,[\d.-]+,[\d.]+,[\d.-]+,[\d.]+$/)
  })

  test.for(['application/json', '*/*', 'text/html, */*;q=0.8', 'application/json, text/csv;q=0.5'])(
    '%s gets JSON',
    async (accept) => {
      const { headers } = await world.ask(path, { accept })
      expect(headers.get('content-type')).toBe('application/json; charset=utf-8')
    },
  )

  test.for(['text/html', 'image/png', 'text/csv;q=0, application/json;q=0'])(
    '%s gets 406',
    async (accept) => {
      const { status, body } = await world.ask(path, { accept })
      expect([status, body.type]).toEqual([406, 'urn:count:problem:not-acceptable'])
    },
  )
})

describe('values', () => {
  test('are read from the replica alone: a primary that stands still is not missed', async () => {
    world.primary.pause()
    const reply = await world.ask(`trend?${query({ count: 'shop.orders', ...sixtyDays })}`)
    world.primary.resume()
    expect([reply.status, trendAnswer.parse(reply.body).open?.value]).toEqual([200, 7])
  })

  test('cannot be had while the replica is away: 503, told by /readyz, and well again afterwards', async () => {
    const path = `trend?${query({ count: 'shop.orders', ...sixtyDays })}`
    await world.replica.kill('SIGKILL')
    const reply = await world.ask(path)
    expect([reply.status, reply.body.type, reply.headers.get('retry-after')]).toEqual([
      503,
      'urn:count:problem:unavailable',
      '1',
    ])
    const health = z.object({
      status: z.string(),
      services: z.record(z.string(), z.record(z.string(), z.string())),
    })
    const ready = async () => {
      const answer = await fetch(`${world.url}/readyz`)
      return { code: answer.status, ...health.parse(await answer.json()) }
    }
    const away = await until('/readyz to tell', async () => {
      const now = await ready()
      return now.services['count-analysis-service']?.['value-replica'] === 'away' ? now : undefined
    })
    expect([away.code, away.status]).toEqual([200, 'degraded'])
    expect(away.services['count-analysis-service']).toEqual({
      'value-replica': 'away',
      'count-read-service': 'ok',
      'count-management-service': 'ok',
    })
    await world.replica.restart()
    await until('an analysis', async () => (await world.ask(path)).status === 200)
  })
})
