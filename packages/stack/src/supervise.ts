import { setTimeout as delay } from 'node:timers/promises'

/** A server of ours: here a process or a container. */
export type Store = {
  /** resolves when what runs now has ended */
  readonly exited: Promise<void>
  restart(): Promise<void>
  stop(): Promise<void>
}

export type Log = { info(message: string): void; warn(message: string): void }

const FIRST_PAUSE_MS = 100
const LONGEST_PAUSE_MS = 5_000
/** having run this long, a server that ends has not failed again and again */
const STEADY_MS = 30_000

/**
 * Starts a store again whenever it ends by itself, at once at first, then after growing pauses.
 * @returns the end of supervision, which stops the store
 */
export function supervise(name: string, store: Store, log: Log): { stop(): Promise<void> } {
  const ending = new AbortController()
  let pauseMs = 0

  async function watch(): Promise<void> {
    while (!ending.signal.aborted) {
      const since = performance.now()
      await store.exited
      if (ending.signal.aborted) return
      if (performance.now() - since > STEADY_MS) pauseMs = 0
      log.warn(`${name} ended unexpectedly; starting it again`)
      await delay(pauseMs, undefined, { signal: ending.signal }).catch(() => {})
      pauseMs = Math.min(Math.max(pauseMs * 2, FIRST_PAUSE_MS), LONGEST_PAUSE_MS)
      if (ending.signal.aborted) return
      await store.restart().then(
        () => log.info(`${name} runs again`),
        (error) => {
          if (!ending.signal.aborted) log.warn(`${name} could not be started again: ${error.message}`)
        },
      )
    }
  }

  const watching = watch()
  return {
    async stop() {
      ending.abort()
      await store.stop()
      await watching
      // A restart that was under way may have finished after the stop.
      await store.stop()
    },
  }
}
