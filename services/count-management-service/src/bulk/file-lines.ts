import type { Readable } from 'node:stream'
import { retention } from '@count/core/buckets'
import { bucketOf } from '@count/core/history'
import { countId, instant, value } from '@count/core/schemas'
import type { Zone } from '@count/core/zone'
import { z } from 'zod'
import { countPatch } from '../schemas.ts'
import { csvLines, jsonLines, type Line } from './lines.ts'

/** A line as a job keeps it: what it asks for, or what is wrong with it. */
export type JobLine = { line: number; id: string; content: object } | { line: number; message: string }

export const fileTypes = ['text/csv', 'application/x-ndjson'] as const
export type FileType = (typeof fileTypes)[number]

export const countColumns = [
  'id',
  'name',
  'description',
  'unit',
  'tags',
  'min',
  'max',
  'initialValue',
] as const
export const historyColumns = ['id', 'timestamp', 'delta'] as const

/** A line of an import of counts: what is not named stays as it is, or takes its default in a new count. */
export const countLine = countPatch
  .pick({ name: true, description: true, unit: true, tags: true, min: true, max: true })
  .extend({ id: countId, initialValue: value.optional() })
export type CountLine = z.output<typeof countLine>

const historyLine = z.strictObject({ id: countId, timestamp: instant, delta: value })

/** A line of an import of history, `at` in ms since 1970. */
export const historyContent = z.object({ id: countId, at: z.number(), delta: z.int() })
export type HistoryContent = z.output<typeof historyContent>

const integer = (cell: unknown) =>
  typeof cell === 'string' && /^[+-]?\d{1,17}$/.test(cell) ? Number(cell) : cell

/** Counts to create or change. @throws FileFault */
export async function* countFile(body: Readable, type: FileType): AsyncGenerator<JobLine> {
  const csv = type === 'text/csv'
  const lines = csv ? csvLines(body, { known: countColumns, needed: ['id'] }) : jsonLines(body)
  for await (const line of lines) {
    yield judged(csv ? withCells(line, countCells) : line, countLine, (content) => content)
  }
}

/** What the cells of a spreadsheet mean: no bound where the cell is empty, tags apart by `|`. */
function countCells({
  tags,
  min,
  max,
  initialValue,
  ...texts
}: Record<string, unknown>): Record<string, unknown> {
  return {
    ...texts,
    ...(typeof tags === 'string' ? { tags: tags === '' ? [] : tags.split('|') } : {}),
    ...(min === undefined ? {} : { min: min === '' ? null : integer(min) }),
    ...(max === undefined ? {} : { max: max === '' ? null : integer(max) }),
    ...(initialValue === undefined || initialValue === '' ? {} : { initialValue: integer(initialValue) }),
  }
}

/** Past changes; older than any bucket that is kept, or to come, is a fault. @throws FileFault */
export async function* historyFile(body: Readable, type: FileType, zone: Zone): AsyncGenerator<JobLine> {
  const csv = type === 'text/csv'
  const lines = csv ? csvLines(body, { known: historyColumns, needed: historyColumns }) : jsonLines(body)
  const now = Date.now()
  const oldest = zone.dayOf(now) - retention.day + 1
  for await (const line of lines) {
    const cells = csv ? withCells(line, (cells) => ({ ...cells, delta: integer(cells.delta) })) : line
    const judgedLine = judged(
      cells,
      historyLine,
      ({ id, timestamp, delta }): HistoryContent => ({ id, at: Date.parse(timestamp), delta }),
    )
    if ('message' in judgedLine) yield judgedLine
    else {
      const { at } = judgedLine.content
      const message =
        at > now ? 'timestamp: lies in the future'
        : bucketOf('day', at, zone) < oldest ? 'timestamp: is older than all history that is kept (10 years)'
        : undefined // biome-ignore format: a table
      yield message ? { line: line.line, message } : judgedLine
    }
  }
}

const withCells = (line: Line, read: (cells: Record<string, unknown>) => Record<string, unknown>): Line =>
  'cells' in line ? { line: line.line, cells: read(line.cells) } : line

function judged<T extends { id: string }, C extends object>(
  line: Line,
  schema: z.ZodType<T>,
  content: (value: T) => C,
): { line: number; id: string; content: C } | { line: number; message: string } {
  if ('message' in line) return line
  const { success, data, error } = schema.safeParse(line.cells)
  if (!success) return { line: line.line, message: error.issues.slice(0, 5).map(told).join('; ') }
  // JSON may escape half a character, which no database keeps.
  if (
    !JSON.stringify(Object.values(data)).isWellFormed() ||
    /\\ud[89a-f]/i.test(JSON.stringify(Object.values(data)))
  )
    return { line: line.line, message: 'contains a broken surrogate' }
  return { line: line.line, id: data.id, content: content(data) }
}

const told = ({ path, message }: { path: PropertyKey[]; message: string }) =>
  path.length === 0 ? message : `${path.map(String).join('.')}: ${message}`
