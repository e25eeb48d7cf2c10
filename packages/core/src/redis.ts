import { Redis, type RedisOptions } from 'ioredis'
import type { Logger } from 'pino'
import { takeParameter, trustIn } from './store-tls.ts'

export interface ConnectOptions {
  /** Shown by CLIENT LIST. */
  name: string
  log: Logger
  /** How long a sent command may stay unanswered before the connection is given up, in ms. */
  socketTimeoutMs?: number
  options?: RedisOptions
}

/**
 * Connects to one Redis server. Commands are never sent twice and never queued while it is away: they reject at once, and
 * the caller, who knows whether a repetition is safe, decides. The client connects again by itself.
 * @param url `rediss://…` for TLS; its parameter `ca` is the path of the CA's PEM file, else Node's own CAs are asked
 */
export function connectRedis(
  url: string,
  { name, log, socketTimeoutMs = 2000, options }: ConnectOptions,
): Redis {
  const [address, ca] = takeParameter(url, 'ca')
  const redis = new Redis(address, {
    protocol: 2,
    connectionName: name,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    enableOfflineQueue: false,
    connectTimeout: 2000,
    socketTimeout: socketTimeoutMs,
    keepAlive: 10_000,
    retryStrategy: (times) => Math.min(20 * 2 ** Math.min(times, 5), 500),
    reconnectOnError: null,
    ...(ca === undefined ? {} : { tls: trustIn(ca) }),
    ...options,
  })
  redis.setMaxListeners(0) // every shard may wait for the same connection
  let away = false
  redis.on('error', (error: Error) => {
    if (!away) log.warn({ store: name, reason: error.message }, 'store away')
    away = true
  })
  redis.on('ready', () => {
    if (away) log.info({ store: name }, 'store back')
    away = false
  })
  return redis
}

/** Resolves when the connection can take commands; rejects after `waitMs`, or when it was closed for good. */
export function untilReady(redis: Redis, waitMs: number): Promise<void> {
  if (redis.status === 'ready') return Promise.resolve()
  return new Promise((resolve, reject) => {
    const done = (error?: Error) => {
      clearTimeout(timer)
      redis.off('ready', ready)
      redis.off('end', ended)
      if (error) reject(error)
      else resolve()
    }
    const ready = () => done()
    const ended = () => done(new Error('the connection is closed'))
    const timer = setTimeout(() => done(new Error('the store is away')), waitMs)
    redis.once('ready', ready)
    redis.once('end', ended)
  })
}
