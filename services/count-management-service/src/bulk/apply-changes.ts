import { Unavailable } from '@count/core/away'
import { crc16 } from '@count/core/crc16'
import type { Sql, TransactionSql } from '@count/core/postgres'
import type { CountInfo } from '@count/core/schemas'
import { type AuditEntry, entryOf } from '../audit.ts'
import { type CountRow, infoOf } from '../count-rows.ts'
import type { Settled } from '../lifecycle.ts'
import { actions, type Decision, decisionsOf, type Present, undoing } from './decisions.ts'
import { byIndex, type Job, linesOf, rowsOf, type Tally, tally } from './jobs.ts'
import { recordAll, type SettleParts, settleBatch } from './settle-batch.ts'

/** Lines in one round: a few statements and one packet of scripts each. */
const batch = 1000

/** A line that has not ended. `revision`: it has begun, and maybe its process died. */
export interface OpenRow {
  line: number
  id: string
  content: unknown
  revision: number | null
}

/** Thrown inside a transaction to begin the round anew. */
class Raced extends Error {}

const maxTurns = 20

/** The next lines of a job, in order. */
export const openRows = async (sql: Sql, job: string, after: number): Promise<OpenRow[]> =>
  await sql.begin(async (tx) => {
    await byIndex(tx)
    return await tx<OpenRow[]>`select line, id, content, revision from import_row
      where job = ${job} and line > ${after} and result is null and message is null order by line limit ${batch}`
  })

/**
 * Applies the lines of a job from `after` on, one round: rows, audit and outbox in one transaction, in which the lines note
 * their revisions; then the scripts; then what came of it, in the transaction that settles them. So a process may die
 * anywhere: a line that noted no revision has done nothing, one that did is settled by whoever comes next.
 *
 * @returns the last line of the round; undefined when no line is left
 * Rejects with StoreUnavailable, to be called again.
 */
export async function applyRound(parts: SettleParts, job: Job, after: number): Promise<number | undefined> {
  const { sql, lifecycle } = parts
  for (let turn = 0; turn < maxTurns; turn++) {
    const rows = await openRows(sql, job.id, after)
    const last = rows.at(-1)?.line
    if (last === undefined) return undefined
    const begun = rows.filter((row) => row.revision !== null)
    if (begun.length > 0) {
      await settleRows(parts, job.id, begun)
      return after
    }
    await Promise.all(rows.map(({ id }) => lifecycle.reachable(id)))
    const begin = await sql
      .begin((tx) => beginRows(tx, job, rows))
      .catch((error: unknown) => {
        if (error instanceof Raced || isRaced(error)) return undefined
        throw error
      })
    if (!begin) continue
    if (begin.pending.length > 0) {
      // Changes of the same counts come to their end first.
      for (const revision of begin.pending) await lifecycle.settle(revision)
      continue
    }
    await settleRows(parts, job.id, begin.started)
    return last
  }
  throw new Unavailable('too many others change the same counts')
}

/** A restored id that lives again by now (unique_violation), or a deadlock with another job. */
const isRaced = (error: unknown) =>
  error instanceof Error && 'code' in error && (error.code === '23505' || error.code === '40P01')

interface Started {
  line: number
  id: string
  revision: number | null
}

async function beginRows(tx: TransactionSql, job: Job, rows: OpenRow[]) {
  await byIndex(tx)
  const lines = rows.map((row) => row.line)
  const mine = await tx`select from import_row where job = ${job.id} and line = any(${lines})
    and revision is null and result is null and message is null for update`
  if (mine.length < rows.length) throw new Raced()
  const present = await presentOf(tx, job, rows, true)
  const pending = await tx<{ revision: number }[]>`select revision from lifecycle_outbox
    where id = any(${rows.map((row) => row.id)}) and outcome is null order by revision`
  if (pending.length > 0) return { pending: pending.map((row) => row.revision), started: [] }

  const decide = decisionsOf(job)
  const decided = rows.map(({ line, id, content }) => ({ line, id, decision: decide(content, present(id)) }))
  const revisions = await nextRevisions(
    tx,
    decided.filter(({ decision }) => decision.word === 'change').length,
  )
  const changes: Begun[] = []
  const notes = decided.map(({ line, id, decision }) => {
    if (decision.word === 'fault') return { line, message: decision.message }
    if (decision.word === 'unchanged') return { line, result: 'unchanged' }
    const revision = revisions.shift() as number
    const created = decision.kind === 'created' ? revision : decision.info.created
    changes.push({ ...decision, line, info: { ...decision.info, id, revision, created } })
    return { line, revision, life: created, change: { kind: decision.kind, ...decision.change } }
  })
  await write(tx, job, changes)
  await tx`update import_row r set message = x.message, result = x.result, revision = x.revision, life = x.life, change = x.change
    from jsonb_to_recordset(${linesOf(tx, job.id, notes)})
      x(job uuid, line int, message text, result text, revision bigint, life bigint, change jsonb)
    where r.job = x.job and r.line = x.line`
  const failed = decided.filter(({ decision }) => decision.word === 'fault').length
  await tally(tx, job.id, { failed, unchanged: rows.length - failed - changes.length })
  const started: Started[] = changes.map(({ line, info: { id, revision } }) => ({ line, id, revision }))
  return { pending: [], started }
}

type Begun = Extract<Decision, { word: 'change' }> & { line: number }

/** The counts that lines name as they are now; locked when they are to be changed. */
export async function presentOf(
  sql: Sql | TransactionSql,
  job: Job,
  rows: Pick<OpenRow, 'id' | 'content'>[],
  lock: boolean,
): Promise<(id: string) => Present> {
  const locking = lock ? sql`for update` : sql``
  const live = await sql<CountRow[]>`select * from count_info
    where id = any(${rows.map((row) => row.id)}) and deleted_at is null order by id ${locking}`
  const lives =
    job.kind === 'undo.counts'
      ? rows.map(({ id, content }) => ({ id, created: undoing.parse(content).life }))
      : []
  const trashed =
    lives.length === 0
      ? []
      : await sql<
          CountRow[]
        >`select c.* from count_info c join jsonb_to_recordset(${rowsOf(sql, lives)}) x(id text, created bigint)
          on c.id = x.id and c.created = x.created where c.deleted_at is not null order by c.id ${lock ? sql`for update of c` : sql``}`
  const byId = (rows: CountRow[]) => new Map(rows.map((row) => [row.id, infoOf(row)]))
  const [alive, gone] = [byId(live), byId(trashed)]
  return (id) => ({ live: alive.get(id), trashed: gone.get(id) })
}

async function nextRevisions(tx: TransactionSql, n: number): Promise<number[]> {
  const rows = await tx<
    { revision: number }[]
  >`select nextval('revision_seq') as revision from generate_series(1, ${n}::int)`
  return rows.map((row) => row.revision)
}

/** Rows, audit and outbox of changes. An update's row and audit follow when its record has taken it. */
async function write(tx: TransactionSql, job: Job, changes: Begun[]): Promise<void> {
  if (changes.length === 0) return
  const of = (kind: Begun['kind']) => changes.filter((change) => change.kind === kind).map(({ info }) => info)
  await insertCounts(tx, of('created'))
  await moveCounts(tx, of('deleted'), true)
  await moveCounts(tx, of('restored'), false)
  const audited = changes.map((change) => ({ ...change, audit: auditOf(job, change) }))
  await recordAll(
    tx,
    audited.flatMap(({ kind, audit }) => (kind === 'updated' ? [] : audit)),
  )
  const outbox = audited.map(({ kind, info, audit }) => ({
    revision: info.revision,
    id: info.id,
    created: info.created,
    kind,
    info,
    audit: kind === 'updated' ? audit : null,
  }))
  await tx`insert into lifecycle_outbox (revision, id, created, kind, info, audit)
    select revision, id, created, kind, info, nullif(audit, 'null') from jsonb_to_recordset(${rowsOf(tx, outbox)})
      x(revision bigint, id text, created bigint, kind text, info jsonb, audit jsonb)`
}

async function insertCounts(tx: TransactionSql, infos: CountInfo[]): Promise<void> {
  if (infos.length === 0) return
  const rows = infos.map((info) => ({ ...info, hash: crc16(info.id) }))
  const inserted = await tx`
    insert into count_info (id, created, revision, name, description, unit, tags, min, max, initial_value, status, metadata,
      created_at, updated_at, hash)
    select id, created, revision, name, description, unit, tags, min, max, "initialValue", status, metadata,
      "createdAt", "updatedAt", hash
    from jsonb_to_recordset(${rowsOf(tx, rows)}) x(id text, created bigint, revision bigint, name text, description text,
      unit text, tags text[], min bigint, max bigint, "initialValue" bigint, status text, metadata jsonb,
      "createdAt" timestamptz, "updatedAt" timestamptz, hash int)
    on conflict (id) where deleted_at is null do nothing`
  if (inserted.count < infos.length) throw new Raced()
}

/** To the trash, or back from there. */
async function moveCounts(tx: TransactionSql, infos: CountInfo[], away: boolean): Promise<void> {
  if (infos.length === 0) return
  await tx`update count_info c set revision = x.revision, updated_at = x."updatedAt", deleted_at = ${away ? tx`now()` : null}
    from jsonb_to_recordset(${rowsOf(tx, infos)}) x(id text, created bigint, revision bigint, "updatedAt" timestamptz)
    where c.id = x.id and c.created = x.created`
}

/** As CountManager words the same change of one count. */
function auditOf(job: Job, { kind, info, change }: Begun): AuditEntry {
  const { id, created, revision, createdAt, updatedAt, ...content } = info
  const { name, status } = info
  const { reason } = job.options
  const said = {
    created: { after: content },
    updated: change,
    deleted: { before: { name, status } },
    restored: { after: { name, status } },
  }
  return entryOf(
    job.actor,
    actions[kind],
    id,
    { created, job: job.id, ...said[kind] },
    reason === undefined ? {} : { reason },
  )
}

/** Brings begun lines to their end. */
async function settleRows(
  { sql, lifecycle, cache }: SettleParts,
  job: string,
  rows: Started[],
): Promise<void> {
  if (rows.length === 0) return
  await settleBatch(
    { sql, lifecycle, cache },
    rows.map((row) => row.revision as number),
    async (tx, settled) => {
      const notes = rows.map(({ line, revision }) => ({ line, ...noteOf(settled.get(revision as number)) }))
      const ended = await tx<{ result: keyof Tally | null; n: number }[]>`
      with ended as (
        update import_row r set message = x.message, revision = case when x.message is null then r.revision end,
          result = case when x.message is null then case r.change ->> 'kind' when 'created' then 'created' else 'updated' end end
        from jsonb_to_recordset(${linesOf(tx, job, notes)}) x(job uuid, line int, message text)
        where r.job = x.job and r.line = x.line and r.result is null and r.message is null returning r.result)
      select result, count(*)::int as n from ended group by result`
      await tally(tx, job, Object.fromEntries(ended.map(({ result, n }) => [result ?? 'failed', n])))
    },
  )
}

function noteOf(settled: Settled | undefined): { message?: string } {
  if (settled?.outcome === 'applied') return {}
  if (settled?.outcome === 'bounds') return { message: 'the present value lies outside these bounds' }
  return { message: 'another change of the count came before' }
}
