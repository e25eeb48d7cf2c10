import { beforeEach, expect, test, vi } from 'vitest'
import { ago, change, duration, number } from '../public/format.js'

const root = { lang: 'ko' }
const now = Date.UTC(2026, 0, 5, 9)
beforeEach(() => {
  root.lang = 'ko'
  vi.stubGlobal('document', { documentElement: root })
})

test('numbers are grouped, a missing one is a dash', () => {
  expect(number(1234567)).toBe('1,234,567')
  expect(number(null)).toBe('–')
  expect(number(2 ** 52 - 1)).toBe('4,503,599,627,370,495')
})

test('a change carries its sign', () => {
  expect([change(5), change(-5), change(0)]).toEqual(['+5', '-5', '0'])
})

test('times are relative up to a day, then dates', () => {
  expect(ago(now - 500, now)).toBe('방금')
  expect(ago(now - 3000, now)).toBe('3초 전')
  expect(ago(now - 7_200_000, now)).toBe('2시간 전')
  expect(ago(now - 90_000_000, now)).toMatch(/^2026\. 1\. 4\./)
  expect(ago(null, now)).toBe('없음')
  root.lang = 'en'
  expect(ago(now - 3000, now)).toBe('3 sec. ago')
})

test('a duration says its two largest units', () => {
  expect(duration(95)).toBe('1분 35초')
  expect(duration(4)).toBe('4초')
})
