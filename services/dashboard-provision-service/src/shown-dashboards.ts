import type { InternalDashboards } from '@count/core/dashboards'
import type { Sql } from '@count/core/postgres'
import { changesOf } from './change-counter.ts'
import { type DashboardRow, dashboardOf } from './dashboard-rows.ts'

export type ShownDashboards = ReturnType<typeof createShownDashboards>

/** What dashboard-update-service shows: configurations by id and by share link, asked for each second. */
export function createShownDashboards(sql: Sql) {
  return {
    /** A word that changes with any dashboard or link, and when a link expires. */
    async tag(): Promise<string> {
      const changes = await changesOf(sql, 'dashboards')
      const [next] = await sql<
        [{ at: Date | null }]
      >`select min(expires_at) as at from share_link where expires_at > now()`
      return `${changes}.${next.at?.getTime() ?? 0}`
    },

    /** @param hashes of tokens, SHA-256 in hex */
    async read(ids: string[], hashes: string[]): Promise<InternalDashboards> {
      const shares = await sql<{ hash: string; dashboard: string; expires_at: Date | null }[]>`
        select encode(s.token_hash, 'hex') as hash, s.dashboard, s.expires_at
        from share_link s join dashboard d on d.id = s.dashboard and d.deleted_at is null
        where s.token_hash in (select decode(hash, 'hex') from unnest(${hashes}::text[]) as hash)
          and (s.expires_at is null or s.expires_at > now())`
      const wanted = [...new Set([...ids, ...shares.map((share) => share.dashboard)])]
      const rows = await sql<
        DashboardRow[]
      >`select * from dashboard where id = any(${wanted}) and deleted_at is null`
      return {
        dashboards: rows.map(dashboardOf),
        shares: shares.map(({ expires_at, ...share }) => ({
          ...share,
          expiresAt: expires_at?.toISOString() ?? null,
        })),
      }
    },
  }
}
