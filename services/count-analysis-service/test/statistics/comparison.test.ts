import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { compare } from '../../src/comparison-analyzer.ts'
import { comparison } from '../../src/schemas/comparison.ts'
import { noise, seriesOf } from './series.ts'

const named = (id: string, values: (number | null)[], given = {}) =>
  seriesOf(values, { id, name: id, ...given })
const days = (length: number, of: (i: number) => number) => Array.from({ length }, (_, i) => of(i))

describe('standing', () => {
  test('index, shares, totals and ranks follow the values; who overtakes has moved', () => {
    const { items, at, halves, summary } = compare([
      named(
        'north',
        days(10, () => 10),
      ),
      named(
        'south',
        days(10, (i) => (i < 5 ? 5 : 20)),
      ),
    ])
    expect(halves.split).toBe(at[5])
    expect(items[0]).toMatchObject({ total: 100, share: 100 / 225, rank: 2, before: 1, now: 2, moved: -1 })
    expect(items[1]).toMatchObject({
      total: 125,
      rank: 1,
      before: 2,
      now: 1,
      moved: 1,
      mean: 12.5,
      median: 12.5,
    })
    expect(items[1]?.growth).toEqual({ first: 25, second: 100, ratio: 3 })
    expect(items[1]?.indexed[9]).toBe(400)
    expect(items[0]?.shares.slice(4, 6)).toEqual([10 / 15, 1 / 3])
    expect(summary).toMatchObject({ leader: 1, second: 0, ahead: 0.25, fastest: 1, climber: 1 })
  })

  test('equals share a rank, and nobody has climbed', () => {
    const { items, summary } = compare([
      named(
        'a',
        days(8, () => 3),
      ),
      named(
        'b',
        days(8, () => 3),
      ),
    ])
    expect(items.map(({ rank, moved }) => [rank, moved])).toEqual([
      [1, 0],
      [1, 0],
    ])
    expect(summary).toMatchObject({ ahead: 0, certain: false, climber: null })
  })

  test('values are ranked by the last one, not by their sum', () => {
    const { items } = compare([
      named(
        'falling',
        days(10, (i) => 100 - 10 * i),
        { measure: 'value' },
      ),
      named(
        'rising',
        days(10, (i) => 3 * i),
        { measure: 'value' },
      ),
    ])
    expect(items.map(({ total, rank, before }) => ({ total, rank, before }))).toEqual([
      { total: 10, rank: 2, before: 1 },
      { total: 27, rank: 1, before: 2 },
    ])
  })

  test('what is negative or zero in all has no shares, and an index begins above 0 once all have begun', () => {
    const { items, at } = compare([
      named('a', [0, 0, 0, 4, 8, 2, 2, 2]),
      named('b', [null, 0, 5, -5, 5, 2, 2, 2]),
    ])
    expect(items[0]?.shares.slice(0, 4)).toEqual([null, null, 0, null])
    expect(items[0]).toMatchObject({ base: at[3] })
    expect(items[0]?.indexed[4]).toBe(200)
    expect(items[1]).toMatchObject({ base: at[2] })
    expect(items[1]?.shares[0]).toBeNull()
  })
})

describe('alignment', () => {
  test('buckets are matched by instant however it is written; what one lacks is a gap', () => {
    const { at, items, buckets } = compare([
      named('a', [1, 2, 3], { at: ['2026-01-01T00:00:00Z', '2026-01-02T00:00:00Z', '2026-01-03T00:00:00Z'] }),
      named('b', [20, 30, 40], {
        at: ['2026-01-02T09:00:00+09:00', '2026-01-03T09:00:00+09:00', '2026-01-04T09:00:00+09:00'],
      }),
    ])
    expect(at).toEqual([
      '2026-01-01T00:00:00Z',
      '2026-01-02T00:00:00Z',
      '2026-01-03T00:00:00Z',
      '2026-01-04T09:00:00+09:00',
    ])
    expect(items.map(({ values }) => values)).toEqual([
      [1, 2, 3, null],
      [null, 20, 30, 40],
    ])
    expect(buckets).toEqual({ complete: 4, common: 2, partial: false })
  })

  test('open buckets are left out, and too few shared ones are said', () => {
    const answer = compare([
      named('a', [1, 2, 3, 4], { partial: true }),
      named('b', [null, 5, 6, 7], { partial: true }),
    ])
    expect(answer).toMatchObject({
      enough: false,
      missing: { buckets: 6 },
      buckets: { complete: 3, common: 2, partial: true },
    })
    expect(answer.correlation.values.pearson[0]?.[1]).toBeNull()
  })
})

describe('what moves together', () => {
  test('one that repeats the other three buckets later is found at that lag, from both sides', () => {
    const next = noise(21)
    const lead = days(120, () => Math.round(50 + 10 * next()))
    const late = days(120, (i) => (i < 3 ? 50 : (lead[i - 3] ?? 0)))
    const { correlation, summary, maxLag } = compare([named('lead', lead), named('late', late)])
    expect(maxLag).toBe(14)
    expect(correlation.values.lag).toEqual([
      [0, 3],
      [-3, 0],
    ])
    expect(correlation.values.lagged[1]?.[0]).toBeCloseTo(1, 12)
    expect(Math.abs(correlation.values.pearson[0]?.[1] ?? 1)).toBeLessThan(0.3)
    expect(summary.closest).toEqual({ a: 0, b: 1, lag: 3, r: correlation.values.lagged[0]?.[1] })
    expect(
      compare([named('lead', lead), named('late', late)], { maxLag: 2 }).correlation.values.lag[0]?.[1],
    ).not.toBe(3)
  })

  test('two that only share a trend go together by value, not by change', () => {
    const [one, two] = [noise(31), noise(32)]
    const { correlation } = compare([
      named(
        'a',
        days(200, (i) => i + one()),
        { measure: 'value' },
      ),
      named(
        'b',
        days(200, (i) => 2 * i + two()),
        { measure: 'value' },
      ),
    ])
    expect(correlation.values.pearson[0]?.[1]).toBeGreaterThan(0.99)
    expect(Math.abs(correlation.changes.pearson[0]?.[1] ?? 1)).toBeLessThan(0.2)
  })

  test('a gap inside is left out of both, and gives the same as without that bucket', () => {
    const [one, two] = [noise(41), noise(42)]
    const a = days(40, () => one())
    const b = a.map((value) => value + two())
    const [gap, whole] = [a.with(20, Number.NaN), b].map((values) =>
      values.map((v) => (Number.isNaN(v) ? null : v)),
    )
    const without = (values: number[]) => values.filter((_, i) => i !== 20)
    const holed = compare([named('a', gap ?? []), named('b', whole ?? [])], { maxLag: 0 }).correlation.values
    const cut = compare([named('a', without(a)), named('b', without(b))], { maxLag: 0 }).correlation.values
    expect(holed.pearson[0]?.[1]).toBeCloseTo(cut.pearson[0]?.[1] ?? 0, 12)
    expect(holed.spearman[0]?.[1]).toBeCloseTo(cut.spearman[0]?.[1] ?? 0, 12)
  })

  test('a constant goes together with nothing', () => {
    const { correlation } = compare([
      named(
        'flat',
        days(20, () => 7),
      ),
      named(
        'b',
        days(20, (i) => i),
      ),
    ])
    expect(correlation.values.pearson).toEqual([
      [null, null],
      [null, 1],
    ])
    expect(correlation.values.lag[0]?.[1]).toBeNull()
  })
})

describe('which differ', () => {
  test('a clear lead is significant, a toss-up is not, and many pairs ask for more', () => {
    const [one, two, three] = [noise(51), noise(52), noise(53)]
    const near = (next: () => number) => days(60, () => 100 + 10 * next())
    const { differences, summary } = compare([
      named('a', near(one)),
      named('b', near(two)),
      named(
        'c',
        near(three).map((value) => value + 15),
      ),
    ])
    expect(differences.map(({ a, b, significant }) => [a, b, significant])).toEqual([
      [0, 1, false],
      [0, 2, true],
      [1, 2, true],
    ])
    expect(differences[1]?.effect).toBeLessThan(-0.5)
    expect(differences[1]?.median).toBeLessThan(-10)
    for (const { p, holm, cautious } of differences) {
      expect(holm).toBeGreaterThanOrEqual(p ?? 1)
      expect(cautious).toBeGreaterThanOrEqual(holm ?? 1)
    }
    expect(summary).toMatchObject({ leader: 2, certain: true })
  })

  test('long stretches on one side count for less than as many independent buckets', () => {
    const swings = days(80, (i) => (i < 20 ? -3 : 5))
    const { differences } = compare([
      named('a', swings),
      named(
        'b',
        days(80, () => 0),
      ),
    ])
    expect(differences[0]?.p).toBeLessThan(0.001)
    expect(differences[0]).toMatchObject({ significant: false })
  })

  test('equals have no test', () => {
    const { differences } = compare([
      named(
        'a',
        days(20, (i) => i),
      ),
      named(
        'b',
        days(20, (i) => i),
      ),
    ])
    expect(differences).toMatchObject([
      { n: 0, median: 0, p: null, holm: null, effect: null, significant: false },
    ])
  })
})

describe('any series', () => {
  const extreme = 2 ** 52
  const value = fc.oneof(
    fc.constant(null),
    fc.integer({ min: -3, max: 3 }),
    fc.integer({ min: -extreme, max: extreme }),
    fc.double({ min: -1e6, max: 1e6, noNaN: true }),
  )
  const many = fc.array(fc.array(value, { maxLength: 30 }), { minLength: 2, maxLength: 5 })

  test('have an answer of finite numbers, of the schema’s shape', () => {
    fc.assert(
      fc.property(many, fc.constantFrom('change', 'value'), fc.boolean(), (columns, measure, partial) => {
        const answer = compare(columns.map((values, i) => named(`count-${i}`, values, { measure, partial })))
        expect(comparison.parse(answer)).toEqual(answer)
      }),
      { numRuns: 150 },
    )
  })

  test('correlate the same shifted and scaled', () => {
    const pairs = fc.array(fc.tuple(fc.integer({ min: -99, max: 99 }), fc.integer({ min: -99, max: 99 })), {
      minLength: 8,
      maxLength: 40,
    })
    fc.assert(
      fc.property(
        pairs,
        fc.integer({ min: -999, max: 999 }),
        fc.constantFrom(0.5, 4),
        (rows, shift, scale) => {
          const [x, y] = [rows.map(([a]) => a), rows.map(([, b]) => b)]
          const base = compare([named('x', x), named('y', y)]).correlation.values
          const moved = compare([
            named(
              'x',
              x.map((v) => v * scale + shift),
            ),
            named('y', y),
          ]).correlation.values
          expect(moved.pearson[0]?.[1] ?? 2).toBeCloseTo(base.pearson[0]?.[1] ?? 2, 9)
          expect(moved.spearman).toEqual(base.spearman)
        },
      ),
      { numRuns: 60 },
    )
  })
})
