import type { Sql, TransactionSql } from '@count/core/postgres'
import { countFilter } from '../count-rows.ts'
import type { JobLine } from './file-lines.ts'
import type { BulkFilter, JobOptions } from './jobs.ts'
import { rowsOf } from './jobs.ts'

/** Lines on their way to the database at once. */
const chunk = 1000

/** Puts the lines of a file into a job, as they come. @returns how many there are */
export async function loadFile(sql: Sql, job: string, lines: AsyncIterable<JobLine>): Promise<number> {
  let held: JobLine[] = []
  let total = 0
  const put = async () => {
    await sql`insert into import_row (job, line, id, content, message)
      select ${job}, line, id, content, message
      from jsonb_to_recordset(${rowsOf(sql, held)}) x(line int, id text, content jsonb, message text)`
    total += held.length
    held = []
  }
  for await (const line of lines) {
    held.push(line)
    if (held.length >= chunk) await put()
  }
  await put()
  return total
}

/** A count comes once in an import of counts: of several lines the first holds. */
export async function noteDuplicates(sql: Sql, job: string): Promise<void> {
  await sql.begin(async (tx) => {
    // Of lines that came a moment ago the planner thinks that they are few, and would compare each with each.
    await tx`select set_config('enable_nestloop', 'off', true)`
    await tx`update import_row r set message = 'id: is already on line ' || d.first
      from (select id, min(line) as first from import_row where job = ${job} and message is null
        group by id having count(*) > 1) d
      where r.job = ${job} and r.message is null and r.id = d.id and r.line > d.first`
  })
}

/** History belongs to the life that its count has now. */
export async function noteLives(sql: Sql | TransactionSql, job: string): Promise<void> {
  await sql`update import_row r set life = c.created from count_info c
    where r.job = ${job} and r.life is null and r.message is null and c.id = r.id and c.deleted_at is null`
  await sql`update import_row set message = 'id: there is no such count'
    where job = ${job} and life is null and message is null`
}

/** The counts of a bulk change, each a line: the ones named, or all that a search finds now. */
export async function loadSelection(
  tx: TransactionSql,
  sql: Sql,
  job: string,
  { ids, filter }: { ids?: string[] | undefined; filter?: BulkFilter | undefined },
): Promise<void> {
  if (ids)
    await tx`insert into import_row (job, line, id) select ${job}, min(n), id
      from unnest(${ids}::text[]) with ordinality as named(id, n) group by id`
  else
    await tx`insert into import_row (job, line, id) select ${job}, row_number() over (order by id), id
      from count_info where deleted_at is null and ${countFilter(sql, filter ?? {})}`
}

/** The lines of an undo: what the other job did, the other way round. */
export async function loadUndo(tx: TransactionSql, job: string, of: string, kind: string): Promise<void> {
  if (kind === 'undo.history')
    await tx`insert into import_row (job, line, id, life, content)
      select ${job}, line, id, life, content || jsonb_build_object('delta', - (content ->> 'delta')::bigint)
      from import_row where job = ${of} and result = 'created'`
  else
    await tx`insert into import_row (job, line, id, content)
      select ${job}, line, id, jsonb_build_object('did', change ->> 'kind', 'life', life, 'change', change)
      from import_row where job = ${of} and result in ('created', 'updated')`
}

/** All lines are there: how many, and how many of them are faulty already. */
export async function endLoading(
  sql: Sql | TransactionSql,
  job: string,
  { onError, dryRun }: Pick<JobOptions, 'onError' | 'dryRun'>,
): Promise<number> {
  const checks = dryRun || onError === 'fail'
  const [row] = await sql<{ total: number }[]>`
    update import_job set phase = ${checks ? 'checking' : 'applying'}, lease_until = now() - interval '1 s',
      total = n.total, failed = n.failed, processed = n.failed
    from (select count(*)::int as total, count(message)::int as failed from import_row where job = ${job}) n
    where id = ${job} returning import_job.total`
  return row?.total ?? 0
}
