import { Readable } from 'node:stream'

/** A stream of text whose first part is there: what is away by then is answered, not cut off. */
export async function streamOf(parts: AsyncGenerator<string>): Promise<Readable> {
  const first = await parts.next()
  const all = async function* () {
    if (!first.done) yield first.value
    yield* parts
  }
  return Readable.from(all(), { objectMode: false })
}

/** Content type and name of a file to keep. */
export const fileHeaders = (name: string, format: 'csv' | 'ndjson') => ({
  'content-type': format === 'csv' ? 'text/csv; charset=utf-8' : 'application/x-ndjson',
  'content-disposition': `attachment; filename="${name}.${format}"`,
  'cache-control': 'no-store',
})
