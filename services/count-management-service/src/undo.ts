import { isDeepStrictEqual } from 'node:util'
import type { Sql, TransactionSql } from '@count/core/postgres'
import { type ProblemDocument, problem } from '@count/core/problem'
import type { CountInfo } from '@count/core/schemas'
import { z } from 'zod'
import type { Actor } from './audit.ts'
import { findEntry, type TrailRow, undoableOf } from './audit-trail.ts'
import type { Answer, CountManager, Undo } from './count-manager.ts'
import { findCount } from './count-rows.ts'
import { countPatch } from './schemas.ts'
import type { Trash } from './trash.ts'

export interface UndoParts {
  sql: Sql
  manager: CountManager
  trash: Trash
  /** How long the value store answers a repeated change as it did the first, in s. */
  idempotencyTtl: number
}

export type UndoManager = ReturnType<typeof createUndo>

const conflict = (detail: string): ProblemDocument => problem('conflict', { detail })
const refused = (document: ProblemDocument) => ({ ok: false as const, problem: document })
const undoneAlready = conflict('It is undone already')
const otherLife = conflict('The count was deleted since')

const facts = z.record(z.string(), z.unknown())
const amount = z.object({ delta: z.int(), compensates: z.boolean().default(false) })
/**
 * Undoes single changes of counts from the audit trail: a creation by deleting, a deletion by restoring, a change of metadata
 * by changing back, a correction by a change of the value the other way. History is never rewritten, and the undo is an
 * entry of its own, which can be undone. What has been changed again since is refused: that one is to be undone first.
 */
export function createUndo({ sql, manager, trash, idempotencyTtl }: UndoParts) {
  /** @returns the id of the undo's own entry */
  async function undo(id: number, reason: string | undefined, actor: Actor): Promise<Answer<{ id: string }>> {
    const entry = await findEntry(sql, id)
    if (!entry) return refused(problem('not-found', { detail: 'No such entry' }))
    if (entry.undone_by !== null) return refused(undoneAlready)
    const life = undoableOf(entry)
    if (!life) return refused(conflict('This cannot be undone'))
    const contradiction = async (tx: TransactionSql, info: CountInfo) => {
      if ((await findEntry(tx, id))?.undone_by !== null) return undoneAlready
      return info.created === life.created ? changedSince(entry, info) : otherLife
    }
    const answer = await compensate(entry, life.created, { undoes: id, reason, contradiction }, actor)
    if (!answer.ok) {
      if (answer.problem.status !== 404) return answer
      return refused(entry.action === 'count.delete' ? conflict('It is not in the trash') : otherLife)
    }
    const done = await findEntry(sql, id)
    return { ok: true, value: { id: String(done?.undone_by) } }
  }

  async function compensate(
    entry: TrailRow,
    created: number,
    undo: Undo,
    actor: Actor,
  ): Promise<Answer<unknown>> {
    const { target, action, detail } = entry
    if (action === 'count.delete') return await trash.restore(target, created, actor, undo)
    if (action === 'count.correct') return await changeBack(entry, created, undo, actor)
    if (action === 'count.update')
      return await manager.update(target, '*', countPatch.parse(detail.before), actor, undo)
    return await manager.remove(target, '*', actor, undo)
  }

  /** The correction's difference, the other way: what was counted since stays counted. */
  async function changeBack(
    { id, target, detail }: TrailRow,
    created: number,
    undo: Undo,
    actor: Actor,
  ): Promise<Answer<unknown>> {
    const info = await findCount(sql, target)
    if (info?.created !== created) return refused(otherLife)
    const { delta, compensates } = amount.parse(detail)
    if (await correctedSince(id, target, created))
      return refused(conflict('The value was corrected again since; undo that first'))
    if (await unsure(id, target))
      return refused(conflict('How an earlier undo of this ended is not known; correct the value'))
    const kind = delta > 0 ? 'decrement' : 'increment'
    const operation = { id: target, kind, amount: Math.abs(delta) } as const
    const amendment = { operation, key: `undo:${id}`, detail: { compensates: !compensates } }
    return await manager.amend(info, amendment, actor, undo)
  }

  /** Whether a later correction stands. One that is undone does not, nor an undo, unless it undid an undo. */
  async function correctedSince(id: number, target: string, created: number): Promise<boolean> {
    const rows =
      await sql`select from audit a where target = ${target} and id > ${id} and action = 'count.correct'
      and detail ->> 'created' = ${String(created)} and not coalesce((detail ->> 'compensates')::boolean, false)
      and (detail ->> 'delta')::bigint <> 0 and not exists (select from audit u where u.undoes = a.id) limit 1`
    return rows.length > 0
  }

  /** Whether an undo was begun long ago and no end of it was told: the store may have taken it. */
  async function unsure(id: number, target: string): Promise<boolean> {
    const rows = await sql`select from audit a where target = ${target} and id > ${id}
      and action = 'count.correct-asked' and detail ->> 'undoing' = ${String(id)}
      and at < now() - ${idempotencyTtl / 2} * interval '1 second'
      and not exists (select from audit c where c.concludes = a.id) limit 1`
    return rows.length > 0
  }

  return { undo }
}

/** Of a change of metadata: which of its fields has another content by now. */
function changedSince({ action, detail }: TrailRow, info: CountInfo): ProblemDocument | undefined {
  if (action !== 'count.update') return undefined
  const now = new Map<string, unknown>(Object.entries(info))
  const field = Object.entries(facts.parse(detail.after)).find(
    ([name, after]) => !isDeepStrictEqual(now.get(name), after),
  )
  return field && conflict(`${field[0]} was changed again since; undo that first`)
}
