import { randomInt } from 'node:crypto'

const digits = 'abcdefghijklmnopqrstuvwxyz0123456789'

/** Sixteen random letters and digits, 82 bits: an id that nobody else draws, and that no path of the API is called. */
export const randomId = (): string =>
  Array.from({ length: 16 }, () => digits[randomInt(digits.length)]).join('')
