import { createHash, randomBytes } from 'node:crypto'
import { type Answer, parsed } from '@count/core/answer'
import type { SharedDashboard } from '@count/core/dashboards'
import type { Sql } from '@count/core/postgres'
import { problem } from '@count/core/problem'
import { countChange } from './change-counter.ts'
import { noDashboard } from './dashboard-manager.ts'
import { type DashboardRow, dashboardOf, liveDashboard } from './dashboard-rows.ts'
import { randomId } from './random-id.ts'
import { type ShareView, shareCreation } from './schemas.ts'

interface ShareRow {
  id: string
  name: string
  frame_ancestors: string[]
  expires_at: Date | null
  expired: boolean | null
  created_at: Date
  created_by: string
}

/** What a good token opens. */
export interface Opened {
  dashboard: SharedDashboard
  frameAncestors: string[]
}

export type Shares = ReturnType<typeof createShares>

const maxShares = 100
const tokenPattern = /^sh_[A-Za-z0-9_-]{43}$/

/** SHA-256 of a token, as it is stored. */
export const hashToken = (token: string): Buffer => createHash('sha256').update(token).digest()

/**
 * Links that show one dashboard to whoever has them. A token is 256 random bits, shown once and kept as a hash.
 * @param publicSql pool of look-ups by token: strangers cause them, and must not keep administrators waiting
 */
export function createShares({
  sql,
  publicSql,
  publicUrl = '',
}: {
  sql: Sql
  publicSql: Sql
  publicUrl?: string | undefined
}) {
  /** @param given of the shape of shareCreation */
  async function create(
    dashboard: string,
    given: unknown,
    user: string,
  ): Promise<Answer<ShareView & { token: string; url: string }>> {
    const checked = parsed(shareCreation, given)
    if (!checked.ok) return checked
    const input = checked.value
    if (input.expiresAt && Date.parse(input.expiresAt) <= Date.now()) {
      const errors = [{ path: 'expiresAt', message: 'must lie in the future' }]
      return { ok: false, problem: problem('invalid-request', { errors }) }
    }
    const token = `sh_${randomBytes(32).toString('base64url')}`
    return await sql.begin(async (tx): Promise<Answer<ShareView & { token: string; url: string }>> => {
      if (!(await liveDashboard(tx, dashboard, true))) return noDashboard
      const [links] = await tx<
        [{ n: number }]
      >`select count(*) as n from share_link where dashboard = ${dashboard}`
      if (links.n >= maxShares)
        return {
          ok: false,
          problem: problem('conflict', { detail: `A dashboard has ${maxShares} links at most` }),
        }
      const [row] = await tx<[ShareRow]>`insert into share_link ${tx({
        id: randomId(),
        dashboard,
        name: input.name,
        token_hash: hashToken(token),
        frame_ancestors: [...new Set(input.frameAncestors)],
        expires_at: input.expiresAt,
        created_by: user,
      })} returning *, false as expired`
      await countChange(tx, 'dashboards')
      return { ok: true, value: { ...viewOf(row), token, url: `${publicUrl}/dashboards/share/${token}` } }
    })
  }

  async function list(dashboard: string): Promise<Answer<{ items: ShareView[] }>> {
    if (!(await liveDashboard(sql, dashboard))) return noDashboard
    const rows = await sql<ShareRow[]>`select *, expires_at <= now() as expired from share_link
      where dashboard = ${dashboard} order by created_at, id`
    return { ok: true, value: { items: rows.map(viewOf) } }
  }

  /** From now on the link shows nothing; streams that it opened end in two seconds. */
  async function revoke(dashboard: string, id: string): Promise<Answer<undefined>> {
    return await sql.begin(async (tx): Promise<Answer<undefined>> => {
      const [row] =
        await tx`delete from share_link where dashboard = ${dashboard} and id = ${id} returning id`
      if (!row) return { ok: false, problem: problem('not-found', { detail: 'No such link' }) }
      await countChange(tx, 'dashboards')
      return { ok: true, value: undefined }
    })
  }

  /** What the token's link shows now; undefined for one that is forged, expired or revoked, or whose dashboard is in the trash. */
  async function open(token: string): Promise<Opened | undefined> {
    if (!tokenPattern.test(token)) return undefined
    const [row] = await publicSql<(DashboardRow & { frame_ancestors: string[] })[]>`
      select d.*, s.frame_ancestors from share_link s join dashboard d on d.id = s.dashboard and d.deleted_at is null
      where s.token_hash = ${hashToken(token)} and (s.expires_at is null or s.expires_at > now())`
    if (!row) return undefined
    const { createdBy, updatedBy, ...dashboard } = dashboardOf(row)
    return { dashboard, frameAncestors: row.frame_ancestors }
  }

  return { create, list, revoke, open }
}

const viewOf = (row: ShareRow): ShareView => ({
  id: row.id,
  name: row.name,
  expiresAt: row.expires_at?.toISOString() ?? null,
  expired: row.expired ?? false,
  frameAncestors: row.frame_ancestors,
  createdAt: row.created_at.toISOString(),
  createdBy: row.created_by,
})
