import { randomUUID } from 'node:crypto'
import { countEvent } from '@count/core/events'
import { until } from '@count/stack/until'
import { Kafka, logLevel } from 'kafkajs'
import type { Seen } from './counts.ts'

const topic = 'count.changes'

/** What the events say about one count since the run began. */
interface Line {
  sum: number
  version: number
}

/** Sums the deltas of the events as any consumer would: a plain Kafka client of its own group, from the first record on. */
export async function openLedger(brokers: string, before: Map<string, Seen>) {
  const client = new Kafka({
    clientId: 'count-demo',
    brokers: brokers.split(',').map((one) => one.trim()),
    logLevel: logLevel.NOTHING,
  })
  const consumer = client.consumer({ groupId: `count-demo-${randomUUID()}`, retry: { retries: 20 } })
  const lines = new Map<string, Line>()
  let events = 0

  /** Delivery is at least once and in order per count: what is not above the last version has been seen. */
  function take(text: string): void {
    const { type, data } = countEvent.parse(JSON.parse(text))
    const start = before.get(data.id)
    if (type !== 'count.changed' || !start) return
    const line = lines.get(data.id) ?? { sum: 0, version: start.version }
    if (data.version <= line.version) return
    events++
    // An event that began before this run carries what we did not send; the value before tells how much of it is ours.
    line.sum += data.fromVersion < start.version ? data.value - start.value : data.delta
    line.version = data.version
    lines.set(data.id, line)
  }

  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  await consumer.run({
    eachMessage: async ({ message }) => {
      if (message.value) take(message.value.toString())
    },
  })

  return {
    events: () => events,
    /** Awaits the events up to these versions. Resolves to the sum of deltas of each count, also when not all come in time. */
    async sums(after: Map<string, Seen>): Promise<Map<string, number>> {
      const complete = () =>
        [...after].every(
          ([id, { version }]) => (lines.get(id)?.version ?? before.get(id)?.version ?? 0) >= version,
        )
      await until('the events', complete, { deadlineMs: 120_000, everyMs: 50 }).catch(() => {})
      return new Map([...after.keys()].map((id) => [id, lines.get(id)?.sum ?? 0]))
    },
    close: () => consumer.disconnect(),
  }
}
