import { crc16 } from '@count/core/crc16'
import type { Sql, TransactionSql } from '@count/core/postgres'
import { type CountInfo, countId, countInfo } from '@count/core/schemas'
import { z } from 'zod'
import { json } from './audit.ts'
import { type CountQuery, countQuery } from './schemas.ts'

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

const sortKey = z.enum(['id', 'name', 'updatedAt'])

/** What a page of counts goes by: the last row's key in the order asked for, and its id. */
export const countPosition = z.tuple([
  countQuery.shape.sort.unwrap(),
  z.union([z.string(), z.int()]),
  countId,
])
export type CountPosition = z.output<typeof countPosition>

/** Whether PostgreSQL finds trigrams in a term: without one its index would be read whole, which the planner does not know. */
const hasTrigram = (term: string) =>
  /[\p{L}\p{N}]{3}|[^\p{L}\p{N}][\p{L}\p{N}]|[\p{L}\p{N}]{2}[^\p{L}\p{N}]/u.test(term)

/**
 * Counts as a search wants them: a term of three and more characters anywhere in id or name, a shorter one at the beginning
 * of the id or of a word of the name; tag and status. Goes by what every index of live counts holds.
 */
export function countFilter(sql: Sql, { q, tag, status }: Pick<CountQuery, 'q' | 'tag' | 'status'>) {
  const term = q?.trim().toLowerCase() ?? ''
  const sought = [...term].length < 3 ? `\n${term}` : term
  const column = hasTrigram(sought) ? sql`search` : sql`(search || '')`
  return sql`true ${tag === undefined ? sql`` : sql`and tag_keys @> array[hashtextextended(${tag}, 0)]`}
    ${status === undefined ? sql`` : sql`and status = ${status}`}
    ${term === '' ? sql`` : sql`and ${column} like ${patternOf(sought)}`}`
}

/** Of LIKE, for text that has this in it. */
export const patternOf = (term: string): string => `%${term.replace(/[\\%_]/g, '\\$&')}%`

/** Live counts in the order asked for, from a position on; `limit` of them at most, each with its own position. */
export async function searchCounts(
  sql: Sql,
  { sort, limit, ...filter }: Omit<CountQuery, 'cursor'>,
  after: CountPosition | undefined,
): Promise<{ info: CountInfo; position: CountPosition }[]> {
  const [, from, id] = after ?? [sort, '', '']
  const [direction, beyond] = sort.startsWith('-') ? [sql`desc`, sql`<`] : [sql`asc`, sql`>`]
  // The key as a cursor carries it, what the index is in the order of, and the key put back into that.
  const orders = {
    id: () => ({ key: sql`''`, by: [sql`id`], place: sql`${id}` }),
    name: () => ({ key: sql`name_key`, by: [sql`name_key`, sql`id`], place: sql`${from}, ${id}` }),
    updatedAt: () => ({
      key: sql`(extract(epoch from updated_at) * 1000000)::bigint`,
      by: [sql`updated_at`, sql`id`],
      place: sql`'epoch'::timestamptz + ${from}::float8 * interval '1 microsecond', ${id}`,
    }),
  }
  const { key, by, place } = orders[sortKey.parse(sort.replace('-', ''))]()
  const list = (parts: typeof by) => parts.flatMap((part, i) => (i === 0 ? part : [sql`,`, part]))
  // The page first, from an index alone; then its rows.
  const rows = await sql<(CountRow & { key: string | number })[]>`select * from (
      select id, row_number() over () as place, key from (
        select id, ${key} as key from count_info
        where deleted_at is null and ${countFilter(sql, filter)}
          ${after ? sql`and (${list(by)}) ${beyond} (${place})` : sql``}
        order by ${list(by.map((part) => sql`${part} ${direction}`))} limit ${limit}) ordered) page
    join count_info using (id) where deleted_at is null order by place`
  return rows.map(({ key, ...row }) => ({ info: infoOf(row), position: [sort, key, row.id] }))
}
