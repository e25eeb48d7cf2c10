import type { Sql, TransactionSql } from '@count/core/postgres'
import { status as countStatus, instant, line, tag } from '@count/core/schemas'
import { z } from 'zod'
import { type Actor, json } from '../audit.ts'

export const bulkAction = z.enum(['tag', 'untag', 'pause', 'activate', 'archive', 'delete'])

/** What a job was asked to do, beside its lines. */
export const jobOptions = z.object({
  onError: z.enum(['fail', 'skip']),
  dryRun: z.boolean().default(false),
  action: bulkAction.optional(),
  tags: z.array(z.string()).default([]),
  reason: z.string().optional(),
})
export type JobOptions = z.output<typeof jobOptions>

export const jobFault = z.object({ line: z.int(), message: z.string() })

/** A job as its callers see it. */
export const jobView = z.object({
  id: z.uuid(),
  kind: z.string().describe('import.counts, import.history, bulk.<action>, undo.counts or undo.history'),
  status: z.enum(['running', 'done', 'failed', 'cancelled']),
  dryRun: z.boolean(),
  createdAt: instant,
  finishedAt: instant.nullable(),
  actor: z.string(),
  total: z.int().nullable().describe('Null while it is not known'),
  processed: z.int(),
  created: z.int().describe('Of history: lines added'),
  updated: z.int().describe('Changed, deleted or restored'),
  unchanged: z.int(),
  failed: z.int(),
  errors: z.array(jobFault).describe('The first hundred'),
  undoable: z.boolean(),
  undone: z.boolean().describe('Its undo has begun'),
})
export type JobView = z.output<typeof jobView>

/** A job as its worker sees it. */
export interface Job {
  id: string
  kind: string
  status: JobView['status']
  phase: 'loading' | 'checking' | 'applying' | 'reverting'
  options: JobOptions
  actor: Actor
  cancel: boolean
  undoes: string | null
}

/** What has come of some lines. */
export interface Tally {
  created?: number
  updated?: number
  unchanged?: number
  failed?: number
}

/** A page of counts to work on, as the list selects them. */
export const bulkFilter = z.strictObject({
  q: line(200).optional(),
  tag: tag.optional(),
  status: countStatus.optional(),
})
export type BulkFilter = z.output<typeof bulkFilter>

/** Until a body has arrived (the server's limit is 300 s) its job belongs to the request. */
const loadingSeconds = 360

/** Begins a job whose lines are still to come. */
export async function insertJob(
  sql: Sql | TransactionSql,
  kind: string,
  options: JobOptions,
  { username, address }: Actor,
  undoes: string | null = null,
): Promise<string> {
  const [row] = await sql<[{ id: string }]>`
    insert into import_job (kind, options, username, address, undoes, lease_until)
    values (${kind}, ${json(sql, options)}, ${username}, ${address}, ${undoes}, now() + ${loadingSeconds} * interval '1 s')
    returning id`
  return row.id
}

interface JobRow {
  id: string
  kind: string
  status: JobView['status']
  phase: Job['phase']
  options: unknown
  username: string
  address: string
  total: number | null
  processed: number
  created: number
  updated: number
  unchanged: number
  failed: number
  cancel: boolean
  undoes: string | null
  created_at: Date
  finished_at: Date | null
  errors: JobView['errors']
  undone: boolean
}

export const jobOf = (row: JobRow): Job => ({
  id: row.id,
  kind: row.kind,
  status: row.status,
  phase: row.phase,
  options: jobOptions.parse(row.options),
  actor: { username: row.username, address: row.address },
  cancel: row.cancel,
  undoes: row.undoes,
})

function viewOf(row: JobRow): JobView {
  const { dryRun } = jobOptions.parse(row.options)
  const ended = row.status !== 'running'
  return {
    id: row.id,
    kind: row.kind,
    status: row.status,
    dryRun,
    createdAt: row.created_at.toISOString(),
    finishedAt: row.finished_at?.toISOString() ?? null,
    actor: row.username,
    total: row.total,
    processed: row.processed,
    created: row.created,
    updated: row.updated,
    unchanged: row.unchanged,
    failed: row.failed,
    errors: row.errors,
    undoable: ended && !dryRun && row.undoes === null && !row.undone && row.created + row.updated > 0,
    undone: row.undone,
  }
}

const errorsShown = 100

/** One job, or a page of them, the newest first. */
export async function viewJobs(
  sql: Sql,
  { id, after, limit = 1 }: { id?: string; after?: string | undefined; limit?: number },
): Promise<JobView[]> {
  const rows = await sql<JobRow[]>`
    select j.*, exists (select from import_job u where u.undoes = j.id) as undone,
      (select coalesce(jsonb_agg(jsonb_build_object('line', line, 'message', message) order by line), '[]') from (
        select line, message from import_row r where r.job = j.id and message is not null
        order by line limit ${errorsShown}) e) as errors
    from import_job j where ${id === undefined ? sql`true` : sql`j.id = ${id}`}
    ${after === undefined ? sql`` : sql`and (j.created_at, j.id) < (select created_at, id from import_job where id = ${after})`}
    order by j.created_at desc, j.id desc limit ${limit}`
  return rows.map(viewOf)
}

const leaseMs = 30_000

/** Takes a job that nobody works on: the one of `id`, or the oldest. */
export async function claimJob(sql: Sql, holder: string, id?: string): Promise<Job | undefined> {
  const [row] = await sql<JobRow[]>`
    update import_job set holder = ${holder}, lease_until = now() + ${leaseMs} * interval '1 ms'
    where id = (select id from import_job where status = 'running' and phase <> 'loading' and lease_until < now()
      ${id === undefined ? sql`` : sql`and id = ${id}`} order by created_at limit 1 for update skip locked)
    returning *`
  return row && jobOf(row)
}

/** Keeps the lease. @returns whether to cancel; undefined when the job is another's by now */
export async function keepJob(sql: Sql, holder: string, id: string): Promise<boolean | undefined> {
  const [row] = await sql<{ cancel: boolean }[]>`
    update import_job set lease_until = now() + ${leaseMs} * interval '1 ms'
    where id = ${id} and holder = ${holder} and status = 'running' returning cancel`
  return row?.cancel
}

/** Gives the job back, to be taken again after `ms`. */
export async function releaseJob(sql: Sql, holder: string, id: string, ms: number): Promise<void> {
  await sql`update import_job set holder = null, lease_until = now() + ${ms} * interval '1 ms'
    where id = ${id} and holder = ${holder} and status = 'running'`
}

export async function enterPhase(sql: Sql | TransactionSql, id: string, phase: Job['phase']): Promise<void> {
  await sql`update import_job set phase = ${phase} where id = ${id}`
}

/** Whether a line of a job has a fault. */
export async function hasFaults(sql: Sql, id: string): Promise<boolean> {
  return (await sql`select from import_row where job = ${id} and message is not null limit 1`).count > 0
}

/** The lines are the truth about faults. */
export async function endJob(
  sql: Sql | TransactionSql,
  id: string,
  status: JobView['status'],
): Promise<void> {
  await sql`update import_job set status = ${status}, finished_at = now(),
      failed = (select count(*) from import_row where job = ${id} and message is not null)
    where id = ${id} and status = 'running'`
}

/** Adds up what came of lines, in the transaction that says so in the lines. */
export async function tally(sql: Sql | TransactionSql, id: string, sums: Tally): Promise<void> {
  const { created = 0, updated = 0, unchanged = 0, failed = 0 } = sums
  await sql`update import_job set processed = processed + ${created + updated + unchanged + failed},
    created = created + ${created}, updated = updated + ${updated}, unchanged = unchanged + ${unchanged},
    failed = failed + ${failed} where id = ${id}`
}

/** A value for a statement that takes rows apart with jsonb_to_recordset. */
export const rowsOf = (sql: Sql | TransactionSql, rows: readonly object[]) =>
  sql`${JSON.stringify(rows)}::text::jsonb`

/**
 * The same for lines of a job. The job comes with each line, to be joined like it: of a constant the planner would guess how
 * few lines it has, and read all of them for each.
 */
export const linesOf = (sql: Sql | TransactionSql, job: string, lines: readonly { line: number }[]) =>
  rowsOf(
    sql,
    lines.map((line) => ({ job, ...line })),
  )

/**
 * For statements over rows that came a moment ago: the planner has no statistics of them, and a plan it kept from when the
 * table was empty reads the table whole for each line.
 */
export const byIndex = (tx: TransactionSql) =>
  tx`select set_config('plan_cache_mode', 'force_custom_plan', true), set_config('enable_seqscan', 'off', true),
    set_config('enable_bitmapscan', 'off', true)`
