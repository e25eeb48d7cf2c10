import { type CountRecord, type Records, recordsOf } from '@count/core/count-records'
import type { Sql } from '@count/core/postgres'
import { StoreUnavailable, type ValueStore } from '@count/core/value-store'
import { openRows, presentOf } from './apply-changes.ts'
import { type Decision, decisionsOf } from './decisions.ts'
import { byIndex, type Job, linesOf, type Tally } from './jobs.ts'

export interface CheckParts {
  sql: Sql
  store: ValueStore
  records: Records
}

/**
 * Judges the lines of an import of counts from `after` on as if it were applied now, values against new bounds too; faults
 * are noted in the lines, nothing else changes.
 * @returns the last line of the round and what would come of it; undefined when no line is left
 */
export async function checkRound(
  { sql, store, records }: CheckParts,
  job: Job,
  after: number,
): Promise<{ last: number; sums: Required<Tally> } | undefined> {
  const rows = await openRows(sql, job.id, after)
  const last = rows.at(-1)?.line
  if (last === undefined) return undefined
  const present = await presentOf(sql, job, rows, false)
  const decide = decisionsOf(job)
  const judged = rows.map(({ line, id, content }) => ({ line, decision: decide(content, present(id)) }))
  const moved = judged.flatMap(({ line, decision }) =>
    movesBounds(decision) ? { line, info: decision.info } : [],
  )
  const values = await records.find(
    moved.map(({ info: { id, created } }) => ({ id, created, fence: 0 })),
    recordsOf(store),
    true,
  )
  const outside = new Map<number, string>()
  moved.forEach(({ line, info: { min, max } }, i) => {
    const found = values[i] as CountRecord | 'missing' | 'away'
    if (found === 'away') throw new StoreUnavailable('the values are not known')
    if (found === 'missing') return
    const { value } = found
    if ((min !== null && value < min) || (max !== null && value > max))
      outside.set(line, `the present value ${value} lies outside these bounds`)
  })
  const faults = judged.flatMap(({ line, decision }) => {
    const message = decision.word === 'fault' ? decision.message : outside.get(line)
    return message === undefined ? [] : { line, message }
  })
  if (faults.length > 0)
    await sql.begin(async (tx) => {
      await byIndex(tx)
      await tx`update import_row r set message = x.message
        from jsonb_to_recordset(${linesOf(tx, job.id, faults)}) x(job uuid, line int, message text)
        where r.job = x.job and r.line = x.line`
    })
  const sums = { created: 0, updated: 0, unchanged: 0, failed: faults.length }
  for (const { line, decision } of judged) {
    if (decision.word === 'unchanged') sums.unchanged++
    else if (decision.word === 'change' && !outside.has(line)) sums[decision.result]++
  }
  return { last, sums }
}

const movesBounds = (decision: Decision): decision is Extract<Decision, { word: 'change' }> =>
  decision.word === 'change' &&
  decision.kind === 'updated' &&
  (decision.change.after.min !== undefined || decision.change.after.max !== undefined)
