import type { Sql } from '@count/core/postgres'

/** A record as the archive keeps it; `status` is a letter, as in the store. */
export interface ArchivedRecord {
  id: string
  created: number
  shard: number
  value: number
  version: number
  as_of: number
  revision: number
  status: string
  min: number | null
  max: number | null
  removed: boolean
}

/** The change of one count in one hour (since 1970, UTC) or local day (since 1970-01-01). */
export interface ArchivedBucket {
  id: string
  created: number
  bucket: number
  delta: number
  as_of: number
}

export interface Batch {
  records: ArchivedRecord[]
  hours: ArchivedBucket[]
  days: ArchivedBucket[]
}

export type Archive = ReturnType<typeof openArchive>

/** CountValueDB's archive in PostgreSQL: what write-behind stores and recovery reads. */
export function openArchive(sql: Sql) {
  /** Stores a batch, each row only over an older reading of it: repeating changes nothing. */
  async function store({ records, hours, days }: Batch): Promise<void> {
    await sql.begin((tx) => [
      tx`
        insert into count_record
        select id, created, shard, value, version, as_of, revision, status, min, max, removed
        from jsonb_to_recordset(${tx.json(records as never)}) as row(
          id text, created int8, shard int, value int8, version int8, as_of int8, revision int8, status text,
          min int8, max int8, removed bool)
        order by id, created
        on conflict (id, created) do update set
          shard = excluded.shard, value = excluded.value, version = excluded.version, as_of = excluded.as_of,
          revision = excluded.revision, status = excluded.status, min = excluded.min, max = excluded.max,
          removed = excluded.removed
        where excluded.as_of > count_record.as_of`,
      ...(['history_hour', 'history_day'] as const).map(
        (table) => tx`
          insert into ${tx(table)}
          select id, created, bucket, delta, as_of
          from jsonb_to_recordset(${tx.json((table === 'history_hour' ? hours : days) as never)}) as row(
            id text, created int8, bucket int, delta int8, as_of int8)
          order by id, created, bucket
          on conflict (id, created, bucket) do update set delta = excluded.delta, as_of = excluded.as_of
          where excluded.as_of > ${tx(table)}.as_of`,
      ),
    ])
  }

  /** The latest reading of a shard; 0 when there is none. */
  async function highest(shard: number): Promise<number> {
    const [row] = await sql<{ as_of: number | null }[]>`
      select max(as_of) as as_of from count_record where shard = ${shard}`
    return row?.as_of ?? 0
  }

  /** Records of a shard read after `clock`, in the order of their reading, `size` at a time. */
  async function* above(shard: number, clock: number, size: number): AsyncGenerator<ArchivedRecord[]> {
    let last = { as_of: clock, id: '', created: Number.MAX_SAFE_INTEGER }
    for (;;) {
      const rows: ArchivedRecord[] = await sql<ArchivedRecord[]>`
        select * from count_record
        where shard = ${shard} and (as_of, id, created) > (${last.as_of}, ${last.id}, ${last.created})
        order by as_of, id, created limit ${size}`
      if (rows.length === 0) return
      yield rows
      last = rows.at(-1) as ArchivedRecord
    }
  }

  /** Hours and days of some records, from the given buckets on. */
  async function history(records: readonly ArchivedRecord[], from: { hour: number; day: number }) {
    const lives = sql.json(records.map(({ id, created }) => ({ id, created })))
    const read = (table: string, bucket: number) => sql<ArchivedBucket[]>`
      select h.* from jsonb_to_recordset(${lives}) as life(id text, created int8)
      join ${sql(table)} h using (id, created) where h.bucket >= ${bucket} order by h.bucket`
    const [hours, days] = await Promise.all([read('history_hour', from.hour), read('history_day', from.day)])
    return { hours, days }
  }

  /** Drops what lies before the given buckets. */
  async function forget(before: { hour: number; day: number }): Promise<void> {
    await sql`delete from history_hour where bucket < ${before.hour}`
    await sql`delete from history_day where bucket < ${before.day}`
  }

  /** What the deployment was set up with, as first recorded; undefined before the first start. */
  async function deployment(): Promise<{ shards: number; zone: string } | undefined> {
    const [row] = await sql<{ shards: number; zone: string }[]>`select shards, zone from deployment`
    return row
  }

  async function recordDeployment({ shards, zone }: { shards: number; zone: string }): Promise<void> {
    await sql`insert into deployment (shards, zone) values (${shards}, ${zone}) on conflict do nothing`
  }

  return { store, highest, above, history, forget, deployment, recordDeployment }
}
