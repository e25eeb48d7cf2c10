import { setTimeout as delay } from 'node:timers/promises'

/**
 * Awaits a condition by asking again and again.
 * @param what completes "timed out waiting for …"
 * @param condition resolves to something truthy when it holds; what it throws counts as "not yet"
 * @returns the truthy answer
 * @throws after `deadlineMs` (20 s), with the last error as its cause
 */
export async function until<T>(
  what: string,
  condition: () => T | Promise<T>,
  { deadlineMs = 20_000, everyMs = 10 } = {},
): Promise<NonNullable<T>> {
  const end = performance.now() + deadlineMs
  let cause: unknown
  for (;;) {
    try {
      const answer = await condition()
      if (answer) return answer
      cause = undefined
    } catch (error) {
      cause = error
    }
    if (performance.now() > end)
      throw new Error(`timed out after ${deadlineMs} ms waiting for ${what}`, { cause })
    await delay(everyMs)
  }
}
