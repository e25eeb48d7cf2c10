import { local } from './storage.js'
import { words } from './words.js'

/** @typedef {'ko' | 'en'} Language */
/** Korean, English; English by number (`{n}`): one, other. @typedef {[string, string] | [string, string, string]} Words */

/** @type {Record<string, Words>} */
const table = { ...words }
/** @type {Set<() => void>} */
const listeners = new Set()

/** A site's own words beside the kit's. @param {Record<string, Words>} words */
export const addWords = (words) => void Object.assign(table, words)

/** @returns {Language} */
export const language = () => (document.documentElement.lang === 'ko' ? 'ko' : 'en')

/** @param {Language} next */
export function setLanguage(next) {
  local.set('count.language', next)
  document.documentElement.lang = next
  for (const listener of listeners) listener()
}

/** @param {() => void} listener @returns {() => void} ends it */
export function onLanguage(listener) {
  listeners.add(listener)
  return () => void listeners.delete(listener)
}

const digits = ['영', '일', '이', '삼', '사', '오', '육', '칠', '팔', '구']
/** Letters whose Korean name, as it is read, ends in a consonant. */
const closed = /[lmnrLMNR]$/

/** The final consonant of what is read: 0 none, 8 ㄹ, else another. @param {string} text */
function finalOf(text) {
  const last = text.replace(/[^\p{L}\p{N}]+$/u, '').slice(-1)
  const read = digits[Number(last || NaN)] ?? last
  const code = read.charCodeAt(0) - 0xac00
  if (code >= 0 && code < 11172) return code % 28
  return /[lrLR]/.test(read) ? 8 : closed.test(read) ? 4 : 0
}

/**
 * The Korean particle that fits: `을/를`, `이/가`, `은/는`, `과/와`, `으로/로` (로 after ㄹ too).
 * @param {string} text @param {string} pair after a consonant / after a vowel
 */
export function particle(text, pair) {
  const [consonant = '', vowel = ''] = pair.split('/')
  const final = finalOf(text)
  return final === 0 || (final === 8 && consonant === '으로') ? vowel : consonant
}

/**
 * Fills `{name}` and, in Korean, `{name|을/를}`: the value with the particle that fits it. Numbers are grouped.
 * @param {string} text @param {Record<string, string | number>} values @param {Language} tongue
 */
export function fill(text, values, tongue) {
  return text.replace(/\{(\w+)(?:\|([^}]+))?\}/g, (whole, name, pair) => {
    const value = values[name]
    if (value === undefined) return whole
    const told = typeof value === 'number' ? new Intl.NumberFormat(tongue).format(value) : value
    return pair ? told + particle(told, pair) : told
  })
}

/** Costly to make, and asked for with every text. @type {Partial<Record<Language, Intl.PluralRules>>} */
const plurals = {}

/**
 * The text of a key in the reader's language; the key itself when it has none.
 * @param {string} key @param {Record<string, string | number>} [values] `n` also chooses singular or plural
 */
export function t(key, values = {}) {
  const row = table[key]
  if (!row) return key
  const tongue = language()
  const [ko, one, other = one] = row
  plurals[tongue] ??= new Intl.PluralRules(tongue)
  const single = plurals[tongue].select(Number(values.n ?? 0)) === 'one'
  return fill(tongue === 'ko' ? ko : single ? one : other, values, tongue)
}

/** Whether there is a text of that key. @param {string} key */
export const has = (key) => key in table
