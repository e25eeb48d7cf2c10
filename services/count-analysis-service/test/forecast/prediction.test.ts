import { expect, test } from 'vitest'
import { horizonLimit, predict } from '../../src/prediction-analyzer.ts'
import { prediction } from '../../src/schemas/prediction.ts'
import { chance, seriesOf } from './series.ts'

const line = (length: number) => Array.from({ length }, (_, i) => 10 + 3 * i)
const random = chance(42)
const noisy = Array.from({ length: 240 }, (_, i) =>
  Math.round(100 + 30 * Math.sin((i * Math.PI) / 12) + 20 * random()),
)

test('a line goes on as a line, its intervals without width', () => {
  const { method, points, backtest, summary } = predict(seriesOf(line(80)), { horizon: 20 })
  expect(method).toBe('drift')
  for (const [i, { mean, intervals }] of points.entries()) {
    expect(mean).toBeCloseTo(10 + 3 * (80 + i), 6)
    expect(intervals['95'].upper).toBeCloseTo(mean, 6)
  }
  expect(backtest.smape).toBeCloseTo(0, 6)
  expect(summary).toMatchObject({ kind: 'rising', from: 247 })
})

test('a season goes on, and beats what knows none', () => {
  const { method, points, candidates, seasons, backtest } = predict(seriesOf(noisy), { horizon: 24 })
  expect(seasons).toEqual([24])
  const score = (name: string) =>
    candidates.find((candidate) => candidate.method === name)?.rmse ?? Number.NaN
  expect(candidates[0]?.method).toBe(method)
  expect(score(method)).toBeLessThan(score('naive') / 2)
  for (const [i, { mean }] of points.entries())
    expect(Math.abs(mean - (110 + 30 * Math.sin((i * Math.PI) / 12)))).toBeLessThan(12)
  expect(backtest.mase).toBeLessThan(1)
})

test('the same history always gives the same answer, in the shape of its schema', () => {
  const series = seriesOf(noisy)
  const once = predict(series, { horizon: 24, reach: 200 })
  expect(predict(series, { horizon: 24, reach: 200 })).toEqual(once)
  expect(prediction.parse(once)).toEqual(once)
})

test.for([
  [30, 6],
  [120, 12],
] as const)(
  'over many series of chance of %i buckets the intervals cover what comes about as often as they say',
  { timeout: 90_000 },
  ([length, horizon]) => {
    const inside = { '80': 0, '95': 0 }
    let count = 0
    for (let seed = 1; seed <= 50; seed++) {
      const next = chance(seed * 7919)
      let level = 1000
      const walk = Array.from({ length: length + horizon }, () => {
        level += (next() + next() + next() + next() - 2) * 10
        return level
      })
      const { points } = predict(seriesOf(walk.slice(0, length), { granularity: 'week' }), { horizon })
      for (const [i, { intervals }] of points.entries()) {
        const came = walk[length + i] ?? Number.NaN
        count++
        for (const level of ['80', '95'] as const) {
          const { lower, upper } = intervals[level]
          if (lower !== null && upper !== null && lower <= came && came <= upper) inside[level]++
        }
      }
    }
    expect(inside['95'] / count).toBeGreaterThan(0.9)
    expect(inside['95'] / count).toBeLessThan(0.995)
    expect(inside['80'] / count).toBeGreaterThan(0.72)
    expect(inside['80'] / count).toBeLessThan(0.93)
  },
)

test('the coverage it tells is that of intervals which knew only what came before', () => {
  // Calm, then five times as wild: intervals calibrated with the wild part would have held all the time.
  const next = chance(5)
  let level = 0
  const walk = Array.from({ length: 100 }, (_, i) => {
    level += (next() - 0.5) * (i < 75 ? 2 : 40)
    return level
  })
  const { backtest } = predict(seriesOf(walk, { granularity: 'week' }), { horizon: 4 })
  expect(backtest.coverage['95']).toBeLessThan(0.95)
  expect(backtest.origins).toBe(34)
})

test('a method must beat the damped trend by a tenth; of equals the simplest is taken', () => {
  const { candidates } = predict(seriesOf(noisy), { horizon: 12 })
  const rank = candidates.map(({ method, rmse }) => (rmse ?? 0) * (method === 'damped-trend' ? 1 : 1.1))
  expect(rank).toEqual(rank.toSorted((a, b) => a - b))
  expect(predict(seriesOf(new Array(48).fill(7))).method).toBe('naive')
})

test('the open bucket is left out, the first point lies on it', () => {
  const values = [...noisy.slice(0, 100), 0]
  const open = predict(seriesOf(values, { partial: true }), { horizon: 5 })
  const closed = predict(seriesOf(values.slice(0, -1)), { horizon: 5 })
  expect(open.points).toEqual(closed.points)
  expect(open.points[0]?.at).toBe('2024-01-05T04:00:00Z')
  expect(open.history).toMatchObject({ to: '2024-01-05T03:00:00.000Z', buckets: 100 })
})

test('gaps before the life of a count are cut, those within filled along a line', () => {
  const values: (number | null)[] = [null, null, ...line(40)]
  values[10] = null
  values[11] = null
  const { history, points } = predict(seriesOf(values), { horizon: 1 })
  expect(history).toMatchObject({ from: '2024-01-01T02:00:00.000Z', buckets: 40, used: 40, filled: 2 })
  expect(points[0]?.mean).toBeCloseTo(130, 6)
})

test('a horizon is at most a quarter of the history', () => {
  expect(horizonLimit(seriesOf(line(103)))).toBe(25)
  expect(predict(seriesOf(line(103)), { horizon: 26 }).horizon).toEqual({ buckets: 25, limit: 25 })
  expect(predict(seriesOf(line(103))).points).toHaveLength(24)
  expect(horizonLimit(seriesOf([5]))).toBe(1)
  expect(horizonLimit(seriesOf([null]))).toBe(0)
})

test('with too little history it says what is missing and goes on with the last value', () => {
  const { enough, missing, method, points, backtest, candidates } = predict(
    seriesOf([3, 5, 4, 8, 7, 9, 9, 11]),
    { horizon: 2 },
  )
  expect({ enough, missing, method, candidates }).toEqual({
    enough: false,
    missing: { buckets: 12 },
    method: 'naive',
    candidates: [],
  })
  expect(backtest).toEqual({
    rmse: null,
    mase: null,
    smape: null,
    coverage: { '80': null, '95': null },
    origins: 0,
    horizon: 2,
  })
  expect(points.map(({ mean }) => mean)).toEqual([11, 11])
  const [first, second] = points.map(({ intervals }) => intervals['95'].upper ?? 0)
  expect(first).toBeGreaterThan(13)
  expect(second).toBeGreaterThan(first ?? 0)
})

test('one value is continued without a word on its uncertainty; of none nothing is said', () => {
  const one = predict(seriesOf([6]), { reach: 10 })
  expect(one.points).toMatchObject([{ mean: 6, intervals: { '95': { lower: null, upper: null } } }])
  expect(one.summary.kind).toBe('unknown')
  expect(one.reach).toEqual({ target: 10, earliest: null, expected: null, latest: null })
  for (const nothing of [seriesOf([]), seriesOf([null, null]), seriesOf([4], { partial: true })]) {
    const { points, missing, history } = predict(nothing, { reach: 10 })
    expect({ points, missing, from: history.from }).toEqual({
      points: [],
      missing: { buckets: 20 },
      from: null,
    })
  }
})

test('MASE of a flat history is undefined', () => {
  const { backtest, points, summary } = predict(seriesOf(new Array(60).fill(0)), { horizon: 3 })
  expect(backtest).toMatchObject({ mase: null, smape: 0, rmse: 0 })
  expect(points.map(({ mean }) => mean)).toEqual([0, 0, 0])
  expect(summary.kind).toBe('level')
})
