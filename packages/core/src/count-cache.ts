import { setTimeout as delay } from 'node:timers/promises'
import type { Logger } from 'pino'
import type { Registry } from 'prom-client'
import { connectCache, type Lane } from './cache-connection.ts'
import { type Change, openInvalidation } from './cache-invalidation.ts'
import { counterOf } from './counters.ts'
import { cacheKeys } from './keys.ts'
import { type CountInfo, countInfo } from './schemas.ts'
import { callScript } from './scripts.ts'
import { gather } from './turn.ts'

/** A whole answer as the cache keeps it: `tag` is `<version>.<revision>`, `json` a CountView ready to send. */
export interface CachedResult {
  tag: string
  json: string
}

/** What the cache holds of one count; times are the cache's, in ms. */
export interface CacheEntry {
  /** When the cache was asked: goes back with the fill. */
  looked: number
  info?: { info: CountInfo; readAt: number }
  value?: { version: number; created: number; value: number; readAt: number }
  /** Revision below which an info is out of date; 0 for none known. */
  infoFence: number
  /** Version below which a value is out of date; 0 for none known. */
  valueFence: number
}

/** What was read of one count, to be kept. */
export interface Fill {
  id: string
  looked: number
  /** `json` only when the info was read from CountInfoDB, not from here. */
  info: { revision: number; readAt: number; json?: string }
  /** `stored` only when the value was read from the value store, not from here. */
  value?: { version: number; readAt: number; stored?: { created: number; value: number } }
  /** The answer that info and value make. */
  result?: string
}

export type CountCache = Awaited<ReturnType<typeof openCache>>

/** Counts in one script call: a few ms of the cache's time. */
const chunk = 250

/**
 * Opens the cache of counts (CA-007, CA-013, CA-014, CA-015): one Redis server, or a Cluster (CA-708A) when `urls` names
 * several, comma-separated. No call rejects or takes longer than `timeoutMs`: while the cache is away, everything is a miss.
 * Waits up to a second for the cache to be there.
 */
export async function openCache(
  urls: string,
  { log, metrics, name = 'count-cache', timeoutMs = 50 }: CacheOptions,
) {
  const connection = connectCache(urls, { name, timeoutMs, log })
  const invalidation = openInvalidation(connection, { log, metrics })
  const lookups = counterOf(metrics, 'count_cache_lookups_total', 'Counts looked for in the cache', [
    'level',
    'outcome',
  ])
  const seen = {
    result: levelOf('result'),
    info: levelOf('info'),
    value: levelOf('value'),
  }
  function levelOf(level: string) {
    const hit = lookups.labels(level, 'hit')
    const miss = lookups.labels(level, 'miss')
    return (hits: number, of: number) => {
      hit.inc(hits)
      miss.inc(of - hits)
    }
  }

  /** The third level first (CA-015): whole answers, in the order of `ids`, in one round trip. */
  async function results(ids: readonly string[]): Promise<(CachedResult | undefined)[]> {
    const found: (CachedResult | undefined)[] = new Array(ids.length)
    let hits = 0
    const lanes = connection.split([...ids.keys()], (place) => ids[place] as string)
    await Promise.all(
      lanes.map(async ({ lane, items: places }) => {
        const keys = places.map((place) => cacheKeys(ids[place] as string).result)
        const texts = await lane.breaker.run(() => getAll(lane, keys)).catch(() => [])
        for (let i = 0; i < texts.length; i++) {
          const text = texts[i]
          if (!text) continue
          const space = text.indexOf(' ')
          found[places[i] as number] = { tag: text.slice(0, space), json: text.slice(space + 1) }
          hits++
        }
      }),
    )
    seen.result(hits, ids.length)
    return found
  }

  /** Infos and values with their fences (CA-013, CA-014); undefined for a count whose server is away. */
  async function entries(ids: readonly string[]): Promise<Map<string, CacheEntry>> {
    const found = new Map<string, CacheEntry>()
    await Promise.all(
      calls(ids, (id) => id).map(async ({ lane, items }) => {
        const keys = items.flatMap((id) => [cacheKeys(id).info, cacheKeys(id).value])
        const reply = await lane.breaker
          .run(() => callScript(lane.redis, 'cache_read', keys, []))
          .catch(() => undefined)
        if (!Array.isArray(reply)) return
        items.forEach((id, i) => {
          found.set(id, entryOf(reply[0], reply[2 * i + 1], reply[2 * i + 2]))
        })
      }),
    )
    let infos = 0
    let values = 0
    for (const entry of found.values()) {
      if (entry.info) infos++
      if (entry.value) values++
    }
    seen.info(infos, ids.length)
    seen.value(values, ids.length)
    return found
  }

  /** On one server a script takes many counts, on a Cluster one. */
  function calls<T>(items: readonly T[], idOf: (item: T) => string): { lane: Lane; items: T[] }[] {
    return connection.split(items, idOf).flatMap(({ lane, items }) => {
      const size = connection.cluster ? 1 : chunk
      return Array.from({ length: Math.ceil(items.length / size) }, (_, i) => ({
        lane,
        items: items.slice(i * size, (i + 1) * size),
      }))
    })
  }

  const fill = gather<Fill>((fills) => {
    for (const { lane, items } of calls(fills, (fill) => fill.id)) {
      const keys = items.flatMap(({ id }) => Object.values(cacheKeys(id)))
      lane.breaker
        .run(() => callScript(lane.redis, 'cache_fill', keys, items.flatMap(fillArgs)))
        .catch((error: unknown) => log.debug({ error }, 'the cache was not filled'))
    }
  })

  for (let waited = 0; waited < 1000 && !connection.healthy(); waited += 20) await delay(20)

  return {
    results,
    entries,
    /** Keeps what was read, unless something newer is known; in the background, with all others of this turn. */
    fill,
    /**
     * Tells the cache that counts have changed: with `version` when the value has, with `revision` when the info has.
     * Resolves when the cache knows, or after `timeoutMs`; what it could not be told is repeated in the background for a minute.
     */
    invalidate: (changes: readonly Change[]): Promise<void> => invalidation.invalidate(changes),
    /** Runs a call of another kind on the server that holds `id`, within the same time; undefined when that is away. */
    ask: <T>(id: string, call: (redis: Lane['redis']) => Promise<T>): Promise<T | undefined> => {
      const lane = connection.laneOf(id)
      return lane.breaker.run(() => call(lane.redis)).catch(() => undefined)
    },
    /** The connection itself, for parts that bound and guard their own calls. */
    redis: connection.laneOf('').redis,
    healthy: () => connection.healthy(),
    close() {
      invalidation.close()
      connection.close()
    },
  }
}

export interface CacheOptions {
  log: Logger
  metrics: Registry
  /** Shown by CLIENT LIST. */
  name?: string
  /** The longest that a call takes; default 50. */
  timeoutMs?: number
}

async function getAll({ redis }: Lane, keys: string[]): Promise<(string | null)[]> {
  if (!redis.isCluster) return redis.mget(keys)
  const pipeline = redis.pipeline()
  for (const key of keys) pipeline.get(key)
  const replies = (await pipeline.exec()) ?? []
  return replies.map(([error, text]) => {
    if (error) throw error
    return typeof text === 'string' ? text : null
  })
}

function entryOf(now: unknown, info: unknown, value: unknown): CacheEntry {
  const [revision, readAt, json, fence] = Array.isArray(info) ? info : []
  const known = typeof json === 'string' ? parseInfo(json) : undefined
  const [version = 0, created, amount, valueReadAt] =
    typeof value === 'string' ? value.split(' ').map(Number) : []
  return {
    looked: Number(now),
    info: known && { info: known, readAt: Number(readAt) },
    infoFence: Math.max(Number(revision ?? 0), Number(fence ?? 0)),
    value:
      created !== undefined && amount !== undefined && valueReadAt !== undefined
        ? { version, created, value: amount, readAt: valueReadAt }
        : undefined,
    valueFence: version,
  }
}

/** Another release may have written another shape: that is a miss. */
function parseInfo(json: string): CountInfo | undefined {
  return countInfo.safeParse(JSON.parse(json)).data
}

function fillArgs({ looked, info, value, result = '' }: Fill): (string | number)[] {
  const { created = '', value: amount = '' } = value?.stored ?? {}
  return [
    looked,
    info.revision,
    info.readAt,
    info.json ?? '',
    value?.version ?? 0,
    value?.readAt ?? looked,
    created,
    amount,
    result,
  ]
}
