import { isUtf8 } from 'node:buffer'
import { pipeline, type Readable } from 'node:stream'
import { byteOrderMark } from '@count/core/csv-line'
import { CsvError, parse } from 'csv-parse'

/** A line of a file: what stands in it by column, or what is wrong with it. Lines are numbered from 1, a header included. */
export type Line = { line: number; cells: Record<string, unknown> } | { line: number; message: string }

/** The file as such cannot be read: from that line on nothing is certain. */
export class FileFault extends Error {
  override name = 'FileFault'
  readonly line: number
  constructor(line: number, message: string) {
    super(message)
    this.line = line
  }
}

/** Longer lines end the reading; it is also what one line may take of memory. */
const maxLineBytes = 16 * 1024 * 1024
/** Bytes of a whole file. */
const maxFileBytes = 1024 ** 3

/**
 * The lines of a CSV file (RFC 4180; UTF-8, with or without a byte order mark) by the names in its header. The apostrophe
 * that an export puts before a formula is taken away again; empty lines are passed over.
 * @throws FileFault when header, quotes or size are wrong
 */
export async function* csvLines(
  body: Readable,
  columns: { known: readonly string[]; needed: readonly string[] },
): AsyncGenerator<Line> {
  const parser = parse({
    encoding: null,
    info: true,
    max_record_size: maxLineBytes,
    record_delimiter: ['\r\n', '\n'],
    relax_column_count: true,
    skip_empty_lines: true,
  })
  // What goes wrong there comes out of the parser.
  pipeline(bounded(body), parser, () => {})
  let header: string[] | undefined
  // The parser counts CR and LF within a cell as a line each.
  let returns = 0
  try {
    for await (const { record, info } of parser as AsyncIterable<{
      record: Buffer[]
      info: { lines: number }
    }>) {
      const within = (byte: number) => record.reduce((sum, cell) => sum + count(cell, byte), 0)
      returns += within(carriageReturn)
      const line = info.lines - returns - within(newline)
      const valid = record.every((cell) => isUtf8(cell))
      const cells = record.map((cell) => cell.toString('utf8'))
      if (!header) {
        if (!valid) throw new FileFault(line, 'is not valid UTF-8')
        header = headerOf(line, cells, columns)
      } else if (!valid) yield { line, message: 'is not valid UTF-8' }
      else if (cells.length !== header.length)
        yield { line, message: `has ${cells.length} cells, the header ${header.length}` }
      else
        yield { line, cells: Object.fromEntries(header.map((name, i) => [name, unguarded(cells[i] ?? '')])) }
    }
  } catch (error) {
    if (!(error instanceof CsvError)) throw error
    throw new FileFault(Number(error.lines ?? 1) - returns, faults[error.code] ?? 'is not valid CSV')
  }
  if (!header) throw new FileFault(1, `must name the columns: ${columns.known.join(',')}`)
}

const faults: Record<string, string> = {
  CSV_MAX_RECORD_SIZE: `is longer than ${maxLineBytes} bytes`,
  CSV_QUOTE_NOT_CLOSED: 'a quote is opened and never closed',
  CSV_INVALID_CLOSING_QUOTE: 'only a comma or the end of the line may follow a closing quote',
  INVALID_OPENING_QUOTE: 'a quote inside a cell: the whole cell must be quoted, its quotes doubled',
}

const newline = 10
const carriageReturn = 13

function count(bytes: Buffer, byte: number): number {
  let found = 0
  for (let at = bytes.indexOf(byte); at !== -1; at = bytes.indexOf(byte, at + 1)) found++
  return found
}

function headerOf(
  line: number,
  cells: string[],
  { known, needed }: { known: readonly string[]; needed: readonly string[] },
): string[] {
  const names = cells.map((cell) => cell.trim())
  const strange = names
    .filter((name) => !known.includes(name))
    .map((name) => JSON.stringify(name.slice(0, 60)))
  if (strange.length > 0)
    throw new FileFault(
      line,
      `unknown columns ${strange.slice(0, 10).join(', ')}; there are ${known.join(',')}`,
    )
  const twice = names.find((name, i) => names.indexOf(name) !== i)
  if (twice) throw new FileFault(line, `the column ${twice} comes twice`)
  const missing = needed.filter((name) => !names.includes(name))
  if (missing.length > 0) throw new FileFault(line, `the columns ${missing.join(', ')} are missing`)
  return names
}

/** Undoes what `csvLine` does to text that looks like a formula. */
const unguarded = (cell: string) => (/^'+[=+\-@\t\r]/.test(cell) ? cell.slice(1) : cell)

/** The lines of an NDJSON file, one JSON object each. @throws FileFault when a line is too long */
export async function* jsonLines(body: Readable): AsyncGenerator<Line> {
  let parts: Buffer[] = []
  let held = 0
  let line = 0
  function read(): Line | undefined {
    const bytes = Buffer.concat(parts)
    parts = []
    held = 0
    line++
    if (!isUtf8(bytes)) return { line, message: 'is not valid UTF-8' }
    const text = bytes.toString('utf8').trim()
    if (text === '') return undefined
    const cells = objectOf(text)
    return cells ? { line, cells } : { line, message: 'is not a JSON object' }
  }
  for await (const chunk of bounded(body)) {
    let from = 0
    for (let end = chunk.indexOf(newline); end !== -1; end = chunk.indexOf(newline, from)) {
      parts.push(chunk.subarray(from, end))
      from = end + 1
      const found = read()
      if (found) yield found
    }
    parts.push(chunk.subarray(from))
    held += chunk.length - from
    if (held > maxLineBytes) throw new FileFault(line + 1, `is longer than ${maxLineBytes} bytes`)
  }
  const last = read()
  if (last) yield last
}

function objectOf(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : undefined
  } catch {
    return undefined
  }
}

/** The bytes of a body, up to a bound, without a byte order mark. */
async function* bounded(body: Readable): AsyncGenerator<Buffer> {
  let bytes = 0
  let head: Buffer | undefined = Buffer.alloc(0)
  for await (const chunk of body as AsyncIterable<Buffer | string>) {
    bytes += chunk.length
    if (bytes > maxFileBytes) throw new FileFault(1, `the file is larger than ${maxFileBytes} bytes`)
    const part = typeof chunk === 'string' ? Buffer.from(chunk) : chunk
    if (!head) {
      yield part
      continue
    }
    head = Buffer.concat([head, part])
    if (head.length < mark.length) continue
    yield unmarked(head)
    head = undefined
  }
  if (head) yield unmarked(head)
}

const mark = Buffer.from(byteOrderMark)
const unmarked = (head: Buffer) =>
  head.subarray(0, mark.length).equals(mark) ? head.subarray(mark.length) : head
