import type { AlertTransition } from '@count/core/alerts'
import type { ProvisionClient } from '../provision-client.ts'
import type { Evaluator } from './evaluator.ts'

const most = 1000
/** While provision is away for long, the oldest of many transitions are forgotten: the later ones tell how it stands. */
const maxWaiting = 10_000

/** Tells provision of transitions in their order, each until it has been answered. */
export function createTransitionQueue(
  provision: Pick<ProvisionClient, 'tell'>,
  settled: Evaluator['settled'],
) {
  let waiting: AlertTransition[] = []
  let sending: Promise<void> | undefined

  async function send(): Promise<void> {
    while (waiting.length > 0) {
      const batch = waiting.slice(0, most)
      const results = await provision.tell(batch)
      const sent = new Set(batch)
      waiting = waiting.filter((one) => !sent.has(one))
      const pending = new Set(waiting.map(({ rule }) => rule))
      for (const { rule, state } of results) if (!pending.has(rule)) settled(rule, state)
    }
  }

  /** Sends what waits; what cannot be sent now waits for the next call. */
  function flush(): Promise<void> {
    sending ??= send()
      .catch(() => {})
      .finally(() => {
        sending = undefined
      })
    return sending
  }

  return {
    add(transition: AlertTransition): void {
      waiting.push(transition)
      if (waiting.length > maxWaiting) waiting.shift()
      void flush()
    },
    flush,
  }
}
