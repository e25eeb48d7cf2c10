import { Cluster, type Redis } from 'ioredis'
import type { Logger } from 'pino'
import { isAway } from './away.ts'
import { type Breaker, openBreaker } from './breaker.ts'
import { crc16 } from './crc16.ts'
import { cacheKeys } from './keys.ts'
import { connectRedis } from './redis.ts'
import { takeParameter, trustIn } from './store-tls.ts'

export interface CacheConnectOptions {
  /** Shown by CLIENT LIST. */
  name: string
  /** The longest that anyone waits for the cache. */
  timeoutMs: number
  log: Logger
}

/** The way to one server of the cache: when that is away, only the counts it holds are read without it. */
export interface Lane {
  redis: Redis | Cluster
  breaker: Breaker
}

/** Items whose counts lie on one server. */
export interface LaneItems<T> {
  lane: Lane
  items: T[]
}

export interface CacheConnection {
  /** On a Cluster, a script call may name one count only. */
  cluster: boolean
  laneOf(id: string): Lane
  /** Items by server; within a lane their order is kept. */
  split<T>(items: readonly T[], idOf: (item: T) => string): LaneItems<T>[]
  /** Whether every server that was asked answers. */
  healthy(): boolean
  close(): void
}

/** A server that answers with an error is there, unless the error says that it is not yet. */
const answered = (error: unknown) => error instanceof Error && error.name === 'ReplyError' && !isAway(error)

/**
 * Connects to the cache: one Redis server, or a Redis Cluster when several hosts are named (CA-708A). Returns at once;
 * while the cache is not there, calls reject.
 */
export function connectCache(urls: string, options: CacheConnectOptions): CacheConnection {
  const nodes = urls.split(',').map((url) => url.trim().replace(/^(?!\w+:\/\/)/, 'redis://'))
  return nodes.length > 1 ? connectCluster(nodes, options) : connectSingle(nodes[0] as string, options)
}

const breakerOf = (options: CacheConnectOptions, probe: () => Promise<unknown>) =>
  openBreaker({ ...options, probe, isAway: (error) => !answered(error) })

function connectSingle(url: string, options: CacheConnectOptions): CacheConnection {
  const { name, log } = options
  const redis = connectRedis(url, { name, log, socketTimeoutMs: 1000 })
  // GET, not PING: a server that is still loading answers PING.
  const lane = { redis, breaker: breakerOf(options, () => redis.get(cacheKeys('').result)) }
  return {
    cluster: false,
    laneOf: () => lane,
    split: (items) => (items.length > 0 ? [{ lane, items: [...items] }] : []),
    healthy: () => redis.status === 'ready' && lane.breaker.closed(),
    close() {
      lane.breaker.close()
      redis.disconnect()
    },
  }
}

function connectCluster(urls: string[], options: CacheConnectOptions): CacheConnection {
  const { name, log } = options
  const { username, password, protocol } = new URL(urls[0] as string)
  const [, ca] = takeParameter(urls[0] as string, 'ca')
  const nodes = urls.map((url) => takeParameter(url, 'ca')[0])
  const cluster = new Cluster(nodes, {
    enableOfflineQueue: false,
    maxRedirections: 2,
    retryDelayOnFailover: 10,
    retryDelayOnClusterDown: 10,
    retryDelayOnTryAgain: 10,
    slotsRefreshTimeout: 1000,
    slotsRefreshInterval: 1000,
    clusterRetryStrategy: (times) => Math.min(20 * 2 ** Math.min(times, 5), 500),
    redisOptions: {
      protocol: 2,
      connectionName: name,
      username: decodeURIComponent(username) || undefined,
      password: decodeURIComponent(password) || undefined,
      tls: ca === undefined ? (protocol === 'rediss:' ? {} : undefined) : trustIn(ca),
      connectTimeout: 2000,
      socketTimeout: 1000,
      autoResendUnfulfilledCommands: false,
      maxRetriesPerRequest: 0,
    },
  })
  cluster.on('error', (error: Error) => log.debug({ store: name, error }, 'cache cluster'))
  cluster.on('node error', (error: Error) => log.debug({ store: name, error }, 'cache node'))
  const lanes = new Map<string, Lane>()

  /** Slots with the same primary and replicas share a lane, as ioredis lets them share a pipeline. */
  function laneOf(id: string): Lane {
    const nodes = (cluster.slots[crc16(`c:${id}`) % 16384] ?? []).join()
    let lane = lanes.get(nodes)
    if (!lane) {
      // Asked by its slot, so that whichever node serves it by then may answer.
      lane = {
        redis: cluster,
        breaker: breakerOf({ ...options, name: `${name} ${nodes}` }, () => cluster.get(cacheKeys(id).result)),
      }
      lanes.set(nodes, lane)
    }
    return lane
  }

  return {
    cluster: true,
    laneOf,
    split(items, idOf) {
      const groups = new Map<Lane, (typeof items)[number][]>()
      for (const item of items) {
        const lane = laneOf(idOf(item))
        const group = groups.get(lane)
        if (group) group.push(item)
        else groups.set(lane, [item])
      }
      return Array.from(groups, ([lane, items]) => ({ lane, items }))
    },
    healthy: () => cluster.status === 'ready' && [...lanes.values()].every((lane) => lane.breaker.closed()),
    close() {
      for (const lane of lanes.values()) lane.breaker.close()
      cluster.disconnect()
    },
  }
}
