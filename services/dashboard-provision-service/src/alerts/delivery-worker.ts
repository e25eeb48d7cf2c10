import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type { Sql } from '@count/core/postgres'
import type { Logger } from 'pino'
import type { Attempt, WebhookSender } from './webhook-sender.ts'

interface Claimed {
  id: string
  body: string
  attempts: number
  url: string
  secrets: string[]
}

export interface DeliveryWorker {
  /** There is something to send: do not wait for the next look. */
  wake(): void
  /** Takes nothing more, gives what is under way two seconds, and leaves the rest to others. */
  close(): Promise<void>
}

const pollMs = 1000
const atOnce = 8
/** Over the time that an attempt may take: then its process is gone, and another one tries. */
const claimS = 30
const closingMs = 2000

/** About three days: 5 s, 10 s, 20 s … at most six hours apart. */
const maxAttempts = 24
const firstRetryS = 5
const longestRetryS = 6 * 3600

/** Seconds until the next attempt: twice as long each time, half of it by chance, so that what failed together parts. */
export function retryDelayS(attempts: number, retryAfter: number, chance = Math.random()): number {
  const step = Math.min(firstRetryS * 2 ** (attempts - 1), longestRetryS)
  return Math.max(step * (0.5 + chance / 2), Math.min(retryAfter, longestRetryS))
}

/**
 * Sends what is in the outbox of webhooks: a rule's in order, each until it is delivered or given up. Any number of processes may;
 * a delivery is claimed by one at a time. One whose process dies while it sends is sent again, under the same webhook-id.
 */
export function startDeliveryWorker({
  sql,
  sender,
  log,
}: {
  sql: Sql
  sender: WebhookSender
  log: Logger
}): DeliveryWorker {
  const claim = randomUUID()
  const stop = new AbortController()
  const underWay = new Set<Promise<void>>()
  let closed = false
  let wake = Promise.withResolvers<void>()

  async function take(): Promise<Claimed[]> {
    return await sql<Claimed[]>`
      with due as (
        select id from alert_delivery d where status = 'pending' and next_at <= now() and not exists (
          select from alert_delivery before where before.rule = d.rule and before.status = 'pending' and before.n < d.n)
        order by next_at limit ${atOnce - underWay.size} for update skip locked)
      update alert_delivery d set claim = ${claim}, attempts = attempts + 1, next_at = now() + ${claimS} * interval '1 second'
      from due, alert_rule r where d.id = due.id and r.id = d.rule
      returning d.id, d.body, d.attempts, r.url,
        array_remove(array[r.secret, case when r.previous_until > now() then r.previous_secret end], null) as secrets`
  }

  async function settle(
    { id, attempts }: Claimed,
    { delivered, status, error, retryAfter }: Attempt,
  ): Promise<void> {
    // 410: the receiver wants no more of them.
    const dead = !delivered && (attempts >= maxAttempts || status === 410)
    await sql`update alert_delivery set claim = null, response_status = ${status}, error = ${error},
      ${
        delivered || dead
          ? sql`status = ${dead ? 'dead' : 'delivered'}, finished_at = now()`
          : sql`next_at = now() + ${retryDelayS(attempts, retryAfter)} * interval '1 second'`
      } where id = ${id} and claim = ${claim} and status = 'pending'`
  }

  async function deliver(delivery: Claimed): Promise<void> {
    const attempt = await sender.send(delivery, stop.signal)
    if (stop.signal.aborted && !attempt.delivered) {
      await sql`update alert_delivery set claim = null, attempts = attempts - 1, next_at = now()
        where id = ${delivery.id} and claim = ${claim} and status = 'pending'`
      return
    }
    await settle(delivery, attempt)
  }

  function begin(delivery: Claimed): void {
    const sending = deliver(delivery)
      .catch((error: unknown) =>
        log.warn({ reason: String(error), delivery: delivery.id }, 'a webhook waits'),
      )
      .finally(() => {
        underWay.delete(sending)
        wake.resolve()
      })
    underWay.add(sending)
  }

  async function work(): Promise<void> {
    while (!closed) {
      wake = Promise.withResolvers()
      try {
        if (underWay.size < atOnce) for (const delivery of await take()) begin(delivery)
      } catch (error) {
        log.debug({ reason: String(error) }, 'webhooks wait')
      }
      await Promise.race([wake.promise, delay(pollMs, undefined, { ref: false })])
    }
  }
  const working = work()

  return {
    wake: () => wake.resolve(),
    async close() {
      closed = true
      wake.resolve()
      await working
      await Promise.race([Promise.all(underWay), delay(closingMs, undefined, { ref: false })])
      stop.abort()
      await Promise.all(underWay)
    },
  }
}
