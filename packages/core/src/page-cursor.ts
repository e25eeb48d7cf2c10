import type { z } from 'zod'
import type { Answer } from './answer.ts'
import { decodeCursor, encodeCursor } from './cursor.ts'
import { problem } from './problem.ts'

/** Where a page ended: the values of the last row that the list is in the order of. */
type Position = readonly (string | number)[]

const notOurs = {
  ok: false as const,
  problem: problem('invalid-request', {
    errors: [{ path: 'cursor', message: 'is not a cursor of this list' }],
  }),
}

/**
 * What a page's cursor was made of; undefined for the first page.
 * @param shape of the position in this list: a cursor of another is refused
 */
export function positionOf<T extends z.ZodType<Position>>(
  cursor: string | undefined,
  shape: T,
): Answer<z.output<T> | undefined> {
  if (cursor === undefined) return { ok: true, value: undefined }
  const text = decodeCursor(cursor)
  // No database keeps a NUL, so none was in a position.
  if (text === undefined || text.includes('\\u0000')) return notOurs
  try {
    const position = shape.safeParse(JSON.parse(Buffer.from(text, 'latin1').toString()))
    return position.success ? { ok: true, value: position.data } : notOurs
  } catch {
    return notOurs
  }
}

/** A page of `limit` of the rows, of which there is one more where there is a next page. */
export function pageOf<R, T>(
  rows: readonly R[],
  limit: number,
  view: (row: R) => T,
  position: (row: R) => Position,
): { ok: true; value: { items: T[]; nextCursor: string | null } } {
  const shown = rows.slice(0, limit)
  const last = rows.length > limit ? shown.at(-1) : undefined
  const cursorOf = (row: R) => encodeCursor(Buffer.from(JSON.stringify(position(row))).toString('latin1'))
  return { ok: true, value: { items: shown.map(view), nextCursor: last ? cursorOf(last) : null } }
}
