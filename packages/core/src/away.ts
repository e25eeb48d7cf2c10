// biome-ignore format: one table
const codes = new Set([
  'ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH',
  'CONNECT_TIMEOUT', 'CONNECTION_CLOSED', 'CONNECTION_ENDED', 'CONNECTION_DESTROYED', // porsager/postgres
  '57P01', '57P02', '57P03', '57014', '53300', '55P03', '25006', // PostgreSQL: shut down, timed out, full, read-only
])

const messages =
  /^(Connection is closed|Command timed out|Stream isn't writeable)|max retries per request|^(LOADING|READONLY|CLUSTERDOWN|TRYAGAIN|MASTERDOWN|OOM) /i

/** Says that a store or service did not answer in time. */
export class Unavailable extends Error {
  override name = 'Unavailable'
}

/** Whether an error means that a store is away (a 503), rather than that something is wrong (a 500). */
export function isAway(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  if (error.name === 'Unavailable' || error.name === 'StoreUnavailable') return true
  const code = 'code' in error ? String(error.code) : ''
  return codes.has(code) || code.startsWith('08') || messages.test(error.message)
}

/** The promise's result, or a rejection with {@link Unavailable} after `ms` milliseconds; what runs is not cancelled. */
export function within<T>(ms: number, what: string, promise: Promise<T>): Promise<T> {
  const { promise: result, resolve, reject } = Promise.withResolvers<T>()
  const timer = setTimeout(() => reject(new Unavailable(`${what} did not answer within ${ms} ms`)), ms)
  promise.then(resolve, reject).finally(() => clearTimeout(timer))
  return result
}
