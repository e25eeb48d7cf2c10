import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { trend } from '../../src/schemas/trend.ts'
import { analyseTrend } from '../../src/trend-analyzer.ts'
import { noise, seriesOf } from './series.ts'

/** A weekly pattern around 100 with noise, `days` long. */
function weekly(days: number, seed = 7) {
  const next = noise(seed)
  return Array.from({ length: days }, (_, i) => Math.round(100 + (i % 7 < 5 ? 20 : -50) + 4 * next()))
}

describe('direction', () => {
  test('a noisy rise is rising, with its slope inside the interval and its line from end to end', () => {
    const { slope, summary } = analyseTrend(seriesOf(weekly(200).map((value, i) => value + 2 * i)))
    expect(summary.kind).toBe('rising')
    expect(slope.lower).toBeLessThan(2)
    expect(slope.upper).toBeGreaterThan(2)
    expect((summary.to ?? 0) - (summary.from ?? 0)).toBeCloseTo(199 * (slope.perBucket ?? 0), 6)
  })

  test('what wanders without a direction is level: autocorrelation is no trend', () => {
    const next = noise(3)
    let level = 0
    const values = Array.from({ length: 300 }, () => {
      level = 0.9 * level + next()
      return level
    })
    const { slope, mannKendall, summary } = analyseTrend(seriesOf(values, { falls: true }))
    expect(summary.kind).toBe('level')
    expect(mannKendall?.corrected.p).toBeGreaterThan(mannKendall?.p ?? 1)
    const width = (of: { lower: number | null; upper: number | null }) => (of.upper ?? 0) - (of.lower ?? 0)
    expect(width(slope.widened)).toBeGreaterThan(1.5 * width(slope))
  })

  test('above 4,000 points the slope comes from a part of the pairs, and is the same', () => {
    const next = noise(11)
    const { slope } = analyseTrend(
      seriesOf(
        Array.from({ length: 6000 }, (_, i) => 0.5 * i + 3 * next()),
        { granularity: 'minute', falls: true },
      ),
    )
    expect(slope.perBucket).toBeCloseTo(0.5, 3)
    expect(slope.lower).toBeLessThan(slope.perBucket ?? 0)
    expect(slope.upper).toBeGreaterThan(slope.perBucket ?? 0)
  })
})

describe('averages and growth', () => {
  test('average and median are of the window that ends at a bucket, known from the first whole one on', () => {
    const { series, window } = analyseTrend(seriesOf([1, 2, 9, 4, null, 6]), { window: 3 })
    expect(window).toBe(3)
    expect(series.average).toEqual([null, null, 4, 5, 6.5, 5])
    expect(series.median).toEqual([null, null, 2, 4, 6.5, 5])
  })

  test('growth names both spans, and takes the same local time across a change of clocks', () => {
    // New York's clocks go forward on 2026-03-08: 10:00 there is 15:00 UTC before and 14:00 UTC after.
    const hours = Array.from({ length: 24 * 10 }, (_, i) => i)
    const at = hours.map((i) => new Date(Date.UTC(2026, 2, 2, 23) + i * 3_600_000).toISOString())
    const last = at.indexOf('2026-03-10T14:00:00.000Z')
    const { growth } = analyseTrend(
      seriesOf(hours.slice(0, last + 1), {
        granularity: 'hour',
        zone: 'America/New_York',
        at: at.slice(0, last + 1),
      }),
    )
    expect(growth.find(({ span, against }) => span === 'bucket' && against === 'week')).toMatchObject({
      to: '2026-03-10T14:00:00.000Z',
      comparedTo: '2026-03-03T15:00:00.000Z',
      absolute: 167,
    })
    expect(growth.find(({ span, against }) => span === 'bucket' && against === 'year')).toMatchObject({
      comparedFrom: null,
      past: null,
      absolute: null,
      ratio: null,
    })
  })

  test('a window of days adds up changes, and is compared a calendar month and year earlier', () => {
    const { growth } = analyseTrend(seriesOf(Array.from({ length: 400 }, (_, i) => i)))
    expect(growth.map(({ span, against }) => `${span} ${against}`)).toEqual([
      'bucket previous',
      'bucket week',
      'bucket month',
      'bucket year',
      'window previous',
      'window month',
      'window year',
    ])
    expect(growth[4]).toMatchObject({ current: 396 * 7, past: 389 * 7, absolute: 49, ratio: 7 / 389 })
    expect(growth[3]).toMatchObject({ current: 399, past: 34, absolute: 365, ratio: 365 / 34 })
  })

  test('a value’s growth is from level to level, and from 0 it has no ratio', () => {
    const { growth } = analyseTrend(seriesOf([0, 0, 5], { measure: 'value' }), { window: 2 })
    expect(growth[0]).toMatchObject({ current: 5, past: 0, absolute: 5, ratio: null })
  })
})

describe('seasons', () => {
  test('a weekly pattern is found, with its profile by weekday', () => {
    const { decomposition, profile, summary } = analyseTrend(seriesOf(weekly(140)))
    expect(decomposition).toMatchObject({ method: 'mstl', seasons: [{ period: 7 }] })
    expect(decomposition?.seasons[0]?.strength).toBeGreaterThan(0.9)
    expect(summary.season).toBe(7)
    expect(profile).toMatchObject({
      by: 'weekday',
      rows: [1, 2, 3, 4, 5, 6, 7],
      buckets: new Array(7).fill([20]),
    })
    expect(profile?.mean[0]?.[0]).toBeGreaterThan(110)
    expect(profile?.deviation[6]?.[0]).toBeLessThan(-30)
  })

  test('hours make a heat map in local time', () => {
    const values = Array.from({ length: 24 * 14 }, (_, i) => i % 24)
    const { profile } = analyseTrend(seriesOf(values, { granularity: 'hour', zone: 'Asia/Seoul' }))
    expect(profile?.by).toBe('weekday-hour')
    // Midnight UTC of a Monday is 09:00 in Seoul.
    expect(profile?.mean[0]?.[9]).toBe(0)
    expect(profile?.mean[0]?.[8]).toBe(23)
    expect(profile?.buckets.flat().reduce((sum, count) => sum + count, 0)).toBe(values.length)
  })

  test('a season that has no two cycles leaves a smooth trend', () => {
    const { decomposition, series } = analyseTrend(seriesOf([5, 6, 7, 8, 9, 10, 11, 12, 13]))
    expect(decomposition).toMatchObject({ method: 'loess', seasons: [] })
    expect(series.seasonal).toEqual([])
    for (const [i, value] of series.trend.entries()) expect(value).toBeCloseTo(5 + i, 9)
  })

  test('weeks have no profile, months one by month of the year', () => {
    const values = Array.from({ length: 36 }, (_, i) => i % 12)
    expect(analyseTrend(seriesOf(values, { granularity: 'week' })).profile).toBeNull()
    const { profile } = analyseTrend(seriesOf(values, { granularity: 'month' }))
    expect(profile).toMatchObject({ by: 'month', rows: [1] })
    expect(profile?.median[0]).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11])
  })
})

describe('what is unusual', () => {
  test('a spike is an anomaly with what was expected; its neighbours and a calm series are none', () => {
    const values = weekly(140)
    expect(analyseTrend(seriesOf(values)).anomalies).toEqual([])
    values[77] = (values[77] ?? 0) + 60
    const { anomalies, series } = analyseTrend(seriesOf(values))
    expect(anomalies.map(({ at }) => at)).toEqual([series.at[77]])
    const [spike] = anomalies
    expect(spike?.value).toBe(values[77])
    expect(spike?.expected).toBeGreaterThan(110)
    expect(spike?.upper).toBeLessThan(values[77] ?? 0)
    expect(spike?.score).toBeGreaterThan(8)
    expect(spike?.oneIn).toBeCloseTo(1 / (spike?.p ?? 0), 3)
  })

  test.each(['change', 'value'] as const)(
    'by %s, a count that changes once a month has no unusual day on which nothing happened, and no season of its own making',
    (measure) => {
      const start = Date.UTC(2025, 10, 27)
      const at = Array.from({ length: 400 }, (_, i) => new Date(start + i * 86_400_000).toISOString())
      const changes = at.map((day, i) => (day.slice(8, 10) === '01' ? 1000 + ((i * 37) % 700) : 0))
      let level = 1_500_000
      const levels = changes.map((change) => {
        level += change
        return level
      })
      const values = measure === 'change' ? changes : levels
      const { anomalies, decomposition } = analyseTrend(seriesOf(values, { at, measure }))
      const quiet = new Set(at.filter((_, i) => changes[i] === 0))
      expect(anomalies.filter((one) => quiet.has(one.at))).toEqual([])
      for (const { amplitude } of decomposition?.seasons ?? []) expect(amplitude).toBeLessThan(1700)
    },
  )

  test('one bucket out of a constant is an anomaly as rare as it was seen', () => {
    const values = new Array(60).fill(5)
    values[30] = 6
    const { anomalies } = analyseTrend(seriesOf(values))
    expect(anomalies).toMatchObject([{ value: 6, oneIn: 60 }])
    expect(anomalies[0]?.expected).toBeCloseTo(5, 6)
  })

  test('a range of changes of a count that never falls does not reach below 0', () => {
    const next = noise(5)
    const values = Array.from({ length: 60 }, () => Math.max(0, Math.round(1 + next())))
    const { series } = analyseTrend(seriesOf(values))
    expect(Math.min(...series.lower.map((value) => value ?? 0))).toBe(0)
    const free = analyseTrend(seriesOf(values, { falls: true })).series
    expect(Math.min(...free.lower.map((value) => value ?? 0))).toBeLessThan(0)
  })

  test('a lasting step is one change point, in its place', () => {
    const values = weekly(180).map((value, i) => (i < 100 ? value : value + 40))
    const { changePoints, summary } = analyseTrend(seriesOf(values))
    expect(changePoints).toHaveLength(1)
    const [point] = changePoints
    expect(Math.abs(Date.parse(point?.at ?? '') - Date.UTC(2026, 0, 105))).toBeLessThanOrEqual(3 * 86_400_000)
    expect(point?.of).toBe('level')
    expect(point?.shift).toBeGreaterThan(25)
    expect(point?.p).toBeLessThan(0.01)
    expect(summary.lastChange).toBe(point?.at)
  })

  test('several steps are found in order, each between the levels beside it', () => {
    const next = noise(19)
    const levels = [20, 60, 30, 90]
    const values = Array.from({ length: 240 }, (_, i) => (levels[Math.floor(i / 60)] ?? 0) + 3 * next())
    const { changePoints } = analyseTrend(seriesOf(values))
    expect(
      changePoints.map(({ before, after }) => [before, after].map((level) => Math.round(level / 10) * 10)),
    ).toEqual([
      [20, 60],
      [60, 30],
      [30, 90],
    ])
  })

  test('neither noise, a steady rise nor a slow wander is a step', () => {
    const next = noise(13)
    const shapes = [
      () => next(),
      (i: number) => 0.2 * i + next(),
      (i: number) => 0.02 * i + next(),
      (i: number) => 5 * Math.sin(i / 30) ** 2 + 3 * next(),
    ]
    for (const shape of shapes) {
      const values = Array.from({ length: 200 }, (_, i) => shape(i))
      expect(analyseTrend(seriesOf(values, { falls: true })).changePoints.length).toBe(0)
    }
  })

  test('of a value that only rises the steps are looked at', () => {
    const next = noise(17)
    let value = 0
    const values = Array.from({ length: 160 }, (_, i) => {
      value += (i < 80 ? 10 : 30) + next()
      return value
    })
    const { changePoints } = analyseTrend(seriesOf(values, { measure: 'value' }))
    expect(changePoints).toMatchObject([{ of: 'rate' }])
    expect(changePoints[0]?.before).toBeCloseTo(10, 0)
    expect(changePoints[0]?.after).toBeCloseTo(30, 0)
  })
})

describe('little and awkward', () => {
  test('the open bucket is left out', () => {
    const open = analyseTrend(seriesOf([5, 5, 5, 5, 5, 5, 5, 5, 5, 1], { partial: true }))
    expect(open.buckets).toMatchObject({ complete: 9, partial: true })
    expect(open.series.values).not.toContain(1)
  })

  test('without values, or with one or two, it says what is missing', () => {
    const head = {
      enough: false,
      slope: { perBucket: null },
      mannKendall: null,
      profile: null,
      decomposition: null,
    }
    expect(analyseTrend(seriesOf([]))).toMatchObject({ ...head, missing: { buckets: 8 }, growth: [] })
    expect(analyseTrend(seriesOf([null, null]))).toMatchObject({ ...head, missing: { buckets: 8 } })
    expect(analyseTrend(seriesOf([4]))).toMatchObject({ ...head, missing: { buckets: 7 }, profile: {} })
    const two = analyseTrend(seriesOf([4, 7]))
    expect(two.slope).toMatchObject({ perBucket: 3, lower: null, upper: null })
    expect(two.summary.kind).toBe('unknown')
  })

  test('a constant has no direction, no test, no strength and nothing unusual', () => {
    for (const constant of [0, 5, -(2 ** 52)]) {
      const answer = analyseTrend(seriesOf(new Array(100).fill(constant)))
      expect(answer).toMatchObject({
        enough: true,
        slope: { perBucket: 0, lower: 0, upper: 0 },
        mannKendall: { s: 0, z: null, p: null, tau: null },
        decomposition: { trend: { strength: null }, seasons: [{ strength: null }] },
        anomalies: [],
        changePoints: [],
        summary: { kind: 'level', season: null },
      })
    }
  })

  test('gaps keep their places, and are bridged for the decomposition alone', () => {
    const values = [null, null, ...weekly(60)]
    values[20] = null
    const { series, buckets } = analyseTrend(seriesOf(values))
    expect(buckets).toMatchObject({ complete: 62, gaps: 3, filled: 1 })
    expect(series.trend[1]).toBeNull()
    expect(series.trend[20]).not.toBeNull()
    expect([series.remainder[20], series.values[20]]).toEqual([null, null])
  })
})

describe('any series', () => {
  const extreme = 2 ** 52
  const any = fc.record({
    values: fc.array(
      fc.oneof(
        fc.constant(null),
        fc.integer({ min: -5, max: 5 }),
        fc.integer({ min: -extreme, max: extreme }),
        fc.double({ min: -1e6, max: 1e6, noNaN: true }),
      ),
      { maxLength: 60 },
    ),
    granularity: fc.constantFrom('minute', 'hour', 'day', 'week', 'month'),
    measure: fc.constantFrom('change', 'value'),
    partial: fc.boolean(),
    falls: fc.boolean(),
  })

  test('has an answer of finite numbers, of the schema’s shape', () => {
    fc.assert(
      fc.property(any, ({ values, ...rest }) => {
        const answer = analyseTrend(seriesOf(values, rest))
        expect(trend.parse(answer)).toEqual(answer)
      }),
      { numRuns: 150 },
    )
  })

  test('shifted and scaled, has the same picture shifted and scaled', () => {
    const numbers = fc.array(fc.integer({ min: -1000, max: 1000 }), { minLength: 10, maxLength: 60 })
    // Powers of two: scaling by them rounds nothing, so that even the choice of what is unusual must be the same.
    const scales = fc.constantFrom(0.25, 2, 1024)
    fc.assert(
      fc.property(numbers, fc.integer({ min: -512, max: 512 }), scales, (values, shift, scale) => {
        const free = { measure: 'change', falls: true } as const
        const base = analyseTrend(seriesOf(values, free))
        const moved = analyseTrend(
          seriesOf(
            values.map((value) => value * scale + shift),
            free,
          ),
        )
        expect(moved.mannKendall?.s).toBe(base.mannKendall?.s)
        expect(moved.mannKendall?.p).toBe(base.mannKendall?.p)
        expect(moved.slope.perBucket).toBeCloseTo((base.slope.perBucket ?? 0) * scale, 6)
        expect(moved.slope.upper).toBeCloseTo((base.slope.upper ?? 0) * scale, 6)
        for (const [i, value] of base.series.trend.entries()) {
          expect(moved.series.trend[i]).toBeCloseTo((value ?? 0) * scale + shift, 5)
        }
      }),
      { numRuns: 60 },
    )
  })
})
