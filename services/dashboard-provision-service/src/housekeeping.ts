import { setTimeout as delay } from 'node:timers/promises'
import { within } from '@count/core/away'
import type { Sql } from '@count/core/postgres'
import type { Logger } from 'pino'

const everyMs = 3_600_000

/** Removes what nobody asks for any more: the trash and expired links after 30 days, deliveries after 90, history after a year. */
export async function clean(sql: Sql): Promise<void> {
  await sql`delete from dashboard where deleted_at < now() - interval '30 days'`
  await sql`delete from share_link where expires_at < now() - interval '30 days'`
  await sql`delete from alert_delivery where finished_at < now() - interval '90 days'`
  await sql`delete from alert_transition t where at < now() - interval '1 year' and not exists (
    select from alert_delivery d where d.transition = t.n and d.status = 'pending')`
}

/** Does the above each hour. Every process may: repeating it changes nothing. */
export function startHousekeeping({ sql, log }: { sql: Sql; log: Logger }) {
  const closing = new AbortController()
  const { signal } = closing

  async function work(): Promise<void> {
    while (!signal.aborted) {
      await within(60_000, 'DashboardConfigDB', clean(sql)).catch((error: unknown) =>
        log.debug({ reason: String(error) }, 'housekeeping waits'),
      )
      await delay(everyMs, undefined, { signal, ref: false }).catch(() => undefined)
    }
  }
  const working = work()
  return {
    async close() {
      closing.abort()
      await working
    },
  }
}
