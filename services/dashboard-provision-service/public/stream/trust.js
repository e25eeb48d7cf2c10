/** The server sends a heartbeat each 15 s: a connection this long silent is dead, whatever it says itself. */
export const silentMs = 25_000
/** A reconnection that takes no longer than this is not called stale yet, ms. */
const briefMs = 5000

/**
 * How far what is shown can be trusted. Told from when something was last heard and the clock, not from what events say: a
 * machine that slept, a worker that died and a wire that was cut look the same.
 * @param {{ link: import('./connection.js').Link, status?: import('../types.js').Board['status'], now: number }} known now in ms
 * @returns {{ kind: 'connecting' | 'live' | 'polling' | 'reconnecting' | 'stale' | 'signed-out' | 'gone', since: number | null }}
 */
export function trustOf({ link: { state, at, heardAt }, status, now }) {
  if (state === 'gone' || state === 'signed-out') return { kind: state, since: heardAt }
  const silent = heardAt !== null && now - heardAt > silentMs
  if (state === 'live' && !silent) {
    if (status?.state === 'stale') return { kind: 'stale', since: Date.parse(status.since) }
    return { kind: status?.state ?? 'live', since: null }
  }
  if (heardAt === null) return { kind: 'connecting', since: null }
  return { kind: state === 'reconnecting' && now - at < briefMs ? 'reconnecting' : 'stale', since: heardAt }
}
