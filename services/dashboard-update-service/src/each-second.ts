import { setTimeout as delay } from 'node:timers/promises'
import type { Logger } from 'pino'

const everyMs = 1000

/** Runs `work` each second until the signal; that it fails is told at the second time in a row. */
export async function eachSecond(
  what: string,
  work: () => Promise<void>,
  { log, signal }: { log: Logger; signal: AbortSignal },
): Promise<void> {
  let failures = 0
  while (!signal.aborted) {
    await work().then(
      () => {
        failures = 0
      },
      (error: unknown) => {
        if (++failures === 2) log.warn({ reason: String(error) }, `${what} failed, trying again`)
      },
    )
    await delay(everyMs, undefined, { signal }).catch(() => {})
  }
}
