import { type Packing, pack } from '@count/core/buckets'
import type { CountReader, HistoryQuery } from '@count/core/count-reader'
import { bucketOf, bucketStart, windowOf } from '@count/core/history'
import { openZone } from '@count/core/zone'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openReadingStores } from './reading-stores.ts'

const utc = openZone('UTC')
const newYork = openZone('America/New_York')
const nowMs = Date.parse('2026-11-23T12:34:56.789Z')
const minuteMs = 60_000
const hourMs = 3_600_000
const dayMs = 24 * hourMs

describe('a window', () => {
  const shown = (granularity: Packing, fromMs?: number, toMs?: number, zone = utc) => {
    const window = windowOf(granularity, { fromMs, toMs, nowMs, zone })
    if (!window) return undefined
    const at = (index: number) => new Date(bucketStart(granularity, index, zone)).toISOString()
    return window.last < window.first
      ? []
      : [at(window.first), at(window.last), window.last - window.first + 1]
  }

  test.each([
    ['minute', '2026-11-23T11:35:00.000Z', '2026-11-23T12:34:00.000Z', 60],
    ['hour', '2026-11-22T13:00:00.000Z', '2026-11-23T12:00:00.000Z', 24],
    ['day', '2026-10-25T00:00:00.000Z', '2026-11-23T00:00:00.000Z', 30],
  ] as const)(
    'of %s shows the last ones with the open one where nothing is asked',
    (granularity, first, last, points) => {
      expect(shown(granularity)).toEqual([first, last, points])
    },
  )

  test('begins with the bucket of `from` and ends before `to`', () => {
    const from = Date.parse('2026-11-20T10:15:00Z')
    expect(shown('hour', from, from + 3 * hourMs)).toEqual([
      '2026-11-20T10:00:00.000Z',
      '2026-11-20T13:00:00.000Z',
      4,
    ])
    const whole = Date.parse('2026-11-20T00:00:00Z')
    expect(shown('hour', whole, whole + dayMs)).toEqual([
      '2026-11-20T00:00:00.000Z',
      '2026-11-20T23:00:00.000Z',
      24,
    ])
    expect(shown('hour', whole, whole)).toEqual([])
  })

  test.each([
    ['minute', 2880],
    ['hour', 2160],
    ['day', 3653],
  ] as const)('of %s goes no further back than is kept: %d buckets', (granularity, points) => {
    expect(shown(granularity, 0)?.[2]).toBe(points)
    expect(shown(granularity, 0, dayMs)).toEqual([])
  })

  test('ends with the open bucket, however far `to` lies ahead', () => {
    expect(shown('minute', nowMs - minuteMs, nowMs + 365 * dayMs)).toEqual([
      '2026-11-23T12:33:00.000Z',
      '2026-11-23T12:34:00.000Z',
      2,
    ])
  })

  test('is none when it ends before it begins', () => {
    expect(shown('hour', nowMs, nowMs - 1)).toBeUndefined()
    expect(shown('hour', nowMs + 1)).toBeUndefined()
  })

  test('cuts days at local midnight', () => {
    expect(
      shown('day', Date.parse('2026-10-31T12:00:00-04:00'), Date.parse('2026-11-03T00:00:00-05:00'), newYork),
    ).toEqual(['2026-10-31T04:00:00.000Z', '2026-11-02T05:00:00.000Z', 3])
    expect(bucketOf('day', Date.parse('2026-11-02T04:59:59Z'), newYork)).toBe(
      bucketOf('day', Date.parse('2026-11-01T04:00:00Z'), newYork),
    )
  })
})

describe.each(['UTC', 'America/New_York', 'Asia/Seoul'])('history in %s', (timeZone) => {
  let stores: Awaited<ReturnType<typeof openReadingStores>>
  let reader: CountReader
  beforeAll(async () => {
    stores = await openReadingStores({ timeZone })
    reader = await stores.openReader()
  })
  afterAll(() => stores.close())

  /** Puts closed buckets into a count's history: [buckets back from now, delta]. */
  async function past(id: string, granularity: Packing, buckets: [back: number, delta: number][]) {
    const open = bucketOf(granularity, Date.now(), stores.zone)
    const shard = stores.store.shardOf(id)
    const fields = pack(
      granularity,
      buckets.map(([back, delta]) => [open - back, delta] as const),
    )
    await stores.store.primary(shard).hset(stores.store.keys(shard).history(id), ...fields)
  }
  async function points(id: string, query: Partial<HistoryQuery> & Pick<HistoryQuery, 'granularity'>) {
    const outcome = await reader.history(id, { measure: 'change', ...query })
    if (!outcome.ok) throw new Error(outcome.problem.type)
    return outcome.view
  }
  const values = async (id: string, query: Partial<HistoryQuery> & Pick<HistoryQuery, 'granularity'>) =>
    (await points(id, query)).points.map(({ value }) => value)

  /** Keeps a test from straddling a bucket's end: waits where one is near. */
  const fromBack = (granularity: Packing, back: number) =>
    bucketStart(granularity, bucketOf(granularity, Date.now(), stores.zone) - back, stores.zone)

  test('of the present is in the open bucket alone, which is partial', async () => {
    const id = stores.newId()
    await stores.create(id, { initialValue: 100 })
    await stores.write(id, 5)
    await stores.write(id, 2, 'decrement')
    for (const granularity of ['minute', 'hour', 'day'] as const) {
      const view = await points(id, { granularity, fromMs: fromBack(granularity, 2) })
      expect(view).toMatchObject({ id, granularity, zone: timeZone, measure: 'change' })
      expect(view.points.map(({ value }) => value).reduce((sum, value) => sum + value)).toBe(3)
      expect(view.points.map(({ partial }) => partial)).toEqual([
        ...view.points.slice(1).map(() => undefined),
        true,
      ])
      const levels = await values(id, { granularity, measure: 'value', fromMs: fromBack(granularity, 2) })
      expect([levels[0], levels.at(-1)]).toEqual([100, 103])
    }
  })

  test.each(['minute', 'hour', 'day'] as const)(
    'of %ss adds closed and open buckets; empty ones are 0',
    async (granularity) => {
      const id = stores.newId()
      await stores.create(id, { initialValue: 1000 })
      await past(id, granularity, [
        [70, 1],
        [5, 10],
        [5, 20],
        [3, -7],
      ])
      const fromMs = fromBack(granularity, 6)
      await stores.write(id, 4)
      const view = await points(id, { granularity, fromMs })
      expect(view.points.slice(0, 7).map(({ value }) => value)).toEqual([0, 30, 0, -7, 0, 0, 4])
      expect(view.points.slice(0, 6).map(({ at }) => Date.parse(at))).toEqual(
        [6, 5, 4, 3, 2, 1].map((back) =>
          bucketStart(granularity, bucketOf(granularity, fromMs, stores.zone) + 6 - back, stores.zone),
        ),
      )
    },
  )

  test.each(['minute', 'hour', 'day'] as const)(
    'as value of %ss is the present value less later changes',
    async (granularity) => {
      const id = stores.newId()
      await stores.create(id, { initialValue: 1000 })
      await past(id, granularity, [
        [70, 1],
        [5, 30],
        [3, -7],
      ])
      const fromMs = fromBack(granularity, 6)
      await stores.write(id, 4)
      const query = { granularity, measure: 'value', fromMs } as const
      expect((await values(id, query)).slice(0, 7)).toEqual([977, 1007, 1007, 1000, 1000, 1000, 1004])
      // Also where the window ends in the past.
      const toMs = bucketStart(granularity, bucketOf(granularity, fromMs, stores.zone) + 3, stores.zone)
      const part = await points(id, { ...query, toMs })
      expect(part.points.map(({ value }) => value)).toEqual([977, 1007, 1007])
      expect(part.points.some(({ partial }) => partial)).toBe(false)
    },
  )

  test.each(['minute', 'hour', 'day'] as const)(
    'of %ss leaves out what the ring kept of its last turn',
    async (granularity) => {
      const id = stores.newId()
      await stores.create(id)
      const turn = { minute: 60 * 50, hour: 24 * 92, day: 32 * 117 }[granularity]
      await past(id, granularity, [[turn + 3, 99]])
      expect((await values(id, { granularity })).every((value) => value === 0)).toBe(true)
      expect(
        (await values(id, { granularity, measure: 'value', fromMs: 0 })).every((value) => value === 0),
      ).toBe(true)
    },
  )

  test('of all that is kept adds up to what the count has changed by', async () => {
    const id = stores.newId()
    await stores.create(id, { initialValue: 7 })
    for (let i = 0; i < 5; i++) await stores.write(id, 10 + i)
    for (const granularity of ['minute', 'hour', 'day'] as const) {
      const changes = await values(id, { granularity, fromMs: 0 })
      expect(changes.reduce((sum, value) => sum + value)).toBe(60)
      expect((await values(id, { granularity, measure: 'value', fromMs: 0 }))[0]).toBe(7)
    }
  })

  test('refuses an unknown count and a window that ends before it begins', async () => {
    const query = { granularity: 'hour', measure: 'change' } as const
    expect(await reader.history('no-such-count', query)).toMatchObject({
      ok: false,
      problem: { status: 404 },
    })
    const half = stores.newId()
    await stores.insert(half)
    expect(await reader.history(half, query)).toMatchObject({ ok: false, problem: { status: 503 } })
    expect(await reader.history(half, { ...query, fromMs: 2, toMs: 1 })).toMatchObject({
      ok: false,
      problem: { status: 400, errors: [{ path: 'from' }] },
    })
  })
})

test('days over a change of the clocks begin where the wall clock says', async () => {
  const stores = await openReadingStores({ timeZone: 'America/New_York' })
  try {
    const reader = await stores.openReader()
    const id = stores.newId()
    await stores.create(id)
    const year = new Date().getUTCFullYear() - 1
    const outcome = await reader.history(id, {
      granularity: 'day',
      measure: 'change',
      fromMs: Date.UTC(year, 2, 1, 12),
      toMs: Date.UTC(year, 10, 30, 12),
    })
    const points = outcome.ok ? outcome.view.points : []
    const hours = points
      .slice(1)
      .map(({ at }, i) => (Date.parse(at) - Date.parse(points[i]?.at ?? '')) / hourMs)
    expect(hours.toSorted((a, b) => a - b)).toEqual([23, ...Array(points.length - 3).fill(24), 25])
    for (const { at } of points) {
      const wall = new Intl.DateTimeFormat('en', {
        timeZone: 'America/New_York',
        hour: 'numeric',
        minute: 'numeric',
        hourCycle: 'h23',
      })
      expect(wall.format(new Date(at))).toBe('00:00')
    }
  } finally {
    await stores.close()
  }
})
