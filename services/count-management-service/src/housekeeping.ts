import { setTimeout as delay } from 'node:timers/promises'
import { within } from '@count/core/away'
import type { CountCache } from '@count/core/count-cache'
import { keyUses } from '@count/core/key-access'
import type { Sql } from '@count/core/postgres'
import type { Logger } from 'pino'
import { foldTags } from './tags.ts'

const everyMs = 60_000
const cleanEvery = 60

/** Copies from the cache when each API key was last used; a reader of CountInfoDB cannot write it down itself. */
export async function copyKeyUses(sql: Sql, cache: CountCache): Promise<void> {
  const uses = await cache.ask(keyUses, (redis) => redis.hgetall(keyUses))
  const entries = Object.entries(uses ?? {}).filter(
    ([id, at]) => /^[0-9a-f]{16}$/.test(id) && /^\d{1,15}$/.test(at),
  )
  if (entries.length === 0) return
  await sql`update api_key k set last_used_at = greatest(k.last_used_at, to_timestamp(u.at / 1000.0))
    from unnest(${entries.map(([id]) => id)}::text[], ${entries.map(([, at]) => Number(at))}::bigint[]) as u(id, at)
    where k.id = u.id and k.last_used_at is distinct from greatest(k.last_used_at, to_timestamp(u.at / 1000.0))`
}

/** Removes what nobody asks for any more: the trash after 30 days, events that went a week ago, ended sessions. */
export async function clean(sql: Sql): Promise<void> {
  await sql`delete from count_info where deleted_at < now() - interval '30 days'`
  await sql`delete from lifecycle_outbox where done_at < now() - interval '7 days'`
  await sql`delete from session where expires_at < now() - interval '1 day'`
  await sql`delete from login_attempt where at < now() - interval '1 day' and blocked_until < now()`
}

/** Does the above each minute and each hour. Every process may: repeating it changes nothing. */
export function startHousekeeping({ sql, cache, log }: { sql: Sql; cache: CountCache; log: Logger }) {
  const closing = new AbortController()
  const { signal } = closing

  async function work(): Promise<void> {
    for (let round = 0; !signal.aborted; round++) {
      try {
        await within(everyMs, 'CountInfoDB', copyKeyUses(sql, cache))
        await within(everyMs, 'CountInfoDB', foldTags(sql))
        if (round % cleanEvery === 0) await within(everyMs, 'CountInfoDB', clean(sql))
      } catch (error) {
        log.debug({ reason: String(error) }, 'housekeeping waits')
      }
      await delay(everyMs, undefined, { signal }).catch(() => undefined)
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
