import { isDeepStrictEqual } from 'node:util'
import { type Answer, parsed } from '@count/core/answer'
import { type Dashboard, dashboardBody } from '@count/core/dashboards'
import type { Precondition } from '@count/core/if-match'
import { pageOf, positionOf } from '@count/core/page-cursor'
import type { Sql, TransactionSql } from '@count/core/postgres'
import { problem } from '@count/core/problem'
import { countChange } from './change-counter.ts'
import {
  type DashboardRow,
  dashboardOf,
  dashboardPosition,
  liveDashboard,
  positionOfRow,
  searchDashboards,
  summaryOf,
} from './dashboard-rows.ts'
import { randomId } from './random-id.ts'
import { createRevisions } from './revisions.ts'
import {
  type DashboardPatch,
  type DashboardQuery,
  type DashboardSummary,
  dashboardFile,
  type Page,
  templateUse,
} from './schemas.ts'
import { fromTemplate, templateOf } from './templates.ts'

export type DashboardManager = ReturnType<typeof createDashboardManager>

export const noDashboard = {
  ok: false as const,
  problem: problem('not-found', { detail: 'No such dashboard' }),
}

/** A dashboard's revisions are kept back to this many saves. */
export const keptRevisions = 100

/**
 * Dashboards and their layouts in DashboardConfigDB (seed: DashboardManager). Every save is a revision. Counts are not asked about:
 * a dashboard may name some that are not there yet, or not any more. `user` is who is told to have done it.
 */
export function createDashboardManager(sql: Sql) {
  /** @param input of the shape of dashboardBody; what panels are to each other is looked at here */
  async function create(input: unknown, user: string): Promise<Answer<Dashboard>> {
    const body = parsed(dashboardBody, input)
    if (!body.ok) return body
    return await sql.begin(async (tx) => {
      const changed = await countChange(tx, 'dashboards')
      const row = {
        id: randomId(),
        body: tx.json(body.value),
        revision: 1,
        changed,
        created_by: user,
        updated_by: user,
      }
      const [made] = await tx<[DashboardRow]>`insert into dashboard ${tx(row)} returning *`
      await keep(tx, made, null)
      return { ok: true, value: dashboardOf(made) }
    })
  }

  /** @param input of the shape of dashboardFile */
  async function importFile(input: unknown, user: string): Promise<Answer<Dashboard>> {
    const file = parsed(dashboardFile, input)
    return file.ok ? await create(file.value.dashboard, user) : file
  }

  /** @param use of the shape of templateUse */
  async function createFrom(template: string, use: unknown, user: string): Promise<Answer<Dashboard>> {
    const takes = templateOf(template)?.takes
    if (!takes) return { ok: false, problem: problem('not-found', { detail: 'No such template' }) }
    const given = parsed(templateUse, use)
    if (!given.ok) return given
    const needed = takes.length > 0
    if (needed !== (given.value.counts !== undefined)) {
      const errors = [
        { path: 'counts', message: needed ? 'is needed by this template' : 'is not for this template' },
      ]
      return { ok: false, problem: problem('invalid-request', { errors }) }
    }
    return await create(fromTemplate(template, given.value), user)
  }

  async function find(id: string): Promise<Answer<Dashboard>> {
    const row = await liveDashboard(sql, id)
    return row ? { ok: true, value: dashboardOf(row) } : noDashboard
  }

  async function list({ q, sort, cursor, limit }: DashboardQuery): Promise<Answer<Page<DashboardSummary>>> {
    const after = positionOf(cursor, dashboardPosition(sort))
    if (!after.ok) return after
    const rows = await searchDashboards(sql, { q, sort }, after.value, limit + 1)
    return pageOf(rows, limit, summaryOf, (row) => positionOfRow(sort, row))
  }

  /** Saves what `change` makes of the present body. The same again is no revision. */
  async function save(
    id: string,
    match: Precondition,
    user: string,
    change: (
      tx: TransactionSql,
      row: DashboardRow,
    ) => Promise<Answer<{ input: unknown; restored: number | null }>>,
  ): Promise<Answer<Dashboard>> {
    return await sql.begin(async (tx): Promise<Answer<Dashboard>> => {
      const row = await liveDashboard(tx, id, true)
      if (!row) return noDashboard
      const stale = mismatch(match, row)
      if (stale) return stale
      const changed = await change(tx, row)
      if (!changed.ok) return changed
      const body = parsed(dashboardBody, changed.value.input)
      if (!body.ok) return body
      if (isDeepStrictEqual(body.value, row.body)) return { ok: true, value: dashboardOf(row) }
      const [saved] = await tx<
        [DashboardRow]
      >`update dashboard set body = ${tx.json(body.value)}, revision = revision + 1,
        changed = ${await countChange(tx, 'dashboards')}, updated_at = now(), updated_by = ${user}
        where id = ${id} returning *`
      await keep(tx, saved, changed.value.restored)
      return { ok: true, value: dashboardOf(saved) }
    })
  }

  const replace = (id: string, match: Precondition, input: unknown, user: string) =>
    save(id, match, user, async () => ({ ok: true, value: { input, restored: null } }))

  const patch = (id: string, match: Precondition, input: DashboardPatch, user: string) =>
    save(id, match, user, async (_tx, { body }) => ({
      ok: true,
      value: { input: { ...body, ...input }, restored: null },
    }))

  /** Makes a former revision the present one, as a new one. */
  const restoreRevision = (id: string, revision: number, match: Precondition, user: string) =>
    save(id, match, user, async (tx) => {
      const found = await createRevisions(tx).read(id, revision)
      return found.ok ? { ok: true, value: { input: found.value.body, restored: revision } } : found
    })

  /** @param name of the copy; absent: the same with " (2)" */
  async function duplicate(id: string, name: string | undefined, user: string): Promise<Answer<Dashboard>> {
    const row = await liveDashboard(sql, id)
    if (!row) return noDashboard
    return await create({ ...row.body, name: name ?? `${row.body.name.slice(0, 196)} (2)` }, user)
  }

  /** Into the trash, from which it can come back for 30 days. Its share links show nothing meanwhile. */
  async function remove(id: string, match: Precondition, user: string): Promise<Answer<undefined>> {
    return await sql.begin(async (tx): Promise<Answer<undefined>> => {
      const row = await liveDashboard(tx, id, true)
      if (!row) return noDashboard
      const stale = mismatch(match, row)
      if (stale) return stale
      await tx`update dashboard set deleted_at = now(), deleted_by = ${user}, changed = ${await countChange(tx, 'dashboards')}
        where id = ${id}`
      return { ok: true, value: undefined }
    })
  }

  return { create, importFile, createFrom, find, list, replace, patch, restoreRevision, duplicate, remove }
}

function mismatch(match: Precondition, { revision }: DashboardRow) {
  if (match === '*' || match.includes(revision)) return undefined
  const detail = `It is at revision ${revision}`
  return { ok: false as const, problem: problem('version-mismatch', { detail }) }
}

async function keep(tx: TransactionSql, row: DashboardRow, restored: number | null): Promise<void> {
  await tx`insert into dashboard_revision ${tx({
    dashboard: row.id,
    revision: row.revision,
    body: tx.json(row.body),
    restored,
    saved_by: row.updated_by,
  })}`
  await tx`delete from dashboard_revision where dashboard = ${row.id} and revision <= ${row.revision - keptRevisions}`
}
