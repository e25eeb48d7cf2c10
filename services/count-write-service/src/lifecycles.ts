import type { Sql } from '@count/core/postgres'
import type { Status } from '@count/core/schemas'

/** What the value store needs to know of a count. */
export interface LatestInfo {
  id: string
  created: number
  revision: number
  status: Status
  min: number | null
  max: number | null
  initialValue: number
  deleted: boolean
}

export type Lifecycles = ReturnType<typeof openLifecycles>

/** CountInfoDB as recovery reads it: by shard and revision (CA-010). */
export function openLifecycles(sql: Sql, shards: number) {
  /** The latest state of the counts of a shard that changed after a revision, trash included, 500 at a time. */
  async function* since(shard: number, revision: number): AsyncGenerator<LatestInfo[]> {
    let last = revision
    for (;;) {
      const rows: LatestInfo[] = await sql<LatestInfo[]>`
        select id, created, revision, status, min, max, initial_value as "initialValue", deleted_at is not null as deleted
        from count_info where revision > ${last} and hash % ${shards} = ${shard} order by revision limit 500`
      if (rows.length === 0) return
      yield rows
      last = (rows.at(-1) as LatestInfo).revision
    }
  }

  return { since }
}
