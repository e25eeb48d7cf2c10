import { expect, test } from 'vitest'
import { bucketsAfter } from '../../src/forecast/calendar.ts'
import { predict } from '../../src/prediction-analyzer.ts'
import { seriesOf } from './series.ts'

const after = (count: number, ...of: Parameters<typeof bucketsAfter>) => {
  const name = bucketsAfter(...of)
  return Array.from({ length: count }, (_, i) => name(i + 1))
}

test('days begin at local midnight on both sides of a change of the clock', () => {
  expect(after(3, '2026-03-07T00:00:00-05:00', 'day', 'America/New_York')).toEqual([
    '2026-03-08T00:00:00-05:00',
    '2026-03-09T00:00:00-04:00',
    '2026-03-10T00:00:00-04:00',
  ])
})

test('a day without a midnight begins when the clock does', () => {
  expect(after(2, '2025-09-06T00:00:00-04:00', 'day', 'America/Santiago')).toEqual([
    '2025-09-07T01:00:00-03:00',
    '2025-09-08T00:00:00-03:00',
  ])
})

test('hours go on through the change, none twice and none left out', () => {
  expect(after(3, '2026-11-01T00:00:00-04:00', 'hour', 'America/New_York')).toEqual([
    '2026-11-01T01:00:00-04:00',
    '2026-11-01T01:00:00-05:00',
    '2026-11-01T02:00:00-05:00',
  ])
})

test('weeks and months follow the calendar of the zone', () => {
  expect(after(2, '2026-03-02T00:00:00-05:00', 'week', 'America/New_York')).toEqual([
    '2026-03-09T00:00:00-04:00',
    '2026-03-16T00:00:00-04:00',
  ])
  expect(after(3, '2025-12-01T00:00:00+09:00', 'month', 'Asia/Seoul')).toEqual([
    '2026-01-01T00:00:00+09:00',
    '2026-02-01T00:00:00+09:00',
    '2026-03-01T00:00:00+09:00',
  ])
})

test('Z stays Z, also where the instants of a zone are told in UTC', () => {
  expect(after(1, '2026-03-08T05:00:00Z', 'day', 'America/New_York')).toEqual(['2026-03-09T04:00:00Z'])
  expect(after(1, '2026-03-08T23:59:00Z', 'minute', 'UTC')).toEqual(['2026-03-09T00:00:00Z'])
})

test('a number is reached between the first touch of the interval and its whole', () => {
  const values = Array.from({ length: 80 }, (_, i) => 100 + 10 * i + 25 * ((i * 7) % 5))
  const { reach, points } = predict(seriesOf(values), { horizon: 20, reach: 1000 })
  const index = (at: string | null | undefined) => points.findIndex((point) => point.at === at)
  expect(index(reach?.earliest)).toBeGreaterThanOrEqual(0)
  expect(index(reach?.earliest)).toBeLessThan(index(reach?.latest))
  expect(points[index(reach?.expected)]?.mean).toBeGreaterThanOrEqual(1000)
  expect(points[index(reach?.expected) - 1]?.mean).toBeLessThan(1000)
})

test('a number below is come down to; one out of sight is not reached; the present one is already', () => {
  const falling = seriesOf(Array.from({ length: 80 }, (_, i) => 1000 - 10 * i))
  const { reach, points } = predict(falling, { horizon: 20, reach: 150 })
  expect(reach).toEqual({
    target: 150,
    earliest: points[5]?.at,
    expected: points[5]?.at,
    latest: points[5]?.at,
  })
  const nowhere = { earliest: null, expected: null, latest: null }
  expect(predict(falling, { horizon: 20, reach: -100 }).reach).toEqual({ target: -100, ...nowhere })
  expect(predict(falling, { horizon: 20, reach: 5000 }).reach).toEqual({ target: 5000, ...nowhere })
  const last = '2024-01-04T07:00:00.000Z'
  expect(predict(falling, { reach: 210 }).reach).toMatchObject({ earliest: last, latest: last })
})
