import { setTimeout as delay } from 'node:timers/promises'
import type { Logger } from 'pino'
import { Unavailable } from './away.ts'

/** Keeps callers from waiting for a store that is away. */
export interface Breaker {
  /**
   * The call's result. Rejects with Unavailable when it takes longer than `timeoutMs`, and at once while the breaker is open.
   */
  run<T>(call: () => Promise<T>): Promise<T>
  /** Whether calls are let through. */
  closed(): boolean
  /** Ends the probing. */
  close(): void
}

export interface BreakerOptions {
  /** Shown in the log and in errors. */
  name: string
  timeoutMs: number
  /** Asked while open, at once and then every 100 ms, until it answers: no caller's request is spent on finding out. */
  probe(): Promise<unknown>
  /** Which rejections mean that the store is away; the others are only passed on. */
  isAway(error: unknown): boolean
  log: Logger
}

const probeMs = 100
const probeTimeoutMs = 5000

/** Opens at the first call that is not answered in time, or that finds the store away; closes when a probe is answered. */
export function openBreaker({ name, timeoutMs, probe, isAway, log }: BreakerOptions): Breaker {
  const ended = new AbortController()
  const away = new Unavailable(`${name} is away`)
  let open = false

  async function trip(): Promise<void> {
    if (open || ended.signal.aborted) return
    open = true
    log.warn({ store: name }, 'not asked until it answers again')
    while (!ended.signal.aborted) {
      const answered = await Promise.race([
        probe().then(
          () => true,
          () => false,
        ),
        delay(probeTimeoutMs, false, { ref: false, signal: ended.signal }).catch(() => false),
      ])
      if (answered) break
      await delay(probeMs, undefined, { ref: false, signal: ended.signal }).catch(() => {})
    }
    open = false
    if (!ended.signal.aborted) log.info({ store: name }, 'asked again')
  }

  function run<T>(call: () => Promise<T>): Promise<T> {
    if (open) return Promise.reject(away)
    const { promise, resolve, reject } = Promise.withResolvers<T>()
    let waiting = true
    function expire() {
      if (!waiting) return
      reject(new Unavailable(`${name} did not answer within ${timeoutMs} ms`))
      void trip()
    }
    // When this process was what stalled, the answer lies in the socket: it is read before the verdict falls.
    const timer = setTimeout(() => setImmediate(expire), timeoutMs)
    call().then(
      (result) => {
        waiting = false
        clearTimeout(timer)
        resolve(result)
      },
      (error: unknown) => {
        waiting = false
        clearTimeout(timer)
        reject(error)
        if (isAway(error)) void trip()
      },
    )
    return promise
  }

  return { run, closed: () => !open, close: () => ended.abort() }
}
