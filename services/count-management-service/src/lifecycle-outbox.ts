import { setTimeout as delay } from 'node:timers/promises'
import { isAway } from '@count/core/away'
import type { EventBus } from '@count/core/event-bus'
import { type Lifecycle, lifecycleEvent } from '@count/core/events'
import type { Sql } from '@count/core/postgres'
import type { CountInfo } from '@count/core/schemas'
import { StoreUnavailable } from '@count/core/value-store'
import type { Logger } from 'pino'
import { byIndex } from './bulk/jobs.ts'
import type { LifecycleSteps } from './lifecycle.ts'

export interface OutboxParts {
  sql: Sql
  lifecycle: LifecycleSteps
  bus: EventBus
  log: Logger
}

const source = 'count-management-service'
/** With the grace: what a process left half-way when it died reaches its record within a second. */
const pollMs = 250
/** A change is its request's, or its job's, that long; and longer, while that holds its row. */
const graceMs = 500
const maxScripts = 1000
const maxEvents = 500

interface Row {
  revision: number
  kind: Lifecycle
  info: CountInfo
  value: number
  version: number
}

/**
 * The outbox worker: brings changes whose request did not get that far to their records, and every applied change to the
 * event bus, at least once and in order per count. Any number of processes may run one: rows are taken with SKIP LOCKED.
 */
export function startOutbox({ sql, lifecycle, bus, log }: OutboxParts) {
  let wake = Promise.withResolvers<void>()
  let closed = false

  /** Changes that have not reached their record. One that fails holds up no other, a shard that is away no other shard. */
  async function settleAll(): Promise<void> {
    const rows = await sql<{ revision: number; id: string }[]>`select revision, id from lifecycle_outbox
      where outcome is null and at < now() - ${graceMs} * interval '1 ms' order by revision limit ${maxScripts}
      for update skip locked`
    const away = new Set<number>()
    for (const { revision, id } of rows) {
      if (away.has(lifecycle.shardOf(id))) continue
      try {
        await lifecycle.settle(revision, false)
      } catch (error) {
        if (error instanceof StoreUnavailable) away.add(lifecycle.shardOf(id))
        else if (isAway(error)) throw error
        else log.error({ error, id, revision }, 'a lifecycle change does not reach its record')
      }
    }
  }

  /** One batch of events: of each count the oldest, so that order holds. Returns how many went. */
  async function publishSome(): Promise<number> {
    return await sql.begin(async (tx) => {
      await byIndex(tx)
      const rows = await tx<Row[]>`select revision, kind, info, value, version from lifecycle_outbox o
        where outcome = 'applied' and done_at is null and not exists (
          select from lifecycle_outbox before
          where before.id = o.id and before.revision < o.revision and before.done_at is null)
        order by revision limit ${maxEvents} for update skip locked`
      if (rows.length === 0) return 0
      await bus.publish(
        rows.map(({ kind, info, value, version }) => lifecycleEvent(source, kind, info, { value, version })),
      )
      await tx`update lifecycle_outbox set done_at = now() where revision = any(${rows.map((row) => row.revision)})`
      return rows.length
    })
  }

  async function work(): Promise<void> {
    while (!closed) {
      wake = Promise.withResolvers()
      try {
        await settleAll()
        // Rows stay locked while their events go: not for as long as a bus takes to be found away.
        while (!closed && bus.healthy() && (await publishSome()) > 0);
      } catch (error) {
        log.debug({ reason: String(error) }, 'lifecycle changes wait')
      }
      await Promise.race([wake.promise, delay(pollMs, undefined, { ref: false })])
    }
  }
  const working = work()

  return {
    /** There is something to publish: do not wait for the next look. */
    wake: () => wake.resolve(),
    /** Ends after the round in hand. */
    async close() {
      closed = true
      wake.resolve()
      await working
    },
  }
}
