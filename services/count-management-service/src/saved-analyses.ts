import { pageOf, positionOf } from '@count/core/page-cursor'
import type { Sql } from '@count/core/postgres'
import { problem } from '@count/core/problem'
import { z } from 'zod'
import { type Actor, entryOf, json, record } from './audit.ts'
import { type Answer, isTaken } from './count-manager.ts'
import { jsonFault } from './count-metadata.ts'
import { type AnalysisInput, type AnalysisView, analysisView, maxStateBytes, type Page } from './schemas.ts'

interface Row {
  id: string
  name: string
  state: Record<string, unknown>
  username: string
  created_at: Date
  updated_at: Date
}

export type SavedAnalyses = ReturnType<typeof createSavedAnalyses>

const position = z.tuple([z.string()])
const unknown = { ok: false as const, problem: problem('not-found', { detail: 'No such analysis' }) }
const taken = {
  ok: false as const,
  problem: problem('already-exists', { detail: 'An analysis of this name exists' }),
}

/**
 * Analyses kept by name for everybody: the state of the page as count-analysis-service's page wrote it, which is nobody
 * else's business. A name is taken once, in any case. Every change is audited.
 */
export function createSavedAnalyses(sql: Sql) {
  /** A page of analyses in the order of their names. */
  async function list(cursor: string | undefined, limit: number): Promise<Answer<Page<AnalysisView>>> {
    const after = positionOf(cursor, position)
    if (!after.ok) return after
    const rows = await sql<(Row & { key: string })[]>`
      select *, lower(name) as key from saved_analysis where lower(name) collate "C" > ${after.value?.[0] ?? ''}
      order by lower(name) collate "C" limit ${limit + 1}`
    return pageOf(rows, limit, viewOf, ({ key }) => [key])
  }

  async function get(id: string): Promise<Answer<AnalysisView>> {
    const [row] = await sql<Row[]>`select * from saved_analysis where id = ${id}`
    return row ? { ok: true, value: viewOf(row) } : unknown
  }

  async function create({ name, state }: AnalysisInput, actor: Actor): Promise<Answer<AnalysisView>> {
    const fault = jsonFault(state, 'state', maxStateBytes)
    if (fault) return fault
    return await unlessTaken(
      sql.begin(async (tx) => {
        const [row] = await tx<[Row]>`insert into saved_analysis (name, state, username)
          values (${name}, ${json(tx, state)}, ${actor.username}) returning *`
        await record(tx, entryOf(actor, 'analysis.create', row.id, { after: { name, state } }))
        return { ok: true as const, value: viewOf(row) }
      }),
    )
  }

  /** Another name, another state, or both. */
  async function update(
    id: string,
    { name, state }: AnalysisInput,
    actor: Actor,
  ): Promise<Answer<AnalysisView>> {
    const fault = jsonFault(state, 'state', maxStateBytes)
    if (fault) return fault
    return await unlessTaken(
      sql.begin(async (tx) => {
        const [before] = await tx<Row[]>`select * from saved_analysis where id = ${id} for update`
        if (!before) return unknown
        const [row] = await tx<[Row]>`update saved_analysis
          set name = ${name}, state = ${json(tx, state)}, updated_at = now() where id = ${id} returning *`
        const change = { before: { name: before.name, state: before.state }, after: { name, state } }
        await record(tx, entryOf(actor, 'analysis.update', id, change))
        return { ok: true as const, value: viewOf(row) }
      }),
    )
  }

  async function remove(id: string, actor: Actor): Promise<Answer<undefined>> {
    return await sql.begin(async (tx) => {
      const [row] = await tx<Row[]>`delete from saved_analysis where id = ${id} returning *`
      if (!row) return unknown
      const { name, state } = row
      await record(tx, entryOf(actor, 'analysis.delete', id, { before: { name, state } }))
      return { ok: true, value: undefined }
    })
  }

  return { list, get, create, update, remove }
}

async function unlessTaken<T>(change: Promise<Answer<T>>): Promise<Answer<T>> {
  try {
    return await change
  } catch (error) {
    if (isTaken(error)) return taken
    throw error
  }
}

const viewOf = (row: Row): AnalysisView =>
  analysisView.parse({
    id: row.id,
    name: row.name,
    state: row.state,
    createdBy: row.username,
    createdAt: row.created_at.toISOString(),
    updatedAt: row.updated_at.toISOString(),
  })
