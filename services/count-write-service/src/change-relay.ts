import type { EventBus } from '@count/core/event-bus'
import { type CountEvent, changeEvent, lifecycleEvent } from '@count/core/events'
import type { CountInfo } from '@count/core/schemas'
import type { Entry } from './drainer.ts'
import type { LiveInfos } from './live-infos.ts'

const source = 'count-write-service'

/**
 * ChangeRelay (CA-022, CA-024): publishes each claimed net change, in order per count, at least once. What recovery brought
 * back is announced as count.restored first, under its new version, so that consumers that saw more take it.
 */
export function changeRelay(bus: EventBus, liveInfos: LiveInfos) {
  return async function handle(_shard: number, entries: Entry[]): Promise<void> {
    const changes = entries.map(([field, text]) => {
      const [id] = field.split(' ') as [string]
      const [from, delta, operations, value, version, restored] = text.split(' ').map(Number) as [
        number,
        number,
        number,
        number,
        number,
        number | undefined,
      ]
      return { change: { id, value, delta, operations, fromVersion: from, version }, restored }
    })
    const back = changes.filter(({ restored }) => restored !== undefined).map(({ change }) => change.id)
    const infos = back.length > 0 ? await liveInfos(back) : new Map<string, CountInfo>()
    const events: CountEvent[] = []
    for (const { change, restored } of changes) {
      const info = restored === undefined ? undefined : infos.get(change.id)
      if (restored !== undefined && info) {
        events.push(
          lifecycleEvent(source, 'restored', info, { value: change.value - change.delta, version: restored }),
        )
      }
      if (change.operations > 0) events.push(changeEvent(source, change))
    }
    if (events.length > 0) await bus.publish(events)
  }
}
