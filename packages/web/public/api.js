import { t } from './i18n.js'

/** @typedef {'viewer' | 'editor' | 'admin'} Role */
/** @typedef {{ username: string, role: Role, csrfToken: string }} Session */
/** @typedef {{ path: string, message: string }} FieldError */

/** A refusal (RFC 9457), or that the server could not be reached (status 0). */
export class Problem extends Error {
  /** @param {{ type?: string, title?: string, status: number, detail?: string, errors?: FieldError[] }} document @param {number} [retryAfter] s */
  constructor(document, retryAfter) {
    super(document.title ?? '')
    this.status = document.status
    /** The stable end of the type, as `out-of-bounds`. */
    this.name = (document.type ?? '').replace(/^urn:count:problem:/, '') || 'internal'
    this.detail = document.detail
    this.errors = document.errors ?? []
    this.retryAfter = retryAfter
  }
}

/** @type {Session | null} */
let session = null
/** @type {Set<() => void>} */
const listeners = new Set()
/** @type {(() => Promise<void>) | undefined} */
let askSignIn
/** Of several calls that are refused at once, one asks. @type {Promise<void> | undefined} */
let asking

export const currentSession = () => session

/** @param {Session | null} next */
export function setSession(next) {
  session = next
  for (const listener of listeners) listener()
}

/** @param {() => void} listener @returns {() => void} ends it */
export function onSession(listener) {
  listeners.add(listener)
  return () => void listeners.delete(listener)
}

/** How to have the user sign in again when a session ends in the middle. @param {() => Promise<void>} ask resolves when signed in */
export function onSessionEnd(ask) {
  askSignIn = ask
}

/** @param {Response} response @returns {Promise<Problem>} */
async function problemOf(response) {
  const retryAfter = Number(response.headers.get('retry-after')) || undefined
  const json = response.headers.get('content-type')?.includes('json')
  const document = json ? await response.json().catch(() => ({})) : {}
  return new Problem({ ...document, status: response.status }, retryAfter)
}

/**
 * @typedef {object} Call
 * @property {unknown} [body] sent as JSON
 * @property {Blob} [file] sent as it is, under `type`
 * @property {string} [type]
 * @property {number} [revision] becomes If-Match
 * @property {AbortSignal} [signal]
 * @property {boolean} [quiet] a 401 is thrown and asks nobody to sign in
 */

/**
 * Calls the API. While the session has ended, a call waits for the user to sign in again and is repeated: what was typed stays.
 * @param {string} method @param {string} path below /api/v1 @param {Call} [call]
 * @returns {Promise<any>} the body; undefined for 204
 * @throws {Problem}
 */
export async function request(method, path, call = {}) {
  const response = await send(method, path, call)
  if (response.ok) return response.status === 204 ? undefined : await response.json()
  if (response.status === 401 && !call.quiet && askSignIn) {
    asking ??= askSignIn().finally(() => {
      asking = undefined
    })
    await asking
    return await request(method, path, call)
  }
  if (response.status === 403 && method !== 'GET' && (await renewed()))
    return await request(method, path, call)
  throw await problemOf(response)
}

/** Whether another tab signed in meanwhile: the cookie is its, so that the CSRF token held here no longer fits. */
async function renewed() {
  const response = await send('GET', '/admin/session', {})
  const now = response.ok ? await response.json() : undefined
  if (!now || now.csrfToken === session?.csrfToken) return false
  setSession(now)
  return true
}

/** @param {string} method @param {string} path @param {Call} call */
async function send(method, path, { body, file, type, revision, signal }) {
  const headers = new Headers({ accept: 'application/json' })
  if (file) headers.set('content-type', type ?? 'application/octet-stream')
  else if (body !== undefined) headers.set('content-type', 'application/json')
  if (revision !== undefined) headers.set('if-match', `"${revision}"`)
  if (method !== 'GET' && session) headers.set('x-csrf-token', session.csrfToken)
  try {
    const payload = file ?? (body === undefined ? null : JSON.stringify(body))
    const signals = { signal: signal ?? null }
    return await fetch(`/api/v1${path}`, { method, headers, body: payload, cache: 'no-store', ...signals })
  } catch (error) {
    if (signal?.aborted) throw error
    throw new Problem({ type: 'offline', status: 0, title: t('problem.offline') })
  }
}

/** @param {string} path @param {Call} [call] */
export const get = (path, call) => request('GET', path, call)

/** A query of what is not empty. @param {Record<string, string | number | undefined | null>} values */
export function query(values) {
  const given = Object.entries(values).filter(
    ([, value]) => value !== undefined && value !== null && value !== '',
  )
  const text = new URLSearchParams(given.map(([key, value]) => [key, String(value)])).toString()
  return text && `?${text}`
}

const ranks = { viewer: 0, editor: 1, admin: 2 }
/** Whether the signed-in user's role reaches this one. @param {Role} role */
export const may = (role) => session !== null && ranks[session.role] >= ranks[role]
