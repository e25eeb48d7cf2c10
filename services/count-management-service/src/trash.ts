import type { CountRecord, Query, ReadingStore, Records } from '@count/core/count-records'
import { pageOf, positionOf } from '@count/core/page-cursor'
import type { Sql } from '@count/core/postgres'
import { problem } from '@count/core/problem'
import type { CountInfo } from '@count/core/schemas'
import type { ValueStore } from '@count/core/value-store'
import { z } from 'zod'
import { type Actor, entryOf, record, type Undoing } from './audit.ts'
import { type Answer, ignoreAway, isTaken } from './count-manager.ts'
import { type CountRow, infoOf, nextRevision, patternOf } from './count-rows.ts'
import type { LifecycleSteps } from './lifecycle.ts'
import type { Trashed, TrashQuery } from './schemas.ts'

export interface TrashParts {
  sql: Sql
  store: ValueStore
  records: Records
  lifecycle: LifecycleSteps
  onChange?: () => void
}

interface Row extends CountRow {
  deleted_at: Date
  purged_at: Date
}

export type Trash = ReturnType<typeof createTrash>

const position = z.tuple([z.int()])
const maxTurns = 20
const refuse = (name: 'not-found' | 'already-exists' | 'conflict' | 'unavailable', detail: string) => ({
  ok: false as const,
  problem: problem(name, { detail }),
})
const occupied = refuse('already-exists', 'A count of this id exists again')

/** Removed records, set aside in the value store. */
const asideOf =
  (store: ReadingStore): Query<CountRecord> =>
  async (redis, shard, ids) => {
    const keys = store.keys(shard)
    const pipeline = redis.pipeline()
    for (const id of ids) pipeline.hmget(keys.gone(id), 'v', 't', 'c')
    const replies = (await pipeline.exec()) ?? []
    return replies.map(([error, reply]) => {
      if (error) throw error
      const [value, version, created] = Array.isArray(reply) ? reply : []
      if (typeof created !== 'string') return undefined
      return { value: Number(value), version: Number(version), created: Number(created) }
    })
  }

/** Deleted counts: kept for 30 days with value and history, and brought back whole. */
export function createTrash({ sql, store, records, lifecycle, onChange = () => {} }: TrashParts) {
  /** The value a deleted life had; `gone` when the store has it no more, `away` when it cannot say. */
  async function valuesOf(infos: Pick<CountInfo, 'id' | 'created'>[], strong: boolean) {
    const asks = infos.map(({ id, created }) => ({ id, created, fence: 0 }))
    const found = await records.find(asks, asideOf(store), strong)
    return found.map((one, i) => {
      if (one === 'away') return 'away'
      return one !== 'missing' && one?.created === infos[i]?.created ? one.value : 'gone'
    })
  }

  /** A page of the trash, what was deleted last first. */
  async function list({ q, cursor, limit }: TrashQuery) {
    const before = positionOf(cursor, position)
    if (!before.ok) return before
    const term = q?.trim().toLowerCase() ?? ''
    // The revision of a deleted count is that of its deletion.
    const rows = await sql<Row[]>`select *, deleted_at + interval '30 days' as purged_at from count_info
      where deleted_at is not null ${before.value ? sql`and revision < ${before.value[0]}` : sql``}
        ${term === '' ? sql`` : sql`and search like ${patternOf(term)}`}
      order by revision desc limit ${limit + 1}`
    const page = pageOf(
      rows,
      limit,
      (row) => row,
      ({ revision }) => [revision],
    ).value
    const values = await valuesOf(page.items, false)
    const items = page.items.map((row, i): Trashed => {
      const value = values[i]
      return {
        id: row.id,
        created: row.created,
        name: row.name,
        deletedAt: row.deleted_at.toISOString(),
        purgedAt: row.purged_at.toISOString(),
        value: typeof value === 'number' ? value : null,
      }
    })
    return { ok: true as const, value: { items, nextCursor: page.nextCursor } }
  }

  /**
   * Brings a deleted life back with metadata, value and history. Refused while another count has its id, and where the store
   * keeps its value no more: of several deleted lives of one id it keeps the last.
   */
  async function restore(
    id: string,
    created: number,
    actor: Actor,
    undo?: Undoing,
  ): Promise<Answer<undefined>> {
    for (let turn = 0; turn < maxTurns; turn++) {
      await lifecycle.reachable(id)
      // The deletion must have reached the record before it can be taken back there.
      const pending = await lifecycle.pending(sql, id)
      for (const revision of pending) await lifecycle.settle(revision)
      const [value] = await valuesOf([{ id, created }], true)
      const answer = await sql
        .begin((tx) => begin(tx, value))
        .catch((error: unknown) => {
          if (isTaken(error)) return occupied
          throw error
        })
      if (answer === 'again') continue
      if (!answer.ok) return answer
      // It is certain now; while the store is away, the worker takes it to the record.
      await lifecycle.settle(answer.value).catch(ignoreAway)
      onChange()
      return { ok: true, value: undefined }
    }
    return refuse('conflict', 'Too many changes of this count at once')

    async function begin(
      tx: Parameters<typeof nextRevision>[0],
      value: number | 'gone' | 'away' | undefined,
    ): Promise<Answer<number> | 'again'> {
      const [row] = await tx<CountRow[]>`select * from count_info
        where id = ${id} and created = ${created} and deleted_at is not null for update`
      if (!row) return refuse('not-found', 'It is not in the trash')
      const [live] = await tx`select from count_info where id = ${id} and deleted_at is null`
      if (live) return occupied
      if ((await lifecycle.pending(tx, id)).length > 0) return 'again'
      if (value === 'away') return refuse('unavailable', 'The value store is away')
      if (value === 'gone') return refuse('conflict', 'Its value is not kept any more')
      const revision = await nextRevision(tx)
      const info = { ...infoOf(row), revision, updatedAt: new Date().toISOString() }
      await tx`update count_info set deleted_at = null, revision = ${revision}, updated_at = ${info.updatedAt}
        where id = ${id} and created = ${created}`
      const after = { name: info.name, status: info.status }
      await record(tx, entryOf(actor, 'count.restore', id, { created, after }, undo))
      await lifecycle.enqueue(tx, { kind: 'restored', info })
      return { ok: true, value: revision }
    }
  }

  return { list, restore }
}
