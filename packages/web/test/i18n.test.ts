import { beforeEach, expect, test, vi } from 'vitest'
import { addWords, fill, particle, t } from '../public/i18n.js'
import { words as kitWords } from '../public/kit-words.js'
import { words } from '../public/words.js'

const root = { lang: 'ko' }
beforeEach(() => {
  root.lang = 'ko'
  vi.stubGlobal('document', { documentElement: root })
})

test.each([
  ['카운트', '을/를', '를'],
  ['값', '을/를', '을'],
  ['page.views', '이/가', '가'],
  ['admin', '이/가', '이'],
  ['1,203', '으로/로', '으로'],
  ['1,201', '으로/로', '로'],
  ['1,202', '으로/로', '로'],
  ['10', '은/는', '은'],
  ['서울', '으로/로', '로'],
  ['조회 수(회)', '과/와', '와'],
])('the particle after %s of %s is %s', (text, pair, expected) => {
  expect(particle(text, pair)).toBe(expected)
})

test('a number is grouped, and its particle fits how it is read', () => {
  expect(fill('값을 {value|으로/로} 수정', { value: 1203 }, 'ko')).toBe('값을 1,203으로 수정')
})

test('English chooses singular and plural by n', () => {
  addWords({ 'test.counts': ['카운트 {n}개', '{n} count', '{n} counts'] })
  expect(t('test.counts', { n: 2 })).toBe('카운트 2개')
  root.lang = 'en'
  expect(t('test.counts', { n: 1 })).toBe('1 count')
  expect(t('test.counts', { n: 2000 })).toBe('2,000 counts')
})

test('a text that takes a value takes it in both languages', () => {
  for (const [key, row] of Object.entries({ ...words, ...kitWords })) {
    const [ko, ...english] = row.map((text) =>
      [...text.matchAll(/\{(\w+)/g)].map((match) => match[1]).toSorted(),
    )
    for (const names of english) expect(names, key).toEqual(ko)
  }
})
