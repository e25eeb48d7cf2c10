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

/** Whether PostgreSQL finds trigrams in a term: without one its index would be read whole, which the planner does not know. */
const hasTrigram = (term: string) =>
  /[\p{L}\p{N}]{3}|[^\p{L}\p{N}][\p{L}\p{N}]|[\p{L}\p{N}]{2}[^\p{L}\p{N}]/u.test(term)

export type CountFilter = Pick<CountQuery, 'q' | 'tag' | 'status'>

/** What is looked for in the column `search`: a term of three and more characters anywhere, a shorter one where a word begins. */
export function soughtOf(q: string | undefined): { text: string; indexed: boolean } | undefined {
  const term = q?.trim().toLowerCase() ?? ''
  if (term === '') return undefined
  const text = [...term].length < 3 ? `\n${term}` : term
  return { text, indexed: hasTrigram(text) }
}

/**
 * Counts as a search wants them: a term of three and more characters anywhere in id or name, a shorter one at the beginning
 * of the id or of a word of the name; tag and status. Goes by what every index of live counts holds.
 * @param inOrder leaves the indexes of what is sought alone
 */
export function countFilter(sql: Sql, { q, tag, status }: CountFilter, inOrder = false) {
  const sought = soughtOf(q)
  const text = inOrder || !sought?.indexed ? sql`(search || '')` : sql`search`
  const tags = inOrder ? sql`(tag_keys || '{}')` : sql`tag_keys`
  const state = inOrder ? sql`(status || '')` : sql`status`
  return sql`true ${tag === undefined ? sql`` : sql`and ${tags} @> array[hashtextextended(${tag}, 0)]`}
    ${status === undefined ? sql`` : sql`and ${state} = ${status}`}
    ${sought ? sql`and ${text} like ${patternOf(sought.text)}` : sql``}`
}

/** Of LIKE, for text that has this in it. */
export const patternOf = (term: string): string => `%${term.replace(/[\\%_]/g, '\\$&')}%`
