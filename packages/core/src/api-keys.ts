import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { crc32 } from 'node:zlib'
import type { Logger } from 'pino'
import type { Scope } from './access.ts'
import { isAway, within } from './away.ts'
import type { Sql } from './postgres.ts'

/** What a verified key may do. `prefixes` null: every count; `rateLimit`: requests a second. */
export interface ApiKey {
  id: string
  name: string
  scopes: Scope[]
  prefixes: string[] | null
  expiresAt: Date | null
  rateLimit: number | null
}

/** SHA-256 of a key's secret: all that is stored of it. */
export const hashSecret = (secret: string): Buffer => createHash('sha256').update(secret).digest()

const checksum = (text: string) => crc32(text).toString(16).padStart(8, '0')

/**
 * A new key `ck_<id>_<secret>_<checksum>`: 64 random bits name it, 192 are its secret, and a CRC-32 of what comes before lets
 * scanners and typos be told without a store. With an `id` it is that key's next secret (rotation).
 */
export function createApiKey(id = randomBytes(8).toString('hex')): { id: string; key: string; hash: Buffer } {
  const secret = randomBytes(24).toString('hex')
  const body = `ck_${id}_${secret}`
  return { id, key: `${body}_${checksum(body)}`, hash: hashSecret(secret) }
}

/** The parts of a well-formed key; undefined for anything else. */
export function parseApiKey(text: string): { id: string; secret: string } | undefined {
  const [, body, id, secret, sum] = /^(ck_([0-9a-f]{16})_([0-9a-f]{48}))_([0-9a-f]{8})$/.exec(text) ?? []
  if (!body || !id || !secret || sum !== checksum(body)) return undefined
  return { id, secret }
}

export const allows = (key: ApiKey, scope: Scope): boolean => key.scopes.includes(scope)

/** Whether the key may name this count. */
export const allowsId = (key: ApiKey, id: string): boolean =>
  key.prefixes === null || key.prefixes.some((prefix) => id.startsWith(prefix))

export type KeyOutcome = { ok: true; key: ApiKey } | { ok: false; problem: 'unauthorized' | 'unavailable' }

export interface KeyAuthenticator {
  /** The key of an Authorization header that was verified before and still holds. */
  peek(header: string | undefined): ApiKey | undefined
  /** Verifies any header; asks CountInfoDB once for a key it does not know. Never rejects. */
  authenticate(header: string | undefined): Promise<KeyOutcome>
  /** Takes what was used since the last call: key id → when, in ms since 1970. */
  takeUses(): Map<string, number>
  /** Whether changes arrive: CountInfoDB answered within the last three seconds. */
  healthy(): boolean
  /** Ends the polling; a query under way ends with the connection. */
  close(): void
}

interface Row {
  id: string
  name: string
  secret_hash: Buffer
  previous_hash: Buffer | null
  previous_until: Date | null
  scopes: Scope[]
  prefixes: string[] | null
  expires_at: Date | null
  rate_limit: number | null
  revoked_at: Date | null
  /** updated_at with its microseconds. */
  changed: string
}

/** A key as this process knows it, with the headers that were found to open it. */
interface Known {
  row: Row
  key: ApiKey
  headers: Set<string>
  used: boolean
}

/** How many keys, headers and unknown ids a process remembers; the oldest go first. */
const maxKnown = 10_000
const maxUnknown = 10_000

/** How long an id that CountInfoDB does not know is refused without asking again. */
const unknownMs = 5000

/** Look-ups at once: a flood of invented keys waits for nobody and holds no connection from others. */
const maxLookups = 100
const lookupMs = 2000
const pollMs = 1000
const deafMs = 3000

/** A change may be committed this long after the time it carries. */
const overlap = '10 seconds'

const columns =
  'id, name, secret_hash, previous_hash, previous_until, scopes, prefixes, expires_at, rate_limit, revoked_at, updated_at::text as changed'

const unauthorized = { ok: false, problem: 'unauthorized' } as const
const unavailable = { ok: false, problem: 'unavailable' } as const

/** Sets an entry; where the map is full the oldest goes, and is returned. */
function put<K, V>(map: Map<K, V>, key: K, value: V, max: number): [K, V] | undefined {
  const oldest = map.size >= max && !map.has(key) ? map.entries().next().value : undefined
  if (oldest) map.delete(oldest[0])
  map.set(key, value)
  return oldest
}

const isOver = (at: Date | null, now: number) => at !== null && at.getTime() <= now

/** Which of a key's secrets this is, if any holds now. */
function matches(row: Row, hash: Buffer, now: number): boolean {
  if (row.revoked_at || isOver(row.expires_at, now)) return false
  if (timingSafeEqual(row.secret_hash, hash)) return true
  return (
    row.previous_hash !== null &&
    row.previous_until !== null &&
    !isOver(row.previous_until, now) &&
    timingSafeEqual(row.previous_hash, hash)
  )
}

/**
 * Verifies API keys against CountInfoDB's table api_key. What changes there (revocation, scopes, rotation) and what
 * expires reaches it within two seconds. While CountInfoDB is away, keys it has seen go on and others are `unavailable`.
 * The connection needs SELECT on api_key only; a change there must set `updated_at`.
 */
export function createKeyAuthenticator({ sql, log }: { sql: Sql; log: Logger }): KeyAuthenticator {
  const known = new Map<string, Known>()
  const byHeader = new Map<string, Known>()
  const unknown = new Map<string, number>()
  const lookups = new Map<string, Promise<void>>()
  let since: Date | undefined
  let answeredAt = Date.now()

  const forgetHeaders = (entry: Known) => {
    for (const header of entry.headers) byHeader.delete(header)
    entry.headers.clear()
  }

  const learn = (row: Row): Known => {
    const { id, name, scopes, prefixes, expires_at: expiresAt, rate_limit: rateLimit } = row
    const entry: Known = {
      row,
      key: { id, name, scopes, prefixes, expiresAt, rateLimit },
      headers: new Set(),
      used: false,
    }
    const before = known.get(id)
    if (before) forgetHeaders(before)
    entry.used = before?.used ?? false
    unknown.delete(id)
    const evicted = put(known, id, entry, maxKnown)
    if (evicted) forgetHeaders(evicted[1])
    return entry
  }

  const ask = async (id: string) => {
    const [row] = await sql<Row[]>`select ${sql.unsafe(columns)} from api_key where id = ${id}`
    if (row) learn(row)
    else put(unknown, id, Date.now() + unknownMs, maxUnknown)
  }

  /** One query for all who wait. It keeps its place until it is answered, so that a frozen database gathers no queue. */
  const lookup = (id: string): Promise<void> => {
    let pending = lookups.get(id)
    if (!pending) {
      pending = ask(id).finally(() => lookups.delete(id))
      lookups.set(id, pending)
    }
    return pending
  }

  const authenticate = async (header: string | undefined): Promise<KeyOutcome> => {
    const parsed = header && parseApiKey(/^bearer (\S+)$/i.exec(header)?.[1] ?? '')
    if (!parsed) return unauthorized
    if (!known.has(parsed.id)) {
      if ((unknown.get(parsed.id) ?? 0) > Date.now()) return unauthorized
      if (lookups.size >= maxLookups && !lookups.has(parsed.id)) return unavailable
      try {
        await within(lookupMs, 'CountInfoDB', lookup(parsed.id))
      } catch (err) {
        if (!isAway(err)) log.error({ err }, 'an API key could not be looked up')
        return unavailable
      }
    }
    const entry = known.get(parsed.id)
    if (!entry || !matches(entry.row, hashSecret(parsed.secret), Date.now())) return unauthorized
    const evicted = put(byHeader, header, entry, maxKnown)
    evicted?.[1].headers.delete(evicted[0])
    entry.headers.add(header)
    entry.used = true
    return { ok: true, key: entry.key }
  }

  const dropExpired = () => {
    const now = Date.now()
    for (const entry of known.values()) {
      const { row } = entry
      if (!isOver(row.expires_at, now) && !isOver(row.previous_until, now)) continue
      forgetHeaders(entry)
      if (isOver(row.previous_until, now)) entry.row = { ...row, previous_hash: null, previous_until: null }
    }
  }

  const poll = async () => {
    const from = since ?? new Date()
    const [clock] = await sql<{ now: Date }[]>`select now() as now`
    const rows = await sql<Row[]>`
      select ${sql.unsafe(columns)} from api_key where updated_at > ${from}::timestamptz - ${overlap}::interval`
    for (const row of rows) {
      const before = known.get(row.id)
      if (before ? before.row.changed !== row.changed : unknown.has(row.id)) learn(row)
    }
    since = clock?.now
    answeredAt = Date.now()
  }

  const healthy = () => Date.now() - answeredAt < deafMs
  let polling = false
  let deaf = false
  const timer = setInterval(() => {
    dropExpired()
    if (healthy() === deaf) {
      deaf = !deaf
      log.warn(deaf ? 'changes of API keys do not arrive' : 'changes of API keys arrive again')
    }
    if (polling) return
    polling = true
    poll()
      .catch((err: unknown) => log.debug({ err }, 'API keys not polled'))
      .finally(() => {
        polling = false
      })
  }, pollMs)

  return {
    peek(header) {
      if (header === undefined) return undefined
      const entry = byHeader.get(header)
      if (entry === undefined) return undefined
      entry.used = true
      return entry.key
    },
    authenticate,
    takeUses() {
      const now = Date.now()
      const used = [...known.values()].filter((entry) => entry.used)
      for (const entry of used) entry.used = false
      return new Map(used.map((entry) => [entry.row.id, now]))
    },
    healthy,
    close() {
      clearInterval(timer)
    },
  }
}
