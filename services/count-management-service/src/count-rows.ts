import { crc16 } from '@count/core/crc16'
import type { Sql, TransactionSql } from '@count/core/postgres'
import { type CountInfo, countInfo } from '@count/core/schemas'
import { json } from './audit.ts'
import type { CountQuery } from './schemas.ts'

/** A row of count_info as PostgreSQL gives it. */
export interface CountRow extends Omit<CountInfo, 'initialValue' | 'createdAt' | 'updatedAt'> {
  initial_value: number
  created_at: Date
  updated_at: Date
}

export function infoOf({ initial_value, created_at, updated_at, ...row }: CountRow): CountInfo {
  return countInfo.parse({
    ...row,
    initialValue: initial_value,
    createdAt: created_at.toISOString(),
    updatedAt: updated_at.toISOString(),
  })
}

export const nextRevision = async (tx: TransactionSql): Promise<number> => {
  const [row] = await tx<[{ revision: number }]>`select nextval('revision_seq') as revision`
  return row.revision
}

/** The live row of an id; locked until the transaction ends where one is given. */
export async function findCount(
  sql: Sql | TransactionSql,
  id: string,
  lock = false,
): Promise<CountInfo | undefined> {
  const [row] = await sql<CountRow[]>`select * from count_info where id = ${id} and deleted_at is null
    ${lock ? sql`for update` : sql``}`
  return row && infoOf(row)
}

/** False when the id is taken. */
export async function insertCount(tx: TransactionSql, info: CountInfo): Promise<boolean> {
  const inserted = await tx`insert into count_info ${tx({
    id: info.id,
    created: info.created,
    initial_value: info.initialValue,
    created_at: info.createdAt,
    hash: crc16(info.id),
    ...columns(tx, info),
  })} on conflict (id) where deleted_at is null do nothing`
  return inserted.count === 1
}

/** Gives the live row the content of a later revision. */
export async function updateCount(tx: TransactionSql, info: CountInfo): Promise<void> {
  await tx`update count_info set ${tx(columns(tx, info))}
    where id = ${info.id} and created = ${info.created} and revision < ${info.revision} and deleted_at is null`
}

/** What a change may change. */
const columns = (tx: TransactionSql, info: CountInfo) => ({
  revision: info.revision,
  name: info.name,
  description: info.description,
  unit: info.unit,
  tags: info.tags,
  min: info.min,
  max: info.max,
  status: info.status,
  metadata: json(tx, info.metadata),
  updated_at: info.updatedAt,
})

/** Live counts in the order of their ids, after the id `after`; `limit` of them at most. */
export async function searchCounts(
  sql: Sql,
  { q, tag, status, limit }: Omit<CountQuery, 'cursor'>,
  after: string,
): Promise<CountInfo[]> {
  const term = q?.trim().toLowerCase() ?? ''
  const pattern = `%${term.replace(/[\\%_]/g, '\\$&')}%`
  // Below three characters there is no trigram: the index would be read whole, which the planner does not know.
  const column = [...term].length < 3 ? sql`(search || '')` : sql`search`
  const rows = await sql<CountRow[]>`select * from count_info where deleted_at is null and id > ${after}
    ${tag === undefined ? sql`` : sql`and tags @> ${[tag]}`}
    ${status === undefined ? sql`` : sql`and status = ${status}`}
    ${term === '' ? sql`` : sql`and ${column} like ${pattern}`}
    order by id limit ${limit}`
  return rows.map(infoOf)
}
