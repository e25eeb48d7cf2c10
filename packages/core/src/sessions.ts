import { createPublicKey, type KeyObject, sign, timingSafeEqual, verify } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type { FastifyRequest } from 'fastify'
import type { Logger } from 'pino'
import { z } from 'zod'
import type { Guards, Role } from './access.ts'
import { refuse } from './http.ts'
import { problem } from './problem.ts'
import type { ServiceContext } from './service.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Who is signed in, on routes of access `session`. */
    session?: SessionClaims
  }
}

export const role = z.enum(['viewer', 'editor', 'admin'])

/** What a session's token says: session, user, role, CSRF token, and when it ends, in s since 1970. */
export const sessionClaims = z.object({
  sid: z.string(),
  user: z.string(),
  role,
  csrf: z.string(),
  exp: z.int(),
})

/** What management tells about sessions (GET /internal/sessions): its key (SPKI, base64), and which ended early. */
export const sessionList = z.object({ publicKey: z.base64(), revoked: z.array(z.string()) })

export type SessionClaims = z.infer<typeof sessionClaims>
export type SessionList = z.infer<typeof sessionList>

/** The token `<claims>.<Ed25519 signature>`, both base64url. */
export function signSession(privateKey: KeyObject, claims: SessionClaims): string {
  const body = Buffer.from(JSON.stringify(claims)).toString('base64url')
  return `${body}.${sign(null, Buffer.from(body), privateKey).toString('base64url')}`
}

/** The claims of a token that is genuine, not expired and not revoked. */
export function verifySession(
  publicKey: KeyObject,
  token: string,
  revoked: ReadonlySet<string>,
  now = Date.now(),
): SessionClaims | undefined {
  const [body, signature, ...rest] = token.split('.')
  if (!body || !signature || rest.length > 0) return undefined
  if (!verify(null, Buffer.from(body), publicKey, Buffer.from(signature, 'base64url'))) return undefined
  const claims = sessionClaims.safeParse(JSON.parse(Buffer.from(body, 'base64url').toString())).data
  return claims && claims.exp * 1000 > now && !revoked.has(claims.sid) ? claims : undefined
}

export interface SessionVerifier {
  /** Claims of a good token; `unavailable` before management was heard of for the first time. */
  verify(token: string): SessionClaims | undefined | 'unavailable'
  /** Whether verified claims are still good: for what lasts longer than a request. */
  holds(claims: SessionClaims): boolean
  /** Ends a session in this process at once; the others learn of it with their next list. */
  revoke(sid: string): void
  /** Whether the last list came. */
  healthy(): boolean
  close(): Promise<void>
}

const pollMs = 1000
/** Until the list came for the first time: all-in-one, management opens beside those who ask. */
const firstPollMs = 50
/** Failures in a row that are told: until it listens, a process cannot ask itself. */
const tellAfter = 20
const fetchMs = 2000

/**
 * Verifies sessions by management's key and list of revoked ones, read each second; while management is away the last
 * list stands. Resolves after the first attempt to read it.
 */
export async function openSessionVerifier(
  read: () => Promise<SessionList>,
  log: Logger,
): Promise<SessionVerifier> {
  const closing = new AbortController()
  let publicKey: KeyObject | undefined
  let revoked = new Set<string>()
  let early = new Set<string>()
  let healthy = true
  let failures = 0

  async function refresh(): Promise<void> {
    try {
      const before = new Set(early)
      const list = await read()
      publicKey = createPublicKey({ key: Buffer.from(list.publicKey, 'base64'), format: 'der', type: 'spki' })
      revoked = new Set(list.revoked)
      // What was revoked here before this list was asked for is in it.
      early = early.difference(before)
      failures = 0
      healthy = true
    } catch (error) {
      failures++
      if (failures === tellAfter) log.warn({ reason: String(error) }, 'sessions cannot be asked for')
      healthy = false
    }
  }

  async function poll(): Promise<void> {
    while (!closing.signal.aborted) {
      await delay(publicKey ? pollMs : firstPollMs, undefined, { signal: closing.signal }).catch(
        () => undefined,
      )
      if (!closing.signal.aborted) await refresh()
    }
  }

  await refresh()
  const polling = poll()
  return {
    verify(token) {
      if (!publicKey) return 'unavailable'
      const claims = verifySession(publicKey, token, revoked)
      return claims && early.has(claims.sid) ? undefined : claims
    },
    holds: ({ sid, exp }) => exp * 1000 > Date.now() && !revoked.has(sid) && !early.has(sid),
    revoke: (sid) => void early.add(sid),
    healthy: () => healthy,
    async close() {
      closing.abort()
      await polling
    },
  }
}

/** Reads the list from management, for the services that are not management. */
export function fetchSessions(
  { fetch }: Pick<ServiceContext, 'fetch'>,
  config: { MANAGEMENT_URL: string; SERVICE_TOKEN: string },
): () => Promise<SessionList> {
  return async () => {
    const response = await fetch(`${config.MANAGEMENT_URL}/internal/sessions`, {
      headers: { authorization: `Bearer ${config.SERVICE_TOKEN}` },
      signal: AbortSignal.timeout(fetchMs),
    })
    if (!response.ok) throw new Error(`management answered ${response.status}`)
    return sessionList.parse(await response.json())
  }
}

/** Where the API is reached: decides about the cookie's flags and whose pages may call it. */
export interface Site {
  /** TLS at this process or, as PUBLIC_URL says, before it. */
  secure: boolean
  origin?: string | undefined
}

export function siteOf(config: { PUBLIC_URL?: string | undefined; TLS_CERT?: string | undefined }): Site {
  const origin = config.PUBLIC_URL && new URL(config.PUBLIC_URL).origin
  return { secure: config.TLS_CERT !== undefined || origin?.startsWith('https:') === true, origin }
}

/** The session's cookie; browsers take the prefixed one only over TLS, from this host, for every path. */
export const cookieName = (site: Site): string => (site.secure ? '__Host-count_session' : 'count_session')

/** A Set-Cookie for the session; `maxAge` in s, 0 to remove it. */
export const sessionCookie = (site: Site, token: string, maxAge: number): string =>
  `${cookieName(site)}=${token}; Max-Age=${maxAge}; Path=/; HttpOnly; SameSite=Strict${site.secure ? '; Secure' : ''}`

function readCookie(header: string | undefined, name: string): string | undefined {
  const start = `${name}=`
  return header
    ?.split(/; */)
    .find((cookie) => cookie.startsWith(start))
    ?.slice(start.length)
}

/** Whether a page that sent this may call us: one of our own, or no page at all. */
export function ownOrigin(request: FastifyRequest, site: Site): boolean {
  const { origin, host } = request.headers
  if (origin === undefined || origin === site.origin) return true
  const page = URL.parse(origin)
  // TLS may end before us, so the scheme says nothing; parsing takes a default port away on both sides.
  return page !== null && page.host !== '' && page.host === URL.parse(`${page.protocol}//${host}`)?.host
}

const same = (a: string, b: string) =>
  a.length === b.length && timingSafeEqual(Buffer.from(a, 'latin1'), Buffer.from(b, 'latin1'))
const ranks: Record<Role, number> = { viewer: 0, editor: 1, admin: 2 }

/**
 * Guard of routes for administrators: 401 without a session; 403 for a role below the route's, and for a mutation from a
 * foreign page or without the session's CSRF token in X-CSRF-Token. Sets `request.session`.
 */
export function sessionAccess(verifier: SessionVerifier, site: Site): NonNullable<Guards['session']> {
  const name = cookieName(site)
  return ({ role }) =>
    (request, reply, done) => {
      const token = readCookie(request.headers.cookie, name)
      const claims = token === undefined ? undefined : verifier.verify(token)
      if (claims === 'unavailable') return void refuse(reply, problem('unavailable'))
      if (!claims) return void refuse(reply, problem('unauthorized'))
      const detail =
        ranks[claims.role] < ranks[role] ? `The role ${role} is needed` : forgery(request, claims, site)
      if (detail) return void refuse(reply, problem('forbidden', { detail }))
      request.session = claims
      done()
    }
}

function forgery(request: FastifyRequest, claims: SessionClaims, site: Site): string | undefined {
  if (request.method === 'GET' || request.method === 'HEAD') return undefined
  if (!ownOrigin(request, site)) return 'The request comes from a foreign page'
  const given = request.headers['x-csrf-token']
  return typeof given === 'string' && same(given, claims.csrf)
    ? undefined
    : 'X-CSRF-Token is missing or wrong'
}
