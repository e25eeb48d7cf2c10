import { bucketOf } from '@count/core/history'
import { openZone } from '@count/core/zone'
import { describe, expect, test } from 'vitest'
import type { Against, Range } from '../src/schemas/query.ts'
import { columnOf, seriesOf, sumOf } from '../src/series.ts'
import { planSeries, type SeriesPlan } from '../src/series-plan.ts'

const utc = openZone('UTC')
const dayMs = 86_400_000

type Question = Partial<Range> & { against?: Against }

function plan(query: Question, now: string, storeZone = 'UTC'): SeriesPlan {
  const planned = planSeries({ measure: 'change', ...query }, openZone(storeZone), Date.parse(now))
  if (!planned.ok) throw new Error(`${planned.path} ${planned.message}`)
  return planned.plan
}

const refusal = (query: Question, now = '2026-11-23T12:34:56Z', storeZone = 'UTC') => {
  const planned = planSeries({ measure: 'change', ...query }, openZone(storeZone), Date.parse(now))
  return planned.ok ? undefined : planned
}

/** Changes at instants, as the plan's window has them. */
const changesOf = (made: SeriesPlan, changes: [at: string, delta: number][], zone = utc) => {
  const sums = new Map<number, number>()
  for (const [at, delta] of changes) {
    const index = bucketOf(made.present.window.granularity, Date.parse(at), zone)
    sums.set(index, (sums.get(index) ?? 0) + delta)
  }
  return sums
}

const known = (value: number, changes: Map<number, number>, since = '2000-01-01T00:00:00Z') => ({
  record: { value, version: 1, created: 1, changes },
  sinceMs: Date.parse(since),
})

const hoursOf = ({ present }: SeriesPlan) =>
  present.boundaries.slice(1).map((ms, i) => (ms - (present.boundaries[i] as number)) / 3_600_000)

describe('buckets', () => {
  test('days of Seoul are made from hours, on a store that counts in UTC', () => {
    const made = plan(
      { from: '2026-11-20T15:00:00Z', granularity: 'day', zone: 'Asia/Seoul' },
      '2026-11-23T12:34:56Z',
    )
    expect(made.present.window.granularity).toBe('hour')
    expect(made.zone.name).toBe('Asia/Seoul')
    expect(made.at).toEqual([
      '2026-11-21T00:00:00+09:00',
      '2026-11-22T00:00:00+09:00',
      '2026-11-23T00:00:00+09:00',
    ])
    expect(made.partial).toBe(true)
    const changes = changesOf(made, [
      ['2026-11-20T14:59:00Z', 100],
      ['2026-11-20T15:00:00Z', 1],
      ['2026-11-21T14:59:59Z', 2],
      ['2026-11-21T15:00:00Z', 4],
      ['2026-11-23T12:00:00Z', 8],
    ])
    expect(columnOf(known(115, changes), made.present, 'change')).toEqual([3, 4, 8])
    expect(columnOf(known(115, changes), made.present, 'value')).toEqual([103, 107, 115])
  })

  test('the days on which New York changes its clocks have 23 and 25 hours, and each change falls into one', () => {
    const spring = plan(
      {
        from: '2026-03-07T05:00:00Z',
        to: '2026-03-10T04:00:00Z',
        granularity: 'day',
        zone: 'America/New_York',
      },
      '2026-03-20T00:00:00Z',
    )
    expect(hoursOf(spring)).toEqual([24, 23, 24])
    expect(spring.at).toEqual([
      '2026-03-07T00:00:00-05:00',
      '2026-03-08T00:00:00-05:00',
      '2026-03-09T00:00:00-04:00',
    ])
    const changes = changesOf(spring, [
      ['2026-03-08T04:59:59Z', 1],
      ['2026-03-08T05:00:00Z', 10],
      ['2026-03-09T03:59:59Z', 20],
      ['2026-03-09T04:00:00Z', 100],
    ])
    expect(columnOf(known(131, changes), spring.present, 'change')).toEqual([1, 30, 100])
    expect(spring.partial).toBe(false)

    const autumn = plan(
      {
        from: '2026-10-31T04:00:00Z',
        to: '2026-11-03T05:00:00Z',
        granularity: 'day',
        zone: 'America/New_York',
      },
      '2026-11-23T00:00:00Z',
    )
    expect(hoursOf(autumn)).toEqual([24, 25, 24])
  })

  test('the hour that comes twice in New York is two buckets', () => {
    const made = plan(
      {
        from: '2026-11-01T05:00:00Z',
        to: '2026-11-01T08:00:00Z',
        granularity: 'hour',
        zone: 'America/New_York',
      },
      '2026-11-23T00:00:00Z',
    )
    expect(made.at).toEqual([
      '2026-11-01T01:00:00-04:00',
      '2026-11-01T01:00:00-05:00',
      '2026-11-01T02:00:00-05:00',
    ])
  })

  test('weeks begin on Monday and months on the first, by the zone’s clock', () => {
    const weeks = plan(
      { from: '2026-10-28T00:00:00Z', granularity: 'week', zone: 'Asia/Seoul' },
      '2026-11-23T12:00:00Z',
    )
    expect(weeks.at).toEqual([
      '2026-10-26T00:00:00+09:00',
      '2026-11-02T00:00:00+09:00',
      '2026-11-09T00:00:00+09:00',
      '2026-11-16T00:00:00+09:00',
      '2026-11-23T00:00:00+09:00',
    ])
    const months = plan(
      { from: '2023-12-31T23:59:00Z', to: '2024-03-01T00:00:00Z', granularity: 'month' },
      '2026-11-23T12:00:00Z',
    )
    expect(months.at).toEqual(['2023-12-01T00:00:00Z', '2024-01-01T00:00:00Z', '2024-02-01T00:00:00Z'])
    expect(months.present.window.granularity).toBe('day')
    expect(hoursOf(months).map((hours) => hours / 24)).toEqual([31, 31, 29])
  })

  test('half-hour zones are made from minutes while these last, else from what is kept, and the zone says so', () => {
    const now = '2026-11-23T12:34:56Z'
    const recent = plan({ from: '2026-11-22T18:30:00Z', granularity: 'day', zone: 'Asia/Kolkata' }, now)
    expect([recent.zone.name, recent.present.window.granularity]).toEqual(['Asia/Kolkata', 'minute'])
    expect(recent.at).toEqual(['2026-11-23T00:00:00+05:30'])
    const hours = plan({ from: '2026-11-23T10:00:00Z', granularity: 'hour', zone: 'Asia/Kolkata' }, now)
    expect(hours.at).toEqual([
      '2026-11-23T15:00:00+05:30',
      '2026-11-23T16:00:00+05:30',
      '2026-11-23T17:00:00+05:30',
      '2026-11-23T18:00:00+05:30',
    ])
    const older = plan({ from: '2026-11-10T00:00:00Z', granularity: 'day', zone: 'Asia/Kolkata' }, now)
    expect([older.zone.name, older.present.window.granularity]).toEqual(['UTC', 'day'])
    expect(older.at[0]).toBe('2026-11-10T00:00:00Z')
    const olderHours = plan({ from: '2026-11-10T00:00:00Z', granularity: 'hour', zone: 'Asia/Kolkata' }, now)
    expect([olderHours.zone.name, olderHours.at[1]]).toEqual(['UTC', '2026-11-10T01:00:00Z'])
  })

  test('days further back than hours are kept are the store’s, in the store’s zone or one with the same days', () => {
    const year = { from: '2025-11-23T12:34:56Z', granularity: 'day' as const }
    const now = '2026-11-23T12:34:56Z'
    expect(plan({ ...year, zone: 'America/New_York' }, now).zone.name).toBe('UTC')
    expect(plan({ ...year, zone: 'Asia/Seoul' }, now, 'Asia/Seoul').at[0]).toBe('2025-11-23T00:00:00+09:00')
    expect(plan({ ...year, zone: 'Asia/Tokyo' }, now, 'Asia/Seoul').zone.name).toBe('Asia/Tokyo')
    expect(plan({ ...year, zone: 'Asia/Tokyo' }, now, 'Asia/Seoul').present.window.granularity).toBe('day')
    // a store that counts in New York's days: its days of 23 and 25 hours are its own
    const own = plan({ ...year, zone: 'America/New_York' }, now, 'America/New_York')
    expect(own.present.window.granularity).toBe('day')
    expect([...new Set(hoursOf(own))].sort()).toEqual([23, 24, 25])
  })

  test('what is absent fits the rest', () => {
    const now = '2026-11-23T12:34:56Z'
    const length = (question: Question) => {
      const { granularity, at } = plan(question, now)
      return [granularity, at.length]
    }
    expect(length({})).toEqual(['day', 366])
    expect(length({ granularity: 'hour' })).toEqual(['hour', 337])
    expect(length({ from: '2026-11-23T10:00:00Z' })).toEqual(['minute', 155])
    expect(length({ from: '2026-11-20T10:00:00Z' })).toEqual(['hour', 75])
    expect(length({ from: '2026-10-23T10:00:00Z' })).toEqual(['day', 32])
    expect(length({ from: '2023-10-23T10:00:00Z' })).toEqual(['month', 38])
    // too long ago for minutes
    expect(length({ from: '2026-11-01T10:00:00Z', to: '2026-11-01T12:00:00Z' })).toEqual(['hour', 2])
  })
})

describe('ranges', () => {
  test('a range of exactly what is kept loses its first, cut bucket and nothing else', () => {
    const now = Date.parse('2026-11-23T12:34:56Z')
    const ago = (ms: number) => new Date(now - ms).toISOString()
    const lengths = (['minute', 'hour', 'day'] as const).map((granularity, i) => {
      const from = ago(([2, 90, 3653][i] as number) * dayMs)
      return plan({ from, granularity }, '2026-11-23T12:34:56Z').at.length
    })
    expect(lengths).toEqual([2880, 2160, 3653])
  })

  test.for([
    ['from', { from: '2026-11-23T12:00:00Z', to: '2026-11-23T11:00:00Z' }, 'is not before the end'],
    ['from', { from: '2026-11-23T12:00:00Z', to: '2026-11-23T12:00:00Z' }, 'is not before the end'],
    ['from', { from: '2026-11-24T00:00:00Z' }, 'is in the future'],
    [
      'from',
      { from: '2026-11-20T00:00:00Z', granularity: 'minute' },
      'minutes are kept since 2026-11-21T12:35:00.000Z',
    ],
    [
      'from',
      { from: '2026-08-01T00:00:00Z', granularity: 'hour' },
      'hours are kept since 2026-08-25T13:00:00.000Z',
    ],
    [
      'from',
      { from: '2012-01-01T00:00:00Z', granularity: 'month' },
      'days are kept since 2016-11-23T00:00:00.000Z',
    ],
    ['from', { from: '1890-01-01T00:00:00Z', to: '1891-01-01T00:00:00Z' }, 'days are kept since'],
    ['zone', { zone: 'Mars/Olympus' }, 'is not an IANA time zone'],
    [
      'against',
      { from: '2026-09-10T00:00:00Z', granularity: 'hour', against: 'month' },
      'reaches too far back',
    ],
  ] as const)('%s of %j is refused', ([path, query, message]) => {
    const refused = refusal(query)
    expect(refused).toEqual({ ok: false, path, message: expect.stringContaining(message) })
  })
})

describe('the past of a series', () => {
  const now = '2026-11-23T12:00:00Z'
  test.for([
    ['previous', '2026-11-09T00:00:00Z'],
    ['day', '2026-11-15T00:00:00Z'],
    ['week', '2026-11-09T00:00:00Z'],
    ['month', '2026-10-16T00:00:00Z'],
    ['year', '2025-11-16T00:00:00Z'],
  ] as const)('against %s it begins at %s and has as many buckets', ([against, first]) => {
    const made = plan(
      { from: '2026-11-16T00:00:00Z', to: '2026-11-23T00:00:00Z', granularity: 'day', against },
      now,
    )
    expect(new Date(made.past?.boundaries[0] ?? 0).toISOString().slice(0, 19)).toBe(first.slice(0, 19))
    expect(made.past?.boundaries).toHaveLength(made.present.boundaries.length)
  })

  test('both are in one zone, the store’s when the past is older than hours are kept', () => {
    const made = plan(
      { from: '2026-11-16T00:00:00Z', granularity: 'day', zone: 'Asia/Seoul', against: 'year' },
      now,
    )
    expect([made.zone.name, made.present.window.granularity, made.past?.window.granularity]).toEqual([
      'UTC',
      'day',
      'day',
    ])
  })
})

describe('values', () => {
  const made = plan({ from: '2026-11-19T00:00:00Z', granularity: 'day' }, '2026-11-23T12:00:00Z')

  test('are null before anything is known, and 0 where nothing changed in life', () => {
    const changes = changesOf(made, [
      ['2026-11-21T10:00:00Z', 5],
      ['2026-11-23T10:00:00Z', -2],
    ])
    const count = known(103, changes, '2026-11-20T18:00:00Z')
    expect(columnOf(count, made.present, 'change')).toEqual([null, 0, 5, 0, -2])
    expect(columnOf(count, made.present, 'value')).toEqual([null, 100, 105, 105, 103])
  })

  test('leave out what came after the range, but take it off the level', () => {
    const early = plan(
      { from: '2026-11-19T00:00:00Z', to: '2026-11-21T00:00:00Z', granularity: 'day' },
      '2026-11-23T12:00:00Z',
    )
    const changes = changesOf(early, [
      ['2026-11-20T10:00:00Z', 1],
      ['2026-11-21T10:00:00Z', 10],
      ['2026-11-23T10:00:00Z', 100],
    ])
    expect(columnOf(known(111, changes), early.present, 'change')).toEqual([0, 1])
    expect(columnOf(known(111, changes), early.present, 'value')).toEqual([0, 1])
    expect(early.partial).toBe(false)
  })

  test('of a group are sums of what is known', () => {
    expect(
      sumOf(
        [
          [null, 1, 2],
          [null, null, 3],
        ],
        3,
      ),
    ).toEqual([null, 1, 5])
    const named = { id: 'tag:a', name: '#a', unit: '', min: null, max: null }
    const one = known(5, changesOf(made, [['2026-11-21T10:00:00Z', 5]]), '2026-11-21T00:00:00Z')
    const other = known(7, changesOf(made, [['2026-11-22T10:00:00Z', -7]]), '2026-11-22T00:00:00Z')
    const series = seriesOf(named, [one, other], made, made.present, 'change')
    expect(series).toMatchObject({ values: [null, null, 5, -7, 0], partial: true, falls: true, zone: 'UTC' })
  })
})
