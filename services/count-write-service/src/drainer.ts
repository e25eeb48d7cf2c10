import { randomBytes } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { within } from '@count/core/away'
import type { QueueKeys, ShardKeys } from '@count/core/keys'
import { callScript } from '@count/core/scripts'
import { type Epoch, StoreUnavailable, type ValueStore } from '@count/core/value-store'
import type { Logger } from 'pino'

/** One entry of a queue: `<id> <created>` and what the script noted. */
export type Entry = readonly [field: string, text: string]

export interface DrainerOptions {
  name: string
  store: ValueStore
  queue: (keys: ShardKeys) => QueueKeys
  /** Takes a part of a claim; a rejection brings the whole claim again. */
  handle: (shard: number, entries: Entry[], epoch: Epoch) => Promise<void>
  /** Pause between two claims of a shard, in ms: what comes meanwhile is one net change. Unpoked it looks every third time. */
  pauseMs: number
  /** How long this drainer may be silent before another takes over, in ms. */
  leaseMs?: number
  chunk?: number
  ack: 'local' | 'replica'
  log: Logger
}

interface Shard {
  number: number
  poked: boolean
  /** When to look without being poked, in ms of performance.now(). */
  nextAt: number
  /** Until when it rests, poked or not. */
  restsUntil: number
  failures: number
  /** When its queue was last found empty or emptied, in ms of performance.now(). */
  drainedAt: number
  running: Promise<void> | undefined
}

/** What a frozen database or bus holds back is tried again after this long. */
const handleMs = 30_000

/**
 * A drain is followed by a rest of so many times its length, up to a limit: under load the requests come first, and what
 * changes meanwhile is drained as one net change.
 */
const restTimes = 2
const restAtMostMs = 200

export type Drainer = ReturnType<typeof openDrainer>

/**
 * Drains one queue of every shard: claims it under a lease, hands it over in chunks, acknowledges. What is not acknowledged
 * comes again, identical, here or at another process; a drainer that slept past its lease acknowledges nothing.
 */
export function openDrainer(options: DrainerOptions) {
  const { store, pauseMs, leaseMs = 5000, chunk = 500, log } = options
  const drainer = randomBytes(12).toString('base64url')
  const shards: Shard[] = Array.from({ length: store.shards }, (_, number) => ({
    number,
    poked: false,
    nextAt: 0,
    restsUntil: 0,
    failures: 0,
    drainedAt: performance.now(),
    running: undefined,
  }))
  let timer: NodeJS.Timeout | undefined

  async function* chunks(epoch: Epoch, key: string): AsyncGenerator<Entry[]> {
    const seen = new Set<string>()
    let cursor = '0'
    do {
      const [next, flat] = await epoch.redis.hscan(key, cursor, 'COUNT', chunk)
      const entries: Entry[] = []
      for (let i = 0; i < flat.length; i += 2) {
        const field = flat[i] as string
        if (!seen.has(field)) entries.push([field, flat[i + 1] as string])
        seen.add(field)
      }
      // A small hash comes whole, whatever the count asked for.
      for (let i = 0; i < entries.length; i += chunk) yield entries.slice(i, i + chunk)
      cursor = next
    } while (cursor !== '0')
  }

  /** Claims and drains once; false when there was nothing to do. */
  async function drain(shard: number): Promise<boolean> {
    const epoch = await store.epoch(shard, 'drain')
    const { queue, claimed, lease } = options.queue(store.keys(shard))
    const claim = (await callScript(
      epoch.redis,
      'queue_claim',
      [queue, claimed, lease],
      [drainer, leaseMs],
    )) as [string, string]
    if (claim[0] !== 'claimed') return false
    const [, number] = claim
    // A promotion that loses the claim would have the queue grow on what was already handed over.
    if (options.ack === 'replica' && (await epoch.redis.wait(1, 1000)) < 1)
      throw new StoreUnavailable('no replica has the claim yet')
    let taken = 0
    for await (const entries of chunks(epoch, claimed)) {
      if (taken > 0) {
        const [word] = (await callScript(
          epoch.redis,
          'queue_renew',
          [lease],
          [drainer, number, leaseMs],
        )) as [string]
        if (word !== 'renewed') return true
      }
      await within(handleMs, options.name, options.handle(shard, entries, epoch))
      taken += entries.length
    }
    const [word] = (await callScript(epoch.redis, 'queue_ack', [claimed, lease], [drainer, number])) as [
      string,
    ]
    if (word !== 'acknowledged')
      log.warn({ queue: options.name, shard }, 'another drainer took over meanwhile')
    return true
  }

  async function run(shard: Shard): Promise<void> {
    const began = performance.now()
    try {
      await drain(shard.number)
      const now = performance.now()
      shard.failures = 0
      shard.drainedAt = now
      shard.restsUntil = now + Math.min(restTimes * (now - began), restAtMostMs)
      shard.nextAt = now + 2 * pauseMs
    } catch (error) {
      shard.failures++
      shard.nextAt = performance.now() + Math.min(50 * 2 ** shard.failures, 1000)
      if (shard.failures === 1 || shard.failures % 60 === 0) {
        const reason = (error as Error).message
        log.warn({ queue: options.name, shard: shard.number, reason }, 'the queue waits')
      }
    }
    shard.running = undefined
  }

  /** Shards are drained in step, so that their calls share packets and fsyncs; a slow one holds no other up. */
  function tick(): void {
    const now = performance.now()
    for (const shard of shards) {
      const due = shard.nextAt <= now || (shard.poked && shard.failures === 0)
      if (shard.running || !due || shard.restsUntil > now) continue
      shard.poked = false
      shard.running = run(shard)
    }
  }

  return {
    start() {
      timer = setInterval(tick, pauseMs)
    },
    /** How long the queue of the shard that is worst off has not been emptied, in ms. */
    lagMs: () => performance.now() - Math.min(...shards.map((shard) => shard.drainedAt)),
    /** Something was queued on this shard: drain it at the next tick. */
    poke(shard: number) {
      ;(shards[shard] as Shard).poked = true
    },
    /** Drains once more what is queued now, for `withinMs` at most; the rest is kept in the store. */
    async close(withinMs = 2000) {
      clearInterval(timer)
      const last = Promise.allSettled(
        shards.map(async (shard) => {
          await shard.running
          await drain(shard.number)
        }),
      )
      await Promise.race([last, delay(withinMs, undefined, { ref: false })])
    },
  }
}
