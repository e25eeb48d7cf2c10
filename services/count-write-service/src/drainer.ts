import { randomBytes } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
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
  /** Pause between two claims of a shard, in ms: what comes meanwhile is one net change. */
  pauseMs: number
  /** How long this drainer may be silent before another takes over, in ms. */
  leaseMs?: number
  chunk?: number
  ack: 'local' | 'replica'
  log: Logger
}

/** Progress of one queue over all shards. */
export interface DrainerState {
  /** Entries drained since the start. */
  drained: number
  /** Since when (ms since 1970) the present claim of some shard fails to be drained; undefined while all is well. */
  failingSince: number | undefined
}

export type Drainer = ReturnType<typeof openDrainer>

/**
 * Drains one queue of every shard: claims it under a lease, hands it over in chunks, acknowledges. What is not acknowledged
 * comes again, identical, here or at another process; a drainer that slept past its lease acknowledges nothing.
 */
export function openDrainer(options: DrainerOptions) {
  const { store, pauseMs, leaseMs = 5000, chunk = 500, log } = options
  const drainer = randomBytes(12).toString('base64url')
  const stopping = new AbortController()
  const wake = new Map<number, () => void>()
  const poked = new Set<number>()
  const failing = new Map<number, number>()
  const state = { drained: 0 }

  /** Waits `ms`, at most `pauseMs` once poked. */
  async function rest(shard: number, ms: number): Promise<void> {
    if (!poked.delete(shard) && !stopping.signal.aborted) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, ms)
        wake.set(shard, () => {
          clearTimeout(timer)
          resolve()
        })
      })
      wake.delete(shard)
      poked.delete(shard)
    }
    await delay(pauseMs, undefined, { signal: stopping.signal }).catch(() => {})
  }

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
    let drained = 0
    for await (const entries of chunks(epoch, claimed)) {
      if (drained > 0) {
        const [word] = (await callScript(
          epoch.redis,
          'queue_renew',
          [lease],
          [drainer, number, leaseMs],
        )) as [string]
        if (word !== 'renewed') return true
      }
      await options.handle(shard, entries, epoch)
      drained += entries.length
    }
    const [word] = (await callScript(epoch.redis, 'queue_ack', [claimed, lease], [drainer, number])) as [
      string,
    ]
    if (word !== 'acknowledged')
      log.warn({ queue: options.name, shard }, 'another drainer took over meanwhile')
    state.drained += drained
    return true
  }

  async function loop(shard: number): Promise<void> {
    let failures = 0
    while (!stopping.signal.aborted) {
      try {
        await drain(shard)
        failures = 0
        failing.delete(shard)
        await rest(shard, 2 * pauseMs)
      } catch (error) {
        failures++
        if (!failing.has(shard)) failing.set(shard, Date.now())
        if (failures === 1 || failures % 60 === 0) {
          log.warn({ queue: options.name, shard, reason: (error as Error).message }, 'the queue waits')
        }
        await delay(Math.min(50 * 2 ** failures, 1000), undefined, { signal: stopping.signal }).catch(
          () => {},
        )
      }
    }
  }

  let loops: Promise<void>[] = []
  return {
    start() {
      loops = Array.from({ length: store.shards }, (_, shard) => loop(shard))
    },
    /** Something was queued on this shard: drain it after one pause instead of at the next look. */
    poke(shard: number) {
      const waker = wake.get(shard)
      if (waker) waker()
      else poked.add(shard)
    },
    state: (): DrainerState => ({
      drained: state.drained,
      failingSince: failing.size > 0 ? Math.min(...failing.values()) : undefined,
    }),
    /** Stops the loops, then drains once more what is queued now, for `withinMs` at most; the rest is kept in the store. */
    async close(withinMs = 3000) {
      stopping.abort()
      for (const waker of wake.values()) waker()
      const last = Promise.all(loops).then(() =>
        Promise.allSettled(Array.from({ length: store.shards }, (_, shard) => drain(shard))),
      )
      await Promise.race([last, delay(withinMs, undefined, { ref: false })])
    },
  }
}
