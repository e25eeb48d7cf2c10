import { type Packing, placeOf, retention } from '@count/core/buckets'
import { bucketOf } from '@count/core/history'
import type { Sql } from '@count/core/postgres'
import type { ValueStore } from '@count/core/value-store'
import type { Zone } from '@count/core/zone'
import { entryOf } from '../audit.ts'
import { ask } from '../lifecycle.ts'
import { type HistoryContent, historyContent } from './file-lines.ts'
import { byIndex, type Job, linesOf, tally } from './jobs.ts'
import { recordAll } from './settle-batch.ts'

export interface HistoryParts {
  sql: Sql
  store: ValueStore
  zone: Zone
}

/** Lines of one block: what a block holds must be the same each time, so it is cut by line numbers. */
const blockLines = 1000

interface Row {
  line: number
  id: string
  life: number
  content: HistoryContent
}

/**
 * Imports the block of history that the first unfinished line from `after` on lies in: one script call for each shard, which
 * counts a block of a job once, however often it is asked; then what came of it is written down. Each change goes to every
 * granularity that still keeps its time; values stay.
 *
 * A block that was imported by a process that died before it wrote so down counts as imported whole: lines whose count was
 * deleted in the moments before are then not told as faults.
 *
 * @returns the block's last line; undefined when no line is left
 * Rejects with StoreUnavailable, to be called again.
 */
export async function importBlock(parts: HistoryParts, job: Job, after: number): Promise<number | undefined> {
  const { sql, store } = parts
  const [next] = await sql<{ line: number }[]>`select line from import_row
    where job = ${job.id} and line > ${after} and result is null and message is null order by line limit 1`
  if (!next) return undefined
  const block = Math.floor(next.line / blockLines)
  const last = block * blockLines + blockLines - 1
  const rows = (
    await sql<Row[]>`select line, id, life, content from import_row where job = ${job.id}
      and line between ${block * blockLines} and ${last} and result is null and message is null order by line`
  ).map((row) => ({ ...row, content: historyContent.parse(row.content) }))
  const shards = Map.groupBy(rows, ({ id }) => store.shardOf(id))
  const told = await Promise.all(
    Array.from(shards, ([shard, rows]) => importShard(parts, job.id, block, shard, rows)),
  )
  await writeDown(
    sql,
    job,
    told.flatMap(({ rows }) => rows),
    told.flatMap(({ faults }) => faults),
  )
  return last
}

interface Fault {
  line: number
  message: string
}

async function importShard(
  { sql, store, zone }: HistoryParts,
  job: string,
  block: number,
  shard: number,
  rows: Row[],
): Promise<{ rows: Row[]; faults: Fault[] }> {
  const epoch = await store.epoch(shard)
  const keys = store.keys(shard)
  const counts = [...Map.groupBy(rows, ({ id, life }) => `${id} ${life}`).values()]
  for (;;) {
    if (counts.length === 0) return { rows: [], faults: [] }
    const now = Date.now()
    const wanted = counts.map((rows) => {
      const { id, life } = rows[0] as Row
      const oldest = Math.min(...rows.map(({ content }) => content.at))
      return [
        id,
        String(life),
        bucketOf('hour', oldest, zone),
        ...rows.flatMap(({ content }) => places(content, now, zone)),
      ]
    })
    const names = counts.flatMap(([row]) => {
      const { id } = row as Row
      return [keys.count(id), keys.history(id)]
    })
    const [word, ...at] = await ask(
      store,
      epoch,
      'history_import',
      [keys.clock, keys.dirty.queue, keys.imported(job), ...names],
      [block, JSON.stringify(wanted)],
    )
    const told = (place: unknown, message: string) =>
      (counts[Number(place) - 1] ?? []).map(({ line }) => ({ line, message }))
    if (word !== 'range')
      return {
        rows: counts.flat(),
        faults: at.flatMap((place) => told(place, 'id: the count has been deleted meanwhile')),
      }
    // Nothing of the block was written: it goes without this count. Noted first, so that a repetition is the same.
    await note(sql, job, told(at[0], 'delta: a sum would leave the range of exact numbers'))
    counts.splice(Number(at[0]) - 1, 1)
  }
}

/** The buckets that still keep a change: field, block, place and delta of each. */
function places({ at, delta }: HistoryContent, now: number, zone: Zone): (string | number)[] {
  const packings: Packing[] = ['minute', 'hour', 'day']
  return packings.flatMap((packing) => {
    const index = bucketOf(packing, at, zone)
    if (index <= bucketOf(packing, now, zone) - retention[packing]) return []
    const { field, block, place } = placeOf(packing, index)
    return [field, block, place, delta]
  })
}

async function note(sql: Sql, job: string, faults: Fault[]): Promise<void> {
  await sql.begin(async (tx) => {
    await byIndex(tx)
    const noted = await tx`update import_row r set message = x.message
      from jsonb_to_recordset(${linesOf(tx, job, faults)}) x(job uuid, line int, message text)
      where r.job = x.job and r.line = x.line and r.message is null`
    await tally(tx, job, { failed: noted.count })
  })
}

async function writeDown(sql: Sql, job: Job, rows: Row[], faults: Fault[]): Promise<void> {
  const faulty = new Map(faults.map(({ line, message }) => [line, message]))
  await sql.begin(async (tx) => {
    await byIndex(tx)
    const notes = rows.map(({ line }) => ({ line, message: faulty.get(line) ?? null }))
    const ended =
      await tx`update import_row r set message = x.message, result = case when x.message is null then 'created' end
      from jsonb_to_recordset(${linesOf(tx, job.id, notes)}) x(job uuid, line int, message text)
      where r.job = x.job and r.line = x.line and r.result is null and r.message is null`
    // Another process was first: what it wrote down stands.
    if (ended.count < rows.length) return
    const imported = Map.groupBy(
      rows.filter(({ line }) => !faulty.has(line)),
      ({ id }) => id,
    )
    const entries = Array.from(imported, ([id, rows]) => {
      const detail = {
        job: job.id,
        created: rows[0]?.life,
        lines: rows.length,
        after: { sum: rows.reduce((sum, { content }) => sum + content.delta, 0) },
      }
      return entryOf(job.actor, job.undoes ? 'history.import-undo' : 'history.import', id, detail)
    })
    await recordAll(tx, entries)
    await tally(tx, job.id, { created: rows.length - faults.length, failed: faults.length })
  })
}
