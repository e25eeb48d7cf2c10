import { pageOf, positionOf } from '@count/core/page-cursor'
import type { Sql } from '@count/core/postgres'
import { z } from 'zod'
import { patternOf } from './count-rows.ts'
import type { TagQuery } from './schemas.ts'

const position = z.tuple([z.int(), z.string()])

/** Adds up what was noted of each tag since the last time. Any number of processes may, at once. */
export async function foldTags(sql: Sql): Promise<void> {
  await sql`with gone as (
      delete from count_tag where tag in (select tag from count_tag group by tag having count(*) > 1) returning tag, counts)
    insert into count_tag select tag, sum(counts) from gone group by tag having sum(counts) <> 0`
}

/** Tags of live counts with how many bear each, the most used first. Asks the table that counts them as they come and go. */
export async function listTags(sql: Sql, { q, cursor, limit }: TagQuery) {
  const after = positionOf(cursor, position)
  if (!after.ok) return after
  const [counts, tag] = after.value ?? []
  const term = q?.trim().toLowerCase() ?? ''
  const rows = await sql<{ tag: string; counts: number }[]>`
    select * from (
      select tag, sum(counts)::bigint as counts from count_tag
      ${term === '' ? sql`` : sql`where lower(tag collate "default") like ${patternOf(term)}`} group by tag) used
    where counts > 0 ${after.value ? sql`and (- counts, tag) > (${-(counts ?? 0)}, ${tag ?? ''})` : sql``}
    order by counts desc, tag limit ${limit + 1}`
  return pageOf(
    rows,
    limit,
    (row) => row,
    (row) => [row.counts, row.tag],
  )
}
