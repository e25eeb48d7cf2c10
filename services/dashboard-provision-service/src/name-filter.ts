import type { Sql } from '@count/core/postgres'

/** What a search by part of a name asks of column `search`; nothing for a blank one. */
export function nameFilter(sql: Sql, q: string | undefined) {
  const term = q?.trim().toLowerCase() ?? ''
  if (term === '') return sql``
  // Below three characters there is no trigram: the index would be read whole, which the planner does not know.
  const column = [...term].length < 3 ? sql`(search || '')` : sql`search`
  return sql`and ${column} like ${`%${term.replace(/[\\%_]/g, '\\$&')}%`}`
}
