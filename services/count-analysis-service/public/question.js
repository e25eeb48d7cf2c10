import { instantOf, isZone } from '/assets/charts/moments.js'
import { useCallback, useEffect, useState } from '/assets/vendor/preact.js'

/** @typedef {import('./types.js').Question} Question */
/** @typedef {import('./types.js').Tab} Tab */

export const tabs = /** @type {const} */ (['trend', 'comparison', 'prediction'])
const hour = 3_600_000
const day = 24 * hour
/** How far back each range goes, in ms. @type {Record<string, number>} */
export const ranges = {
  '24h': day,
  '7d': 7 * day,
  '30d': 30 * day,
  '90d': 90 * day,
  '1y': 365 * day,
  '5y': 5 * 365 * day,
}
/** Each granularity with the ranges that it fits: as long as its buckets are kept, as short as there are a few. @type {Record<string, [number, number]>} */
const reaches = {
  minute: [0, 2 * day],
  hour: [3 * hour, 90 * day],
  day: [2 * day, 3660 * day],
  week: [14 * day, 3660 * day],
  month: [60 * day, 3660 * day],
}
export const views = /** @type {const} */ (['aligned', 'indexed', 'shares'])
export const pasts = /** @type {const} */ (['previous', 'day', 'week', 'month', 'year'])
export const mostCounts = 50
const browserZone = () => new Intl.DateTimeFormat().resolvedOptions().timeZone || 'UTC'

/** One of the words, or the first. @template {string} T @param {readonly T[]} words @param {string | null} word @returns {T} */
const oneOf = (words, word) => /** @type {T} */ (words.find((known) => known === word) ?? words[0])

/** @param {string} search of an address @returns {Question} */
export function read(search) {
  const url = new URLSearchParams(search)
  const text = (/** @type {string} */ key) => url.get(key) ?? ''
  const list = (/** @type {string} */ key) =>
    [...new Set(url.getAll(key))].filter(Boolean).slice(0, mostCounts)
  const range = text('range')
  return {
    tab: oneOf(tabs, url.get('tab')),
    count: list('count'),
    tag: list('tag'),
    prefix: list('prefix'),
    of: text('of'),
    range: range in ranges || range === 'custom' ? range : '90d',
    from: text('from'),
    to: text('to'),
    granularity: text('granularity') in reaches ? text('granularity') : '',
    zone: text('zone') || browserZone(),
    measure: oneOf(['change', 'value'], url.get('measure')),
    against: pasts.find((past) => past === url.get('against')) ?? '',
    view: oneOf(views, url.get('view')),
    window: text('window'),
    horizon: text('horizon'),
    reach: text('reach'),
    saved: text('saved'),
  }
}

const defaults = read('')

/** The question as it stands in an address; what is as usual is left out, but the zone: a link shows the same elsewhere. @param {Question} question */
export function write(question) {
  const url = new URLSearchParams()
  for (const [key, value] of Object.entries(question)) {
    if (Array.isArray(value)) for (const one of value) url.append(key, one)
    else if (value !== '' && (key === 'zone' || value !== defaults[/** @type {keyof Question} */ (key)]))
      url.append(key, value)
  }
  return `?${url}`
}

/**
 * The question in the page's address; each change is a step that the back button takes back.
 * @returns {[Question, (change: Partial<Question>) => void]}
 */
export function useQuestion() {
  const [question, setQuestion] = useState(() => read(location.search))
  useEffect(() => {
    const back = () => setQuestion(read(location.search))
    addEventListener('popstate', back)
    return () => removeEventListener('popstate', back)
  }, [])
  const ask = useCallback((/** @type {Partial<Question>} */ change) => {
    const search = write({ ...read(location.search), ...change })
    if (search !== location.search) history.pushState(null, '', search)
    setQuestion(read(location.search))
  }, [])
  return [question, ask]
}

/** How long the asked range is, in ms; NaN while it is not complete. @param {Question} question */
export function spanOf({ range, from, to, zone }) {
  if (range !== 'custom') return ranges[range] ?? day
  const until = to ? Date.parse(instantOf(to, zone) ?? '') : Date.now()
  return until - Date.parse(instantOf(from, zone) ?? '')
}

/** The granularities that fit the range. @param {Question} question */
export const fitting = (question) => {
  const span = spanOf(question)
  return Object.keys(reaches).filter((name) => {
    const [least, most] = reaches[name] ?? [0, 0]
    return Number.isNaN(span) || (span >= least && span <= most)
  })
}

/** What is asked, or else what fits the range best. @param {Question} question */
export function granularityOf(question) {
  const fits = fitting(question)
  if (fits.includes(question.granularity)) return question.granularity
  const span = spanOf(question)
  const best = span <= 6 * hour ? 'minute' : span <= 8 * day ? 'hour' : span <= 400 * day ? 'day' : 'month'
  return fits.includes(best) ? best : (fits[0] ?? 'day')
}

/** What is wrong with the question, by field; the key of a text. @param {Question} question @returns {Record<string, string>} */
export function faultsOf(question) {
  /** @type {Record<string, string>} */
  const faults = {}
  if (!isZone(question.zone)) return { zone: 'question.zone.unknown' }
  if (question.range === 'custom') {
    const span = spanOf(question)
    if (!question.from) faults.from = 'field.required'
    else if (!(span > 0)) faults.to = 'question.to.early'
  }
  if (question.reach && !Number.isFinite(Number(question.reach))) faults.reach = 'field.number'
  const horizon = Number(question.horizon)
  if (question.horizon && !(Number.isInteger(horizon) && horizon > 0))
    faults.horizon = 'question.horizon.wrong'
  return faults
}

/** The count that trend and prediction look at. @param {Question} question */
export const countOf = ({ count, of }) => (count.includes(of) ? of : count[0])

/** What the API is asked; the range of a preset ends now. @param {Question} question @param {number} now ms */
export function pathOf(question, now) {
  const { tab, range, from, to, zone, measure } = question
  const url = new URLSearchParams()
  const add = (/** @type {string} */ key, /** @type {string | undefined} */ value) =>
    value && url.append(key, value)
  const comparing = tab === 'comparison'
  const counts = comparing ? question.count : [countOf(question) ?? '']
  for (const id of counts) add('count', id)
  if (comparing) {
    for (const tag of question.tag) add('tag', tag)
    for (const prefix of question.prefix) add('prefix', prefix)
    if (isPast(question)) add('against', question.against || 'previous')
  }
  add('from', range === 'custom' ? instantOf(from, zone) : new Date(now - (ranges[range] ?? 0)).toISOString())
  if (range === 'custom') add('to', to && instantOf(to, zone))
  add('granularity', granularityOf(question))
  add('zone', zone)
  add('measure', measure)
  if (tab === 'trend') add('window', question.window)
  if (tab === 'prediction') {
    add('horizon', question.horizon)
    add('reach', question.reach)
  }
  return `/analysis/${tab}?${url}`
}

/** Whether one count is compared with its own past: there is nothing else to compare it with. @param {Question} question */
export const isPast = ({ count, tag, prefix }) => count.length === 1 && tag.length + prefix.length === 0

/** Whether there is enough of a question to ask it: a group is compared with something else only. @param {Question} question */
export const isAsked = ({ tab, count, tag, prefix }) =>
  count.length > 0 || (tab === 'comparison' && tag.length + prefix.length > 1)
