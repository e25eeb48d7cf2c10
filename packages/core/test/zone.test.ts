import { openZone } from '@count/core/zone'
import { describe, expect, test } from 'vitest'

const ms = (text: string) => Date.parse(text)
const day = (text: string) => ms(`${text}T00:00:00Z`) / 86_400_000
const hours = (zoneName: string, date: string) => {
  const zone = openZone(zoneName)
  return (zone.dayStart(day(date) + 1) - zone.dayStart(day(date))) / 3_600_000
}

describe('a zone', () => {
  test('tells the offset in force, when it changes, and what to', () => {
    const zone = openZone('America/New_York')
    expect(zone.offsets(ms('2026-11-01T05:59:59.999Z'))).toEqual({
      offset: -14_400,
      changesAt: ms('2026-11-01T06:00:00Z') / 1000,
      next: -18_000,
    })
    expect(zone.offsets(ms('2026-11-01T06:00:00Z'))).toEqual({
      offset: -18_000,
      changesAt: ms('2027-03-14T07:00:00Z') / 1000,
      next: -14_400,
    })
    expect(zone.offsets(ms('2026-07-01T00:00:00Z')).offset).toBe(-14_400)
  })

  test.each(['UTC', 'Asia/Seoul'])('%s never changes', (name) => {
    const { offset, changesAt, next } = openZone(name).offsets(ms('2026-11-23T00:00:00Z'))
    expect(offset).toBe(name === 'UTC' ? 0 : 32_400)
    expect(next).toBe(offset)
    expect(changesAt).toBeGreaterThan(ms('9999-01-01T00:00:00Z') / 1000)
    expect(Number.isSafeInteger(changesAt)).toBe(true)
  })

  test('cuts days where the wall clock does', () => {
    const seoul = openZone('Asia/Seoul')
    expect(seoul.dayOf(ms('2026-11-22T14:59:59.999Z'))).toBe(day('2026-11-22'))
    expect(seoul.dayOf(ms('2026-11-22T15:00:00Z'))).toBe(day('2026-11-23'))
    expect(seoul.dayStart(day('2026-11-23'))).toBe(ms('2026-11-22T15:00:00Z'))
    const newYork = openZone('America/New_York')
    expect(newYork.dayOf(ms('2026-11-02T04:59:59Z'))).toBe(day('2026-11-01'))
    expect(newYork.dayOf(ms('2026-11-02T05:00:00Z'))).toBe(day('2026-11-02'))
  })

  test.each([
    ['America/New_York', '2026-03-08', 23],
    ['America/New_York', '2026-11-01', 25],
    ['America/New_York', '2026-11-23', 24],
    ['Asia/Seoul', '2026-03-08', 24],
    ['Australia/Lord_Howe', '2026-04-05', 24.5],
    ['Australia/Lord_Howe', '2026-10-04', 23.5],
    ['Asia/Kolkata', '2026-10-04', 24],
    ['Africa/Cairo', '2026-04-24', 23],
    ['Asia/Beirut', '2026-03-29', 23],
    ['America/Havana', '2026-11-01', 25],
    ['Pacific/Apia', '2011-12-30', 0],
  ])('in %s, %s has %d hours', (name, date, expected) => {
    expect(hours(name, date)).toBe(expected)
  })

  test.each(['America/New_York', 'Australia/Lord_Howe', 'Asia/Kathmandu', 'Africa/Cairo', 'Asia/Beirut'])(
    'in %s every day begins with an instant of its own, and the one before ends there',
    (name) => {
      const zone = openZone(name)
      for (let one = day('2025-12-01'); one < day('2027-01-31'); one++) {
        expect(zone.dayOf(zone.dayStart(one))).toBe(one)
        expect(zone.dayOf(zone.dayStart(one) - 1)).toBe(one - 1)
      }
    },
  )

  test('a day that begins at one o’clock begins there', () => {
    expect(openZone('Africa/Cairo').dayStart(day('2026-04-24'))).toBe(ms('2026-04-23T22:00:00Z'))
  })

  test('an unknown name is refused', () => {
    expect(() => openZone('Mars/Olympus')).toThrow(RangeError)
  })
})
