import { Problem } from './api.js'
import { has, t } from './i18n.js'

/** What went wrong and what to do, in the reader's language. @param {unknown} error @returns {{ title: string, advice: string }} */
export function told(error) {
  const name = error instanceof Problem ? error.name : 'internal'
  const title = has(`problem.${name}`) ? t(`problem.${name}`) : t('problem.internal')
  return { title, advice: has(`problem.${name}.do`) ? t(`problem.${name}.do`) : '' }
}

/** How the server's validator words its faults → our words. @type {[RegExp, (limit: number, path: string) => string][]} */
const faults = [
  [/fewer than 1 |required/, () => t('field.required')],
  [/fewer than (\d+)/, (n) => t('field.tooShort', { n })],
  [/more than (\d+) items/, (n) => t('field.tooMany', { n })],
  [/more than (\d+) char/, (n) => t('field.tooLong', { n })],
  [/at least (\d+) char/, (n) => t('field.tooShort', { n })],
  [/>= (-?\d+)/, (limit) => t('field.min', { limit })],
  [/<= (-?\d+)/, (limit) => t('field.max', { limit })],
  [/integer|number/, () => t('field.number')],
  [/tried first/, () => t('field.password.weak')],
  [/contain the username/, () => t('field.password.username')],
  [/pattern/, (_, path) => t(path === 'id' || path.startsWith('prefixes') ? 'field.id' : 'field.invalid')],
]

/** @param {import('./api.js').FieldError} error */
function fieldMessage({ path, message }) {
  for (const [pattern, words] of faults) {
    const match = pattern.exec(message)
    if (match) return words(Number(match[1]), path)
  }
  return t('field.invalid')
}

/**
 * What a refusal says of each field, by the first part of its path: `tags.3` stands at `tags`.
 * @param {unknown} error @returns {Record<string, string>}
 */
export function fieldErrors(error) {
  if (!(error instanceof Problem)) return {}
  return Object.fromEntries(
    error.errors.toReversed().map((fault) => [fault.path.split('.')[0] ?? '', fieldMessage(fault)]),
  )
}
