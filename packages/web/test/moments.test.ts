import { beforeEach, expect, test, vi } from 'vitest'
import { evenly, figure, probability } from '../public/charts/figures.js'
import { bucketName, instantOf, isZone, localOf, tickName } from '../public/charts/moments.js'

beforeEach(() => {
  vi.stubGlobal('document', { documentElement: { lang: 'en' } })
})

test.each([
  ['in Seoul', '2026-03-08T02:30', 'Asia/Seoul', '2026-03-07T17:30:00.000Z'],
  ['in winter', '2026-01-15T12:00', 'America/New_York', '2026-01-15T17:00:00.000Z'],
  ['in summer', '2026-07-15T12:00', 'America/New_York', '2026-07-15T16:00:00.000Z'],
  ['twice in autumn: the first', '2026-11-01T01:30', 'America/New_York', '2026-11-01T05:30:00.000Z'],
  ['never in spring: just after', '2026-03-08T02:30', 'America/New_York', '2026-03-08T07:30:00.000Z'],
  ['at a quarter', '2026-05-01T00:00', 'Asia/Kathmandu', '2026-04-30T18:15:00.000Z'],
])('a clock shows a time %s', (_, local, zone, instant) => {
  expect(instantOf(local, zone)).toBe(instant)
})

test('what a clock shows leads back to the moment', () => {
  const at = Date.UTC(2026, 9, 25, 3)
  for (const zone of ['Europe/Berlin', 'America/St_Johns', 'Pacific/Apia', 'UTC'])
    expect(instantOf(localOf(at, zone), zone)).toBe(new Date(at).toISOString())
})

test('what is no time or no zone is told', () => {
  expect(instantOf('yesterday', 'UTC')).toBeUndefined()
  expect([isZone('Asia/Seoul'), isZone('Mars/Olympus'), isZone('')]).toEqual([true, false, false])
})

test('buckets and ticks are named in their zone', () => {
  const at = '2026-03-31T15:00:00Z'
  expect(bucketName(at, 'month', 'Asia/Seoul')).toBe('April 2026')
  expect(bucketName(at, 'day', 'UTC')).toContain('Mar 31')
  expect(tickName(Date.parse(at) / 1000, 3600, 'Asia/Seoul')).toBe('Apr 1')
  expect(tickName(Date.parse(at) / 1000, 3600, 'UTC')).toBe('15:00')
})

test('figures keep the digits that mean something, and a column writes all alike', () => {
  expect([figure(1234.5), figure(0.01234), figure(12.34, true), figure(null)]).toEqual([
    '1,235',
    '0.0123',
    '+12.3',
    '–',
  ])
  expect([probability(0.0004), probability(0.0123), probability(null)]).toEqual(['< 0.001', '0.012', '–'])
  expect([1, 20.25, null].map(evenly([1, 20.25, null]))).toEqual(['1.00', '20.25', '–'])
  expect([1, 2000].map(evenly([1, 2000]))).toEqual(['1', '2,000'])
})
