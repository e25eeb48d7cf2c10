import type { Sql } from '@count/core/postgres'
import { z } from 'zod'
import { patternOf } from './count-rows.ts'
import { pageOf, positionOf } from './page-cursor.ts'
import type { TagQuery } from './schemas.ts'

const position = z.tuple([z.int(), z.string()])

/** Tags of live counts with how many bear each, the most used first. */
export async function listTags(sql: Sql, { q, cursor, limit }: TagQuery) {
  const after = positionOf(cursor, position)
  if (!after.ok) return after
  const [counts, tag] = after.value ?? []
  const term = q?.trim().toLowerCase() ?? ''
  const rows = await sql<{ tag: string; counts: number }[]>`
    select tag collate "C" as tag, count(*) as counts from count_info, unnest(tags) as tag where deleted_at is null
      ${term === '' ? sql`` : sql`and lower(tag) like ${patternOf(term)}`}
    group by 1
    ${after.value ? sql`having count(*) < ${counts ?? 0} or (count(*) = ${counts ?? 0} and tag collate "C" > ${tag ?? ''})` : sql``}
    order by 2 desc, 1 limit ${limit + 1}`
  return pageOf(
    rows,
    limit,
    (row) => row,
    (row) => [row.counts, row.tag],
  )
}
