import { language, t } from './i18n.js'

/** @type {Map<string, Intl.NumberFormat | Intl.DateTimeFormat | Intl.RelativeTimeFormat>} */
const made = new Map()
/**
 * Formatters are costly to make and asked for in every cell.
 * @template {Intl.NumberFormat | Intl.DateTimeFormat | Intl.RelativeTimeFormat} T
 * @param {string} kind @param {(tongue: string) => T} make @returns {T}
 */
export function once(kind, make) {
  const tongue = language()
  const key = `${tongue} ${kind}`
  const known = made.get(key) ?? make(tongue)
  made.set(key, known)
  return /** @type {T} */ (known)
}

/** A value, grouped; an en dash where there is none. @param {number | null | undefined} value */
export const number = (value) =>
  value === null || value === undefined
    ? '–'
    : once('number', (tongue) => new Intl.NumberFormat(tongue)).format(value)

/** A change: always with its sign, but 0. @param {number | null | undefined} value */
export const change = (value) =>
  value === null || value === undefined
    ? '–'
    : once('change', (tongue) => new Intl.NumberFormat(tongue, { signDisplay: 'exceptZero' })).format(value)

/** For axes: 1.2K, 1.2천. @param {number} value */
export const compact = (value) =>
  once('compact', (tongue) => new Intl.NumberFormat(tongue, { notation: 'compact' })).format(value)

/** @param {number} value 0 … 1 */
export const percent = (value) =>
  once('percent', (tongue) => new Intl.NumberFormat(tongue, { style: 'percent' })).format(value)

/** @param {number} value bytes */
export const bytes = (value) => {
  const units = ['byte', 'kilobyte', 'megabyte', 'gigabyte']
  const step = Math.min(units.length - 1, value < 1 ? 0 : Math.floor(Math.log10(value) / 3))
  const unit = units[step] ?? 'byte'
  const make = (/** @type {string} */ tongue) =>
    new Intl.NumberFormat(tongue, { style: 'unit', unit, unitDisplay: 'short', maximumFractionDigits: 1 })
  return once(unit, make).format(value / 1000 ** step)
}

/** Date and time to the minute. @param {string | number | null | undefined} at */
export const dateTime = (at) =>
  at === null || at === undefined
    ? '–'
    : once(
        'dateTime',
        (tongue) => new Intl.DateTimeFormat(tongue, { dateStyle: 'medium', timeStyle: 'short' }),
      ).format(new Date(at))

/** To the second. @param {string | number} at */
export const exactTime = (at) =>
  once(
    'exact',
    (tongue) => new Intl.DateTimeFormat(tongue, { dateStyle: 'medium', timeStyle: 'medium' }),
  ).format(new Date(at))

/** @param {string | number} at */
export const clock = (at) =>
  once('clock', (tongue) => new Intl.DateTimeFormat(tongue, { timeStyle: 'short' })).format(new Date(at))

/** @type {[number, 'second' | 'minute' | 'hour', number][]} */
const steps = [
  [60, 'second', 1],
  [3600, 'minute', 60],
  [86_400, 'hour', 3600],
]

/** `3 s ago` up to a day, then the date. @param {string | number | null | undefined} at @param {number} [now] ms */
export function ago(at, now = Date.now()) {
  if (at === null || at === undefined) return t('time.never')
  const seconds = (now - new Date(at).getTime()) / 1000
  if (Math.abs(seconds) < 2) return t('time.now')
  const step = steps.find(([limit]) => Math.abs(seconds) < limit)
  if (!step) return dateTime(at)
  const [, unit, size] = step
  const style = /** @type {const} */ ({ numeric: 'always', style: 'short' })
  return once('ago', (tongue) => new Intl.RelativeTimeFormat(tongue, style)).format(
    -Math.trunc(seconds / size),
    unit,
  )
}

/** How long, in its largest one or two units. @param {number} seconds */
export function duration(seconds) {
  const whole = Math.max(0, Math.round(seconds))
  const part = (/** @type {number} */ value, /** @type {string} */ unit) =>
    once(
      `duration ${unit}`,
      (tongue) => new Intl.NumberFormat(tongue, { style: 'unit', unit, unitDisplay: 'short' }),
    ).format(value)
  if (whole < 60) return part(whole, 'second')
  if (whole < 3600) return `${part(Math.floor(whole / 60), 'minute')} ${part(whole % 60, 'second')}`
  return `${part(Math.floor(whole / 3600), 'hour')} ${part(Math.floor((whole % 3600) / 60), 'minute')}`
}
