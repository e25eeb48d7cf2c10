import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type { Redis } from 'ioredis'
import type { Logger } from 'pino'
import type { EventBus, EventHandler, SubscribeOptions, Subscription } from './event-bus.ts'
import { parseEvent } from './events.ts'
import { deploymentKeys } from './keys.ts'
import { untilReady } from './redis.ts'
import { callScript } from './scripts.ts'
import { openSendQueue } from './send-queue.ts'

/** Events that the stream keeps, give or take a node of a hundred. */
export const streamLength = 100_000

const readCount = 500
/** How long a read waits for the next event; also how late a close or a free lease is noticed, in ms. */
const blockMs = 500
const leaseMs = 30_000
const retryMs = 500

type Entry = [id: string, fields: string[] | null]

/** Where the stream is: on the value store, and in a Cluster on the node that serves its slot now. Nothing is closed here. */
export interface StreamHome {
  primary(): Redis
  /** After a call that failed: asks anew where that is. */
  refresh(): Promise<void>
}

interface Options {
  stream: StreamHome
  log: Logger
  name?: string
}

/**
 * The event bus without Kafka: one Redis Stream. Entries are as durable as the store's AOF makes them before it answers.
 *
 *     {s0}:events                 stream  one field, `event`: a CloudEvent; cut at 100,000
 *     {s0}:events:reader:<group>   string  who reads for the group; expires
 */
export function openRedisBus({ stream, log, name = deploymentKeys.events }: Options): EventBus {
  const closing = new AbortController()
  const subscriptions = new Set<Subscription>()

  const queue = openSendQueue(async (messages) => {
    const events = messages.map(({ value }) => value)
    await callScript(stream.primary(), 'events_append', [name], [streamLength, ...events]).catch(
      async (error: unknown) => {
        await stream.refresh()
        throw error
      },
    )
  })

  async function subscribe(options: SubscribeOptions, handler: EventHandler): Promise<Subscription> {
    const stop = new AbortController()
    const signal = AbortSignal.any([stop.signal, closing.signal])
    let connection: Redis | undefined
    /** Its own connection: a blocking read holds up whatever comes behind it. */
    const connected = (): Redis => {
      if (connection) return connection
      connection = stream.primary().duplicate({ connectionName: `${name}:reader`, lazyConnect: false })
      connection.on('error', (error: Error) => log.debug({ reason: error.message }, 'event stream away'))
      return connection
    }
    const source = options.group ? groupReader(connected, options.group, options) : soleReader(connected)
    const standing = Promise.withResolvers<void>()

    const run = async () => {
      let started = false
      while (!signal.aborted) {
        try {
          await untilReady(connected(), blockMs)
          if (!started) await source.start()
          started = true
          standing.resolve()
          const entries = await source.next()
          if (entries.length === 0 || signal.aborted) continue
          // An entry that was cut off while its reader was away has no fields any more.
          const events = entries
            .map(([, fields]) => parseEvent(fields?.[1]))
            .filter((event) => event !== undefined)
          if (events.length < entries.length)
            log.warn({ stream: name }, 'entries that are no events were left out')
          if (events.length > 0) await handler(events)
          await source.done(entries)
        } catch (error) {
          if (signal.aborted) break
          started = false
          log.warn({ stream: name, error }, 'reading events failed, trying again')
          connection?.disconnect()
          connection = undefined
          await stream.refresh()
          await delay(retryMs, undefined, { signal }).catch(() => undefined)
        }
      }
      standing.resolve()
    }
    const running = run()
    const subscription = {
      async close() {
        stop.abort()
        subscriptions.delete(subscription)
        await running
        await source.release().catch(() => undefined)
        connection?.disconnect()
      },
    }
    subscriptions.add(subscription)
    await standing.promise
    return subscription
  }

  /** Reads on from where the stream ended at the first start; the place is kept here, so a reconnect misses nothing. */
  function soleReader(connected: () => Redis) {
    let last: string | undefined
    return {
      async start() {
        if (last !== undefined) return
        const [newest] = await connected().xrevrange(name, '+', '-', 'COUNT', 1)
        last = newest?.[0] ?? '0-0'
      },
      async next(): Promise<Entry[]> {
        const reply = await connected().xread(
          'COUNT',
          readCount,
          'BLOCK',
          blockMs,
          'STREAMS',
          name,
          last ?? '$',
        )
        return (reply?.[0]?.[1] ?? []) as Entry[]
      },
      async done(entries: Entry[]) {
        last = entries.at(-1)?.[0]
      },
      async release() {},
    }
  }

  /**
   * One member of a group reads at a time, under a lease, or two would hand on events of one count in parallel. All read
   * as one consumer, so whoever comes next gets first what its predecessor did not finish.
   */
  function groupReader(connected: () => Redis, group: string, { from = 'latest' }: SubscribeOptions) {
    const lease = `${name}:reader:${group}`
    const self = randomUUID()
    /** Whether entries may be left that were read and not finished. */
    let pending = true

    /** Keeps the lease for `ms` more, 0 to give it up; false when it is another's. */
    async function keep(ms: number): Promise<boolean> {
      const connection = connected()
      await connection.watch(lease)
      if ((await connection.get(lease)) !== self) {
        await connection.unwatch()
        return false
      }
      return (await connection.multi().pexpire(lease, ms).exec()) !== null
    }

    async function leads(): Promise<boolean> {
      if (!(await connected().set(lease, self, 'PX', leaseMs, 'NX'))) return keep(leaseMs)
      pending = true
      return true
    }

    return {
      async start() {
        pending = true
        try {
          await connected().xgroup('CREATE', name, group, from === 'latest' ? '$' : '0', 'MKSTREAM')
        } catch (error) {
          if (!(error instanceof Error && error.message.startsWith('BUSYGROUP'))) throw error
        }
      },
      async next(): Promise<Entry[]> {
        if (!(await leads())) {
          await delay(blockMs)
          return []
        }
        const id = pending ? '0' : '>'
        const reply = (await connected().xreadgroup(
          'GROUP', group, 'reader', 'COUNT', readCount, 'BLOCK', blockMs, 'STREAMS', name, id,
        )) as [string, Entry[]][] | null // biome-ignore format: one command
        const entries = reply?.[0]?.[1] ?? []
        if (pending && entries.length === 0) pending = false
        return entries
      },
      async done(entries: Entry[]) {
        await connected().xack(name, group, ...entries.map(([id]) => id))
      },
      async release() {
        await keep(0)
      },
    }
  }

  return {
    publish: queue.publish,
    subscribe,
    healthy() {
      try {
        return stream.primary().status === 'ready'
      } catch {
        return false
      }
    },
    async close() {
      closing.abort()
      await queue.close()
      await Promise.all([...subscriptions].map((subscription) => subscription.close()))
    },
  }
}
