import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Cluster, Redis } from 'ioredis'
import type { Logger } from 'pino'
import type { Guards } from './access.ts'
import { type ApiKey, allows, allowsId, type KeyAuthenticator } from './api-keys.ts'
import { within } from './away.ts'
import { refuse } from './http.ts'
import { problem } from './problem.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** The caller's key, on routes of access `key`. */
    apiKey: ApiKey | null
  }
}

/** Counts a key's requests of the current second; true while it may go on. */
export type RateLimiter = (id: string, limit: number) => Promise<boolean>

/** The cache has this long to count before the process counts alone, for `aloneMs`. */
const countMs = 50
const aloneMs = 1000

/** Limits requests a second by key, counted in the cache for all processes together; by process while that is away. */
export function createRateLimiter(cache: Redis | Cluster): RateLimiter {
  let second = 0
  let aloneUntil = 0
  const own = new Map<string, number>()
  return async (id, limit) => {
    const now = Date.now()
    if (second !== Math.floor(now / 1000)) {
      second = Math.floor(now / 1000)
      own.clear()
    }
    const count = (own.get(id) ?? 0) + 1
    own.set(id, count)
    if (count > limit) return false
    if (now < aloneUntil) return true
    try {
      const key = `rate:${id}:${second}`
      const [result] =
        (await within(countMs, 'the cache', cache.pipeline().incr(key).pexpire(key, 2000).exec())) ?? []
      if (!result || result[0]) throw result?.[0] ?? new Error('no answer')
      return Number(result[1]) <= limit
    } catch {
      aloneUntil = Date.now() + aloneMs
      return true
    }
  }
}

/** Cache hash of when each key was last used: key id → ms since 1970. Management copies it to CountInfoDB and clears it. */
export const keyUses = 'api-keys:used'

/** Tells the cache each half minute which keys were used. What cannot be told is told again. */
export function reportKeyUses(
  authenticator: KeyAuthenticator,
  cache: Redis | Cluster,
  log: Logger,
): { close(): Promise<void> } {
  const waiting = new Map<string, number>()
  const tell = async () => {
    for (const [id, at] of authenticator.takeUses()) waiting.set(id, at)
    if (waiting.size === 0) return
    const told = [...waiting]
    try {
      await within(1000, 'the cache', cache.hset(keyUses, new Map(told)))
      for (const [id, at] of told) if (waiting.get(id) === at) waiting.delete(id)
    } catch (err) {
      log.debug({ err }, 'key uses not told')
    }
  }
  const timer = setInterval(() => void tell(), 30_000)
  return {
    async close() {
      clearInterval(timer)
      await tell()
    },
  }
}

/** Whether a path's `:id`, if it has one, is within the key's prefixes. */
const mayName = (key: ApiKey, params: unknown): boolean =>
  key.prefixes === null ||
  typeof params !== 'object' ||
  params === null ||
  !('id' in params) ||
  allowsId(key, String(params.id))

/**
 * Guard of routes for external services: 401, then 403 (scope; an `:id` outside the key's prefixes), then 429. A key seen
 * before costs one look-up in a map. Sets `request.apiKey`.
 */
export function keyAccess(
  authenticator: KeyAuthenticator,
  limiter?: RateLimiter,
): NonNullable<Guards['key']> {
  return ({ scope }) => {
    /** True when the request may go on at once, false when it was answered, else a promise of that. */
    const admit = (key: ApiKey, request: FastifyRequest, reply: FastifyReply): boolean | Promise<boolean> => {
      if (!allows(key, scope) || !mayName(key, request.params)) {
        refuse(reply, problem('forbidden'))
        return false
      }
      request.apiKey = key
      if (key.rateLimit === null || !limiter) return true
      return limiter(key.id, key.rateLimit).then((within) => {
        if (!within) refuse(reply, problem('too-many-requests'))
        return within
      })
    }
    return (request, reply, done) => {
      const header = request.raw.headers.authorization
      const seen = authenticator.peek(header)
      const admitted = seen
        ? admit(seen, request, reply)
        : authenticator.authenticate(header).then((outcome) => {
            if (outcome.ok) return admit(outcome.key, request, reply)
            refuse(
              reply,
              problem(outcome.problem),
              outcome.problem === 'unauthorized' ? { 'www-authenticate': 'Bearer' } : {},
            )
            return false
          })
      if (admitted === true) done()
      else if (admitted) admitted.then((go) => go && done(), done)
    }
  }
}
