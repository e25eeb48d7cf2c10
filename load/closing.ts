/**
 * Runs a program that must leave nothing behind: what it put on `closing` is undone, last first, when it ends, fails, or gets
 * SIGINT or SIGTERM. Exits with what `work` returns, 1 when it throws, 130 or 143 after a signal.
 */
export function runToEnd(work: (closing: AsyncDisposableStack) => Promise<number>): void {
  const closing = new AsyncDisposableStack()
  let ending = false
  const end = async (code: number) => {
    if (ending) return
    ending = true
    await closing.disposeAsync().catch((error) => console.error(error))
    process.exit(code)
  }
  process.on('SIGINT', () => void end(130))
  process.on('SIGTERM', () => void end(143))
  work(closing).then(end, (error) => {
    // What fails because it is being stopped is no news.
    if (!ending) console.error(error)
    return end(1)
  })
}

/** Awaits a start; what has started is stopped at the end, also when the end comes before the start has finished. */
export async function keep<T>(
  closing: AsyncDisposableStack,
  starting: Promise<T>,
  stop: (started: T) => Promise<void>,
): Promise<T> {
  closing.defer(() => starting.then(stop, () => {}))
  return await starting
}

/** Aborted at the end: for programs that run by themselves, such as a load generator. */
export function abortedAtEnd(closing: AsyncDisposableStack): AbortSignal {
  const controller = new AbortController()
  closing.defer(async () => controller.abort())
  return controller.signal
}
