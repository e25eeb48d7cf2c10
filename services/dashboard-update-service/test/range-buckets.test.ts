import { rangeSeconds, ranges } from '@count/core/dashboards'
import { openZone } from '@count/core/zone'
import { expect, test } from 'vitest'
import { bucketsOf, levelsOf } from '../src/range-buckets.ts'

const zone = openZone('America/New_York')
const now = Date.parse('2026-11-05T17:42:30Z')

test('every range has evenly spaced buckets of which the last is open, and at most 1,080 of them', () => {
  for (const range of ranges) {
    const { at, stepS } = bucketsOf(range, now, zone)
    expect(at.length * stepS).toBe(rangeSeconds[range])
    expect(at.length).toBeLessThanOrEqual(1080)
    const last = at.at(-1) ?? 0
    expect(now / 1000 - last).toBeGreaterThanOrEqual(0)
    expect(now / 1000 - last).toBeLessThan(stepS)
    if (range !== '1y') for (const [i, start] of at.entries()) expect(start).toBe((at[0] ?? 0) + i * stepS)
  }
})

test('days begin where the zone says, also around a change of its clock', () => {
  const { at } = bucketsOf('1y', now, zone)
  const day = (iso: string) => at.includes(Date.parse(iso) / 1000)
  expect(day('2026-11-01T04:00:00Z')).toBe(true)
  expect(day('2026-11-02T05:00:00Z')).toBe(true)
})

test('levels are the value less all later changes, several stored buckets in one', () => {
  const buckets = bucketsOf('24h', now, zone)
  const { open, firsts } = buckets
  const changes = new Map([
    [open + 2, 7],
    [open, 3],
    [open - 1, 10],
    [open - 5, 20],
    [(firsts[0] ?? 0) - 1, 500],
  ])
  const { base, values } = levelsOf({ value: 100, version: 1, created: 1, changes }, buckets)
  expect(values.slice(-3)).toEqual([60, 90, 100])
  expect(base).toBe(60)
})
