import type { StreamStatus } from '@count/core/dashboard-frames'
import type { LiveCounts } from './live-counts.ts'

/** While all is well the store is compared with what is shown at every fifth look. */
const compareTurns = 5
/** A change that the bus took longer to tell is late. */
const lateMs = 2000

export interface FreshnessOptions {
  live: Pick<LiveCounts, 'compare'>
  /** Whether the subscription to the bus stands and the bus answers. */
  connected: () => boolean
  changed: (status: StreamStatus) => void
}

/**
 * Knows whether the values shown are right. While the bus is away, or tells nothing although the store has changed, they are
 * read from the replica at every look; only when that fails too are they `stale`.
 */
export function createFreshness({ live, connected, changed }: FreshnessOptions) {
  let status: StreamStatus = { state: 'polling', since: new Date().toISOString() }
  let rightAt = status.since
  let turn = 0
  /** The store has had what the bus, though it answers, did not tell. */
  let late = false

  function become(state: StreamStatus['state']): void {
    if (state === status.state) return
    status = { state, since: state === 'stale' ? rightAt : new Date().toISOString() }
    changed(status)
  }

  return {
    status: () => status,
    /** The bus told a change; its version is the time it was made at, in µs. */
    told(version: number): void {
      if (Date.now() - version / 1000 < lateMs) late = false
    },
    /** To be called each second. Returns whether the bus has just been found to be there again. */
    async look(): Promise<boolean> {
      turn++
      const follows = connected()
      const wasLive = status.state === 'live'
      if (follows && wasLive && turn % compareTurns > 0) {
        rightAt = new Date().toISOString()
        return false
      }
      const found = await live.compare(!follows || !wasLive)
      if (found) {
        rightAt = new Date().toISOString()
        late = found.late > 0 || (late && found.taken > 0)
      }
      become(!found ? 'stale' : follows && !late ? 'live' : 'polling')
      return !wasLive && status.state === 'live'
    },
  }
}
