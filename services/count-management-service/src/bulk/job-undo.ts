import type { Sql } from '@count/core/postgres'
import type { Actor } from '../audit.ts'
import { insertJob, type Job, type JobOptions } from './jobs.ts'
import { endLoading, loadUndo } from './load-lines.ts'

/** Begins the undo of a job, or finds the one that has begun. @returns the undo's id */
export async function beginUndo(
  sql: Sql,
  { id, kind }: Pick<Job, 'id' | 'kind'>,
  actor: Actor,
  reason?: string,
): Promise<string> {
  return await sql.begin(async (tx) => {
    await tx`select from import_job where id = ${id} for update`
    const [begun] = await tx<{ id: string }[]>`select id from import_job where undoes = ${id}`
    if (begun) return begun.id
    const options: JobOptions = {
      onError: 'skip',
      dryRun: false,
      tags: [],
      ...(reason === undefined ? {} : { reason }),
    }
    const undoKind = kind === 'import.history' ? 'undo.history' : 'undo.counts'
    const undo = await insertJob(tx, undoKind, options, actor, id)
    await loadUndo(tx, undo, id, undoKind)
    await endLoading(tx, undo, options)
    return undo
  })
}
