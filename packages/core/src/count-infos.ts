import type { Logger } from 'pino'
import { isAway } from './away.ts'
import { type Breaker, openBreaker } from './breaker.ts'
import type { Found } from './count-records.ts'
import type { Sql } from './postgres.ts'
import type { CountInfo } from './schemas.ts'

/** An info wanted: one below the revision `fence` is known to be out of date. */
export interface InfoAsk {
  id: string
  fence: number
}

export interface InfoDatabases {
  /** CountInfoDB. */
  sql: Sql
  /** A read-only copy of it that may lag: asked first where one is given. */
  replica?: Sql
}

export interface Infos {
  /** Live counts; `missing` for those that CountInfoDB does not have, `away` for those nobody could be asked about. */
  find(asks: readonly InfoAsk[], strong?: boolean): Promise<Map<string, Found<CountInfo>>>
  close(): void
}

const answerMs = 1000

/** Reads CountInfos from CountInfoDB: from the copy, and where that lacks one or is behind, from the database itself. */
export function openInfos({ sql, replica }: InfoDatabases, log: Logger): Infos {
  const first = replica && { sql: replica, breaker: breakerOf(replica, 'CountInfoDB replica', log) }
  const owner = { sql, breaker: breakerOf(sql, 'CountInfoDB', log) }

  async function find(asks: readonly InfoAsk[], strong = false): Promise<Map<string, Found<CountInfo>>> {
    const answers = new Map<string, Found<CountInfo>>(asks.map(({ id }) => [id, 'away']))
    async function ask({ sql, breaker }: Source, ids: string[]): Promise<void> {
      const rows = await breaker.run(async () => await infosOf(sql, ids))
      for (const id of ids) answers.set(id, 'missing')
      for (const info of rows) answers.set(info.id, info)
    }

    if (first && !strong) await ask(first, idsOf(asks)).catch(() => {})
    const left = asks.filter(({ id, fence }) => {
      const info = answers.get(id)
      return typeof info !== 'object' || info.revision < fence
    })
    // What the copy said is all there is while the database is away, but that it lacks a count proves nothing.
    for (const { id } of left) if (answers.get(id) === 'missing') answers.set(id, 'away')
    if (left.length > 0)
      await ask(owner, idsOf(left)).catch((error: unknown) =>
        log.debug({ error }, 'CountInfoDB does not answer'),
      )
    return answers
  }

  return {
    find,
    close() {
      first?.breaker.close()
      owner.breaker.close()
    },
  }
}

const breakerOf = (sql: Sql, name: string, log: Logger) =>
  openBreaker({ name, timeoutMs: answerMs, probe: async () => await sql`select 1`, isAway, log })

interface Source {
  sql: Sql
  breaker: Breaker
}

const idsOf = (asks: readonly InfoAsk[]) => asks.map(({ id }) => id)

type Row = Omit<CountInfo, 'createdAt' | 'updatedAt'> & { createdAt: Date; updatedAt: Date }

/** Live counts by id, through the unique index on live ids (CA-017). */
async function infosOf(sql: Sql, ids: string[]): Promise<CountInfo[]> {
  const rows = await sql<Row[]>`
    select id, name, description, unit, tags, min, max, initial_value as "initialValue", status, metadata, revision, created,
      created_at as "createdAt", updated_at as "updatedAt"
    from count_info where id = any(${ids}) and deleted_at is null`
  return rows.map((row) => ({
    ...row,
    createdAt: row.createdAt.toISOString(),
    updatedAt: row.updatedAt.toISOString(),
  }))
}
