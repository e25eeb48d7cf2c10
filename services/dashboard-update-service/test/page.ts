import { setTimeout as delay } from 'node:timers/promises'
import { type Watcher, watch } from './watcher.ts'

export type Page = ReturnType<typeof follow>

const retryMs = 200

/** A page that stays open: whenever its stream ends it opens it again, and says which frame it saw last. */
export function follow(path: string, url: () => string, headers: Record<string, string>) {
  const closing = new AbortController()
  const faults: string[] = []
  let current: Watcher | undefined
  let opened = 0

  async function run(): Promise<void> {
    while (!closing.signal.aborted) {
      const lastId = current?.lastId()
      const last: Record<string, string> = lastId === undefined ? {} : { 'last-event-id': lastId }
      const next = await watch(url() + path, { ...headers, ...last }, current).catch(() => undefined)
      if (next) {
        opened++
        current = next
        await next.reading
        faults.push(...next.faults)
      }
      await delay(retryMs, undefined, { signal: closing.signal }).catch(() => {})
    }
  }
  const running = run()

  return {
    faults,
    /** How often it has connected. */
    opened: () => opened,
    value: (id: string) => current?.values.get(id),
    state: () => current?.status(),
    async close() {
      closing.abort()
      await current?.close()
      await running
    },
  }
}
