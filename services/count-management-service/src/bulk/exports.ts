import type { Records } from '@count/core/count-records'
import { byteOrderMark, csvLine } from '@count/core/csv-line'
import { bucketStart, pastOf, windowOf } from '@count/core/history'
import type { Sql } from '@count/core/postgres'
import { type ProblemDocument, problem } from '@count/core/problem'
import type { CountInfo } from '@count/core/schemas'
import { StoreUnavailable, type ValueStore } from '@count/core/value-store'
import type { Zone } from '@count/core/zone'
import { type CountPosition, searchCounts } from '../count-search.ts'
import { countColumns, historyColumns } from './file-lines.ts'
import type { BulkFilter } from './jobs.ts'

export interface ExportParts {
  sql: Sql
  store: ValueStore
  records: Records
  zone: Zone
}

export type ExportFormat = 'csv' | 'ndjson'

export interface HistoryExport extends BulkFilter {
  granularity: 'hour' | 'day'
  from?: string | undefined
  to?: string | undefined
}

export type Exports = ReturnType<typeof createExports>

/** Counts in memory at once, and counts with their whole history. */
const page = 1000
const pastPage = 50

/**
 * Exports, page by page as their reader takes them. What is imported again as it was exported changes nothing (counts); a
 * spreadsheet finds no formula in them. Rejects, also in the middle, while a store is away.
 */
export function createExports({ sql, store, records, zone }: ExportParts) {
  async function* pages(filter: BulkFilter, size: number): AsyncGenerator<CountInfo[]> {
    for (let after: CountPosition | undefined; ; ) {
      const found = await searchCounts(sql, { ...filter, sort: 'id', limit: size }, after)
      if (found.length > 0) yield found.map(({ info }) => info)
      if (found.length < size) return
      after = found.at(-1)?.position
    }
  }

  async function* counts(format: ExportFormat, filter: BulkFilter): AsyncGenerator<string> {
    if (format === 'csv') yield byteOrderMark + csvLine(countColumns)
    for await (const infos of pages(filter, page)) {
      yield infos
        .map(({ id, name, description, unit, tags, min, max, initialValue }) =>
          format === 'csv'
            ? csvLine([id, name, description, unit, tags.join('|'), min, max, initialValue])
            : `${JSON.stringify({ id, name, description, unit, tags, min, max, initialValue })}\n`,
        )
        .join('')
    }
  }

  /** The changes of each hour or day, as an import of history takes them; by default all that is kept. */
  function history(
    format: ExportFormat,
    { granularity, from, to, ...filter }: HistoryExport,
  ): AsyncGenerator<string> | ProblemDocument {
    const fromMs = from === undefined ? 0 : Date.parse(from)
    const times = to === undefined ? { fromMs } : { fromMs, toMs: Date.parse(to) }
    const window = windowOf(granularity, { ...times, nowMs: Date.now(), zone })
    if (!window)
      return problem('invalid-request', { errors: [{ path: 'from', message: 'must not be after to' }] })

    return (async function* () {
      if (format === 'csv') yield byteOrderMark + csvLine(historyColumns)
      for await (const infos of pages(filter, pastPage)) {
        const asks = infos.map(({ id, created }) => ({ id, created, fence: 0 }))
        const pasts = await records.find(asks, pastOf(store, window))
        yield infos
          .flatMap(({ id, created }, i) => {
            const past = pasts[i]
            if (past === undefined || past === 'away') throw new StoreUnavailable('the value store is away')
            if (past === 'missing' || past.created !== created) return []
            return [...past.changes]
              .filter(([index, delta]) => delta !== 0 && index >= window.first && index <= window.last)
              .sort(([a], [b]) => a - b)
              .map(([index, delta]) => {
                const timestamp = new Date(bucketStart(granularity, index, zone)).toISOString()
                return format === 'csv'
                  ? csvLine([id, timestamp, delta])
                  : `${JSON.stringify({ id, timestamp, delta })}\n`
              })
          })
          .join('')
      }
    })()
  }

  return { counts, history }
}
