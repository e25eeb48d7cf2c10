import { number, once } from '../format.js'

/** @param {string} kind @param {Intl.NumberFormatOptions} shape */
const formatter = (kind, shape) => once(`figure ${kind}`, (tongue) => new Intl.NumberFormat(tongue, shape))
/** @typedef {number | null | undefined} Maybe */
/** @param {Maybe} value @returns {value is null | undefined} */
const none = (value) => value === null || value === undefined

/** A figure that was worked out: three digits that mean something, whole from a hundred on. @param {Maybe} value @param {boolean} [signed] */
export function figure(value, signed = false) {
  if (none(value)) return '–'
  const sign = /** @type {const} */ ({ signDisplay: signed ? 'exceptZero' : 'auto' })
  return Math.abs(value) >= 100
    ? formatter(`whole ${signed}`, { maximumFractionDigits: 0, ...sign }).format(value)
    : formatter(`digits ${signed}`, { maximumSignificantDigits: 3, ...sign }).format(value)
}

/** @param {Maybe} value 0.123 → 12.3 % @param {boolean} [signed] */
export const share = (value, signed = false) =>
  none(value)
    ? '–'
    : formatter(`share ${signed} ${Math.abs(value) < 0.1}`, {
        style: 'percent',
        maximumFractionDigits: Math.abs(value) < 0.1 ? 1 : 0,
        signDisplay: signed ? 'exceptZero' : 'auto',
      }).format(value)

/** How probable, as far as it can be told apart from none. @param {Maybe} p */
export const probability = (p) => (none(p) ? '–' : p < 0.001 ? `< ${decimals(0.001, 3)}` : decimals(p, 3))

/** @param {Maybe} value @param {number} digits */
export const decimals = (value, digits) =>
  none(value)
    ? '–'
    : formatter(`decimals ${digits}`, {
        minimumFractionDigits: digits,
        maximumFractionDigits: digits,
      }).format(value)

/** A number of a series: whole as it was counted, else its first digits. @param {Maybe} value */
export const amount = (value) => (Number.isInteger(value) ? number(value) : figure(value))

/** How the numbers of a column are written, so that their points stand below each other. @param {(number | null)[]} values @returns {(value: Maybe) => string} */
export function evenly(values) {
  const most = values.reduce((/** @type {number} */ most, value) => Math.max(most, Math.abs(value ?? 0)), 0)
  const digits =
    values.every((value) => value === null || Number.isInteger(value)) || most >= 1000
      ? 0
      : most >= 100
        ? 1
        : most >= 1
          ? 2
          : 4
  return (value) => decimals(value, digits)
}
