import { once } from '../format.js'
import { t } from '../i18n.js'

/** @typedef {'minute' | 'hour' | 'day' | 'week' | 'month'} Granularity */

/** @type {Record<Granularity, Intl.DateTimeFormatOptions>} */
const bucketShapes = {
  minute: { dateStyle: 'medium', timeStyle: 'short' },
  hour: { dateStyle: 'medium', timeStyle: 'short' },
  day: { year: 'numeric', month: 'short', day: 'numeric', weekday: 'short' },
  week: { year: 'numeric', month: 'short', day: 'numeric' },
  month: { year: 'numeric', month: 'long' },
}

/** @param {string} kind @param {string} zone @param {Intl.DateTimeFormatOptions} shape */
const formatter = (kind, zone, shape) =>
  once(`${kind} ${zone}`, (tongue) => new Intl.DateTimeFormat(tongue, { ...shape, timeZone: zone }))

/** What a bucket is called: its minute, day or month in its zone. @param {string | number} at its start @param {Granularity} granularity @param {string} zone */
export function bucketName(at, granularity, zone) {
  const name = formatter(`bucket ${granularity}`, zone, bucketShapes[granularity]).format(new Date(at))
  return granularity === 'week' ? t('chart.week', { date: name }) : name
}

const dayS = 86_400

/** A tick of a time axis, as short as its distance to the next allows. @param {number} at s @param {number} step s @param {string} zone */
export function tickName(at, step, zone) {
  const date = new Date(at * 1000)
  const month = step >= 27 * dayS
  if (month) return formatter('tick month', zone, { year: '2-digit', month: 'short' }).format(date)
  const time = formatter('tick time', zone, { timeStyle: 'short', hourCycle: 'h23' })
  const midnight = step >= dayS || time.format(date).endsWith('00:00')
  return midnight
    ? formatter('tick day', zone, { month: 'short', day: 'numeric' }).format(date)
    : time.format(date)
}

const clock = new Map()
/** A moment as a clock on the wall of the zone shows it: `2026-03-08T02:30`. @param {number} at ms @param {string} zone */
export function localOf(at, zone) {
  const known =
    clock.get(zone) ??
    new Intl.DateTimeFormat('sv', { dateStyle: 'short', timeStyle: 'short', timeZone: zone })
  clock.set(zone, known)
  return known.format(at).replace(' ', 'T')
}

/**
 * The moment (RFC 3339) at which a clock of the zone shows this; of two the first, of none (spring) one just after.
 * @param {string} local `2026-03-08T02:30` @param {string} zone @returns {string | undefined} undefined for what is no time
 */
export function instantOf(local, zone) {
  const wanted = Date.parse(`${local}Z`)
  if (Number.isNaN(wanted)) return undefined
  const offset = (/** @type {number} */ at) =>
    Date.parse(`${localOf(at, zone)}Z`) - Math.floor(at / 60_000) * 60_000
  // The offsets a day before and after are the two that can hold around a change.
  const candidates = [offset(wanted - dayS * 1000), offset(wanted + dayS * 1000)].map((by) => wanted - by)
  const exact = candidates.filter((at) => localOf(at, zone) === local.slice(0, 16))
  return new Date(exact.length ? Math.min(...exact) : Math.max(...candidates)).toISOString()
}

/** Whether the browser knows the zone. @param {string} zone */
export function isZone(zone) {
  try {
    return Boolean(new Intl.DateTimeFormat('en', { timeZone: zone }))
  } catch {
    return false
  }
}
