import type { Sql } from './postgres.ts'

export interface ListQuery {
  prefix?: string
  tag?: string
  /** The last id of the page before. */
  after?: string
  limit: number
}

/** Ids are of `a-z 0-9 . _ : -`: everything with a prefix sorts below the prefix and `{`, the next character. */
const end = '{'

/** Ids with a prefix lie in [from, to). */
interface Range {
  from: string
  to: string
}

/** The ranges of ids that both the query and the caller's prefixes allow, in order and without overlap. */
export function rangesOf(
  { prefix = '' }: Pick<ListQuery, 'prefix'>,
  allowed: readonly string[] | null,
): Range[] {
  const prefixes = (allowed ?? ['']).flatMap((one) => {
    if (one.startsWith(prefix)) return [one]
    return prefix.startsWith(one) ? [prefix] : []
  })
  const sorted = [...new Set(prefixes)].sort()
  const apart = sorted.filter((one, i) => !sorted.slice(0, i).some((shorter) => one.startsWith(shorter)))
  return apart.map((from) => ({ from, to: from + end }))
}

/** The statement of a page of live ids, and its parameters. Each range is a scan of an index of its own (CA-017). */
export function pageStatement(
  query: ListQuery,
  ranges: readonly Range[],
): { text: string; values: (string | number)[] } {
  const values: (string | number)[] = []
  const put = (value: string | number) => `$${values.push(value)}`
  const limit = put(query.limit)
  const tag = query.tag === undefined ? '' : ` and tags @> array[${put(query.tag)}::text]`
  const after = query.after ?? ''
  const scans = ranges
    .filter(({ to }) => to > after)
    .map(({ from, to }) => {
      const start = after >= from ? `id > ${put(after)}` : `id >= ${put(from)}`
      return `(select id from count_info where ${start} and id < ${put(to)}${tag} and deleted_at is null order by id limit ${limit})`
    })
  if (scans.length === 0) return { text: 'select null::text as id limit 0', values: [] }
  const text =
    scans.length === 1 ? (scans[0] as string) : `${scans.join(' union all ')} order by id limit ${limit}`
  return { text, values }
}

/**
 * One page of live ids in order.
 *
 * @param allowed Prefixes that the caller may see; null for all
 */
export async function listIds(
  sql: Sql,
  query: ListQuery,
  allowed: readonly string[] | null,
): Promise<string[]> {
  const { text, values } = pageStatement(query, rangesOf(query, allowed))
  // Planned anew each time, for these very values: a generic plan guesses how rare a tag is.
  const rows = await sql.unsafe<{ id: string }[]>(text, values, { prepare: false })
  return rows.map(({ id }) => id)
}
