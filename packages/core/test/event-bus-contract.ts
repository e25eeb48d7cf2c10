import { randomUUID } from 'node:crypto'
import { until } from '@count/stack/until'
import { expect, onTestFinished, test } from 'vitest'
import type { EventBus } from '../src/event-bus.ts'
import { type CountEvent, changeEvent } from '../src/events.ts'

/** The n-th change of a count. */
export const change = (id: string, n: number): CountEvent =>
  changeEvent('test', { id, value: n, delta: 1, operations: 1, fromVersion: n - 1, version: n })

export const changes = (id: string, from: number, to: number): CountEvent[] =>
  Array.from({ length: to - from + 1 }, (_, i) => change(id, from + i))

/** Collects what a subscription brings. */
export function collector() {
  const events: CountEvent[] = []
  return {
    events,
    take: (more: CountEvent[]) => void events.push(...more),
    /** The versions seen of one count, repetitions left out. */
    versions: (id: string) => [
      ...new Set(events.filter((event) => event.subject === id).map((event) => event.data.version)),
    ],
    has: (id: string, version: number) =>
      events.some((event) => event.subject === id && event.data.version === version),
  }
}

const upTo = (n: number) => Array.from({ length: n }, (_, i) => i + 1)

/** What every event bus promises; `open` gives one on a topic, or a new one when none is named. */
export function eventBusContract(open: (topic: string) => Promise<EventBus>): void {
  async function bus(topic: string = randomUUID()): Promise<EventBus> {
    const opened = await open(topic)
    onTestFinished(() => opened.close())
    return opened
  }

  test('events arrive whole and in the order of each count, whatever is published at once', async () => {
    const one = await bus()
    const seen = collector()
    await one.subscribe({}, seen.take)
    const ids = Array.from({ length: 20 }, (_, i) => `count-${i}`)
    const publishing: Promise<void>[] = []
    for (const n of upTo(30)) publishing.push(one.publish(ids.map((id) => change(id, n))))
    await Promise.all(publishing)
    await until('all events', () => seen.events.length >= 600)
    for (const id of ids) expect(seen.versions(id)).toEqual(upTo(30))
    expect(seen.events.find((event) => event.id === 'count-3:7')).toEqual(change('count-3', 7))
  })

  test('one call may carry more than a broker takes in one batch', async () => {
    const one = await bus()
    const seen = collector()
    await one.subscribe({}, seen.take)
    await one.publish(changes('big', 1, 6000))
    await until('all events', () => seen.has('big', 6000))
    expect(seen.versions('big')).toEqual(upTo(6000))
  })

  test('a subscriber without a group gets what is published after it stands, and each of them gets all', async () => {
    const one = await bus()
    await one.publish([change('a', 1)])
    const [first, second] = [collector(), collector()]
    await one.subscribe({}, first.take)
    await one.subscribe({}, second.take)
    await one.publish([change('a', 2)])
    await until('both', () => first.has('a', 2) && second.has('a', 2))
    expect([first.versions('a'), second.versions('a')]).toEqual([[2], [2]])
  })

  test('members of a group share the events; its next member goes on where the last one ended', async () => {
    const one = await bus()
    await one.publish([change('a', 1)])
    const [first, second] = [collector(), collector()]
    const a = await one.subscribe({ group: 'g', from: 'earliest' }, first.take)
    await until('the first', () => first.has('a', 1))
    await a.close()
    await one.publish([change('a', 2)])
    await one.subscribe({ group: 'g', from: 'earliest' }, second.take)
    await until('the second', () => second.has('a', 2))
    expect(second.versions('a')).toEqual([2])
  })

  test('a group that begins with the latest does not see what was before', async () => {
    const one = await bus()
    await one.publish([change('a', 1)])
    const seen = collector()
    await one.subscribe({ group: 'late' }, seen.take)
    // Repeated until the first arrives: a group of Kafka finds its place with its first fetch, after it stands.
    let n = 1
    await until('an event', async () => {
      await one.publish([change('a', ++n)])
      return seen.events.length > 0
    })
    expect(seen.versions('a')).not.toContain(1)
  })

  test.for([{ group: 'g' }, {}])('events whose handler failed come again (%o)', async (options) => {
    const one = await bus()
    const seen = collector()
    let failures = 2
    const subscription = one.subscribe({ ...options, from: 'earliest' }, (events) => {
      if (events.some((event) => event.data.version >= 3) && failures-- > 0)
        throw new Error('the handler failed, as this test wants')
      seen.take(events)
    })
    await subscription
    for (const n of upTo(5)) await one.publish([change('a', n)])
    await until('all', () => seen.has('a', 5), { deadlineMs: 25_000 })
    expect(seen.versions('a')).toEqual(upTo(5))
  })

  test('two members of a group never handle events at the same time out of order', async () => {
    const topic = randomUUID()
    const [one, other] = [await bus(topic), await bus(topic)]
    const seen = collector()
    await one.subscribe({ group: 'g', from: 'earliest' }, seen.take)
    const second = await other.subscribe({ group: 'g', from: 'earliest' }, seen.take)
    for (const n of upTo(50)) await one.publish([change('a', n), change('b', n)])
    await until('all', () => seen.has('a', 50) && seen.has('b', 50))
    expect(seen.versions('a')).toEqual(upTo(50))
    expect(seen.versions('b')).toEqual(upTo(50))
    await second.close()
  })

  test('a closed bus refuses events', async () => {
    const one = await bus()
    await one.close()
    await expect(one.publish([change('a', 1)])).rejects.toThrow('closed')
  })
}
