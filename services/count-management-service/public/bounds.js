import { number } from '/assets/format.js'
import { t } from '/assets/i18n.js'

/** The bounds in words. @param {Pick<import('./types.js').Count, 'min' | 'max'>} count */
export function boundsOf({ min, max }) {
  if (min === null && max === null) return t('one.unbounded')
  return t('one.bounds', { min: min === null ? '−∞' : number(min), max: max === null ? '∞' : number(max) })
}
