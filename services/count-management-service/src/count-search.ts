import type { Fragment, Sql } from '@count/core/postgres'
import { type CountInfo, countId } from '@count/core/schemas'
import { z } from 'zod'
import { bitsOf, blockCounts, featureOfStatus, featureOfTag, featuresOfTerm } from './count-blocks.ts'
import { type CountFilter, type CountRow, countFilter, infoOf, soughtOf } from './count-rows.ts'
import type { CountQuery } from './schemas.ts'

const sortKey = z.enum(['id', 'name', 'updatedAt'])

/** What a page of counts goes by: the last row's key in the order asked for (microseconds since 1970 of updatedAt), and its id. */
export const countPosition = z.union([
  z.tuple([z.enum(['id', '-id']), z.literal(''), countId]),
  z.tuple([z.enum(['name', '-name']), z.string(), countId]),
  z.tuple([z.enum(['updatedAt', '-updatedAt']), z.int(), countId]),
])
export type CountPosition = z.output<typeof countPosition>

type Row = CountRow & { key: string | number }

/** Of a term: enough to tell blocks apart, and few enough for the statements of all terms to be few. */
const mostFeatures = 8
/** More than there are. */
const mostBlocks = 2 ** 31 - 1

const listed = (sql: Sql, parts: Fragment[], by: Fragment = sql`,`) =>
  parts.flatMap((part, n) => (n === 0 ? part : [by, part]))

/** An order of counts, from a position on, as SQL has it. */
function orderOf(sql: Sql, sort: CountQuery['sort'], after: CountPosition | undefined) {
  const [, from, id] = after ?? [sort, '', '']
  const column = sortKey.parse(sort.replace('-', ''))
  const descends = sort.startsWith('-')
  const direction = descends ? sql`desc` : sql`asc`
  const instant = sql`'epoch'::timestamptz + ${from}::float8 * interval '1 microsecond'`
  // The key as a cursor carries it; what the index is in the order of, and the place in it; the key of that place in blocks.
  const { key, by, low, high, place, at } = {
    id: () => ({
      key: sql`''`,
      by: [sql`id`],
      low: sql`low_id`,
      high: sql`high_id`,
      place: sql`${id}`,
      at: sql`'-infinity', '', ${id}`,
    }),
    name: () => ({
      key: sql`name_key`,
      by: [sql`name_key`, sql`id`],
      low: sql`low_name, low_id`,
      high: sql`high_name, high_id`,
      place: sql`${from}, ${id}`,
      at: sql`'-infinity', ${from}, ${id}`,
    }),
    updatedAt: () => ({
      key: sql`(extract(epoch from updated_at) * 1000000)::bigint`,
      by: [sql`updated_at`, sql`id`],
      low: sql`low_at, low_id`,
      high: sql`high_at, high_id`,
      place: sql`${instant}, ${id}`,
      at: sql`${instant}, '', ${id}`,
    }),
  }[column]()
  const columns = sql`(${listed(sql, by)})`
  const directed = (...parts: Fragment[]) =>
    listed(
      sql,
      parts.map((part) => sql`${part} ${direction}`),
    )
  return {
    key,
    /** Rows after the position. */
    beyond: after ? sql`and ${columns} ${descends ? sql`<` : sql`>`} (${place})` : sql``,
    within: sql`and ${columns} >= (${low}) and ${columns} < (${high})`,
    /** Blocks of this order that reach beyond the position. */
    blocks: sql`sort = ${column} ${
      after
        ? descends
          ? sql`and (low_at, low_name, low_id) < (${at})`
          : sql`and (low_at, low_name, low_id) >= (select low_at, low_name, low_id from count_block where sort = ${column}
              and (low_at, low_name, low_id) <= (${at}) order by low_at desc, low_name desc, low_id desc limit 1)`
        : sql``
    }`,
    rows: directed(...by),
    keys: directed(sql`key`, sql`id`),
    lows: directed(sql`low_at`, sql`low_name`, sql`low_id`),
  }
}

/** How many live counts there are, and how many of them are sought: as the planner estimates it. */
async function estimate(sql: Sql, filter: CountFilter): Promise<{ all: number; some: number }> {
  const [row] = await sql<[{ 'QUERY PLAN': [{ Plan: { Plans: { 'Plan Rows': number }[] } }] }]>`
    explain (format json) select from count_info where deleted_at is null
    union all select from count_info where deleted_at is null and ${countFilter(sql, filter)}`
  const [all, some] = row['QUERY PLAN'][0].Plan.Plans.map((plan) => plan['Plan Rows'])
  return { all: all ?? 0, some: some ?? 0 }
}

/**
 * Live counts in the order asked for, from a position on; `limit` of them at most, each with its own position.
 *
 * Few are found by the indexes of what is sought, and sorted. Many are met soon in the order's own index, of which blocks
 * that lack what is sought are left out. How much of it is read is bounded: it may be that many counts have each of two
 * things, and hardly one has both.
 */
export async function searchCounts(
  sql: Sql,
  { sort, limit, ...filter }: Omit<CountQuery, 'cursor'>,
  after: CountPosition | undefined,
): Promise<{ info: CountInfo; position: CountPosition }[]> {
  const order = orderOf(sql, sort, after)
  const sought = soughtOf(filter.q)
  const counts = (inOrder: boolean) => sql`select id, ${order.key} as key from count_info
    where deleted_at is null and ${countFilter(sql, filter, inOrder)} ${order.beyond}`
  const inOrder = sql`order by ${order.rows} limit ${limit}`

  /** Ids and keys first, from an index alone; then the rows. */
  const page = (found: Fragment) => sql<Row[]>`select page.key, count_info.*
    from (select id, key, row_number() over () as place from (${found}) ordered) page
    join count_info using (id) where deleted_at is null order by place`

  const sorted = () =>
    page(
      sql`with found as materialized (${counts(false)}) select * from found order by ${order.keys} limit ${limit}`,
    )

  /** Undefined where the counts of as many blocks as that did not fill the page. */
  async function fromBlocks(blocks: number, features: number[]): Promise<Row[] | undefined> {
    const bits = features.flatMap(bitsOf).map((bit) => sql`get_bit(signature, ${bit}) = 1`)
    // The planner makes no guess at a CASE, and reads blocks in their order until there are enough.
    const has = sql`case when ${listed(sql, bits, sql`and`)} then true end`
    const rows = await sql<(Row & { complete: boolean })[]>`
      with block as materialized (
        select low_at, low_name, low_id, high_at, high_name, high_id from count_block
        where ${order.blocks} and (signature is null or ${has}) order by ${order.lows} limit ${blocks}),
      met as materialized (
        select met.* from block cross join lateral (${counts(true)} ${order.within} ${inOrder}) met limit ${limit}),
      written as (
        select written.* from (select distinct id from count_unsigned) noted
        cross join lateral (${counts(true)} and id = noted.id) written),
      page as (
        select id, key, row_number() over (order by ${order.keys}) as place
        from (select * from met union select * from written) found order by place limit ${limit})
      select complete, page.key, count_info.* from (
        select (select count(*) from met) = ${limit} or (select count(*) from block) < ${blocks} as complete) reached
      left join page on true left join count_info on count_info.id = page.id and deleted_at is null order by place`
    return rows[0]?.complete ? rows.filter(({ id }) => id !== null) : undefined
  }

  async function find(): Promise<Row[]> {
    const ofTerm = sought ? featuresOfTerm(sought.text) : []
    const apart = Math.ceil(ofTerm.length / mostFeatures)
    const features = [
      ...ofTerm.filter((_, n) => n % apart === 0),
      ...(filter.tag === undefined ? [] : [featureOfTag(filter.tag)]),
      ...(filter.status === undefined ? [] : [featureOfStatus(filter.status)]),
    ]
    if (features.length === 0) return await page(sql`${counts(true)} ${inOrder}`)
    if (sought && !sought.indexed) return (await fromBlocks(mostBlocks, features)) ?? []
    const { all, some } = await estimate(sql, filter)
    // A page is met within all / some × limit counts: more are read than are sorted where that exceeds `some`.
    const balance = Math.sqrt(all * limit)
    if (some < balance) return await sorted()
    return (await fromBlocks(Math.ceil((2 * balance) / blockCounts), features)) ?? (await sorted())
  }

  return (await find()).map(({ key, ...row }) => ({
    info: infoOf(row),
    position: countPosition.parse([sort, key, row.id]),
  }))
}
