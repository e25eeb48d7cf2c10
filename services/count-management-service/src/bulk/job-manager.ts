import type { Readable } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import { csvLine } from '@count/core/csv-line'
import type { Sql } from '@count/core/postgres'
import { type ProblemDocument, problem } from '@count/core/problem'
import type { Zone } from '@count/core/zone'
import type { Actor } from '../audit.ts'
import type { Answer } from '../count-manager.ts'
import { countFile, type FileType, historyFile } from './file-lines.ts'
import type { JobRunner } from './job-runner.ts'
import { beginUndo } from './job-undo.ts'
import { type BulkFilter, insertJob, type JobOptions, type JobView, viewJobs } from './jobs.ts'
import { FileFault } from './lines.ts'
import { endLoading, loadFile, loadSelection, noteDuplicates, noteLives } from './load-lines.ts'

export type JobManager = ReturnType<typeof createJobManager>

/** An import of at most so many lines is awaited, so long at most. */
const awaitedLines = 1000
const awaitMs = 20_000
const lookMs = 50

const refused = (document: ProblemDocument): { ok: false; problem: ProblemDocument } => ({
  ok: false,
  problem: document,
})
const unknown = refused(problem('not-found', { detail: 'There is no such job' }))

/** What was asked of a bulk change: counts by id or by search, and what to do with them. */
export interface BulkRequest {
  ids?: string[] | undefined
  filter?: BulkFilter | undefined
  action: NonNullable<JobOptions['action']>
  tags?: string[] | undefined
  reason?: string | undefined
}

/** Imports, bulk changes and their undo: each a job, kept with its lines in CountInfoDB. */
export function createJobManager({ sql, zone, runner }: { sql: Sql; zone: Zone; runner: JobRunner }) {
  /**
   * Takes a file in, line by line, with flat memory; then checks and applies it. A file that cannot be read as such is
   * refused whole, faults of single lines are told by the job.
   * @returns the job: ended when the file was small, else on its way
   */
  async function importFile(
    what: 'counts' | 'history',
    body: Readable,
    type: FileType,
    { onError, dryRun }: Pick<JobOptions, 'onError' | 'dryRun'>,
    actor: Actor,
  ): Promise<Answer<JobView>> {
    const options = { onError, dryRun, tags: [] }
    const id = await insertJob(sql, `import.${what}`, options, actor)
    let total: number
    try {
      await loadFile(sql, id, what === 'counts' ? countFile(body, type) : historyFile(body, type, zone))
      await (what === 'counts' ? noteDuplicates(sql, id) : noteLives(sql, id))
      total = await endLoading(sql, id, options)
    } catch (error) {
      await sql`delete from import_job where id = ${id}`
      if (!(error instanceof FileFault)) throw error
      return refused(
        problem('invalid-request', {
          detail: 'The file cannot be read',
          errors: [{ path: `line ${error.line}`, message: error.message }],
        }),
      )
    }
    if (total <= awaitedLines) return await awaited(id)
    runner.wake()
    return await get(id)
  }

  /** The job when it has ended, or as it stands when time is up. A lane may have taken it before us. */
  async function awaited(id: string): Promise<Answer<JobView>> {
    const until = performance.now() + awaitMs
    const waiting = new AbortController()
    await Promise.race([runner.run(id), delay(awaitMs, undefined, { signal: waiting.signal })]).finally(() =>
      waiting.abort(),
    )
    let job = await get(id)
    while (job.ok && job.value.status === 'running' && performance.now() < until) {
      await delay(lookMs)
      job = await get(id)
    }
    return job
  }

  async function get(id: string): Promise<Answer<JobView>> {
    const [job] = await viewJobs(sql, { id })
    return job ? { ok: true, value: job } : unknown
  }

  /** The newest first. */
  async function list({ cursor, limit }: { cursor?: string | undefined; limit: number }) {
    const jobs = await viewJobs(sql, { after: cursor, limit: limit + 1 })
    const items = jobs.slice(0, limit)
    return { items, nextCursor: jobs.length > limit ? (items.at(-1)?.id ?? null) : null }
  }

  async function bulk(
    { ids, filter, action, tags = [], reason }: BulkRequest,
    actor: Actor,
  ): Promise<Answer<JobView>> {
    const fault = (path: string, message: string) =>
      refused(problem('invalid-request', { errors: [{ path, message }] }))
    if ((ids === undefined) === (filter === undefined)) return fault('ids', 'either ids or filter is needed')
    const tagging = action === 'tag' || action === 'untag'
    if (tagging !== tags.length > 0)
      return fault('tags', tagging ? 'are needed' : `are not asked for by ${action}`)
    const options: JobOptions = {
      onError: 'skip',
      dryRun: false,
      action,
      tags,
      ...(reason === undefined ? {} : { reason }),
    }
    const id = await sql.begin(async (tx) => {
      const id = await insertJob(tx, `bulk.${action}`, options, actor)
      await loadSelection(tx, sql, id, { ids, filter })
      await endLoading(tx, id, options)
      return id
    })
    runner.wake()
    return await get(id)
  }

  /** Asks a job to stop: what is applied stays, or goes too where all or nothing was asked. */
  async function cancel(id: string): Promise<Answer<undefined>> {
    const [row] = await sql<{ undoes: string | null; running: boolean }[]>`
      update import_job set cancel = cancel or (status = 'running' and undoes is null) where id = ${id}
      returning undoes, status = 'running' as running`
    if (!row) return unknown
    if (row.running && row.undoes)
      return refused(problem('conflict', { detail: 'An undo cannot be stopped half-way' }))
    if (!row.running) return refused(problem('conflict', { detail: 'The job has ended' }))
    runner.wake()
    return { ok: true, value: undefined }
  }

  /** Takes back what a job has done, by a job. Asked again, it is the same job. */
  async function undo(id: string, actor: Actor): Promise<Answer<JobView>> {
    const [job] = await viewJobs(sql, { id })
    if (!job) return unknown
    if (!job.undoable && !job.undone)
      return refused(problem('conflict', { detail: 'There is nothing to take back' }))
    const begun = await beginUndo(sql, job, actor)
    runner.wake()
    return await get(begun)
  }

  /** Every fault of a job, in pages. */
  async function errors(
    id: string,
    { after, limit }: { after: number; limit: number },
  ): Promise<Answer<JobView['errors']>> {
    const rows = await sql<{ job: string; line: number | null; message: string }[]>`
      select j.id as job, r.line, r.message from import_job j left join lateral (
        select line, message from import_row where job = j.id and message is not null and line > ${after}
        order by line limit ${limit}) r on true where j.id = ${id} order by r.line`
    if (rows.length === 0) return unknown
    return { ok: true, value: rows.flatMap(({ line, message }) => (line === null ? [] : { line, message })) }
  }

  /** The same as CSV, page by page. */
  async function* errorsCsv(id: string): AsyncGenerator<string> {
    yield csvLine(['line', 'message'])
    for (let after = -1; ; ) {
      const page = await errors(id, { after, limit: 1000 })
      const last = page.ok ? page.value.at(-1) : undefined
      if (!page.ok || !last) return
      yield page.value.map(({ line, message }) => csvLine([line, message])).join('')
      after = last.line
    }
  }

  return { importFile, get, list, bulk, cancel, undo, errors, errorsCsv }
}
