import { randomUUID } from 'node:crypto'
import { openEventBus } from '@count/core/event-bus'
import { openValueStore } from '@count/core/value-store'
import { until } from '@count/stack/until'
import { pino } from 'pino'
import { expect } from 'vitest'
import type { World } from './world.ts'

const log = pino({ level: 'silent' })

const openStore = (world: World) =>
  openValueStore({ VALUE_REDIS_URL: world.settings.VALUE_REDIS_URL as string }, { log })

export interface Ledger {
  /** What clients know to have been added, by id. */
  acknowledged: Map<string, number>
  /** What was answered 503 without a key to ask again under: it may have been added, once. */
  unsure: Map<string, number>
  /** Answers that clients got, retries aside. */
  answers: number
  stop(): Promise<void>
}

/**
 * Clients that increment random counts by random amounts. With keys each retries under its own until it is answered, so
 * that it knows exactly what it has added; without, nothing but the service itself keeps an increment from counting twice.
 */
export function startLoad(
  world: World,
  ids: string[],
  urls: (() => string)[],
  { clients = 8, keyed = true } = {},
): Ledger {
  const none = () => new Map(ids.map((id) => [id, 0]))
  const ledger = { acknowledged: none(), unsure: none(), answers: 0, stop }
  let stopped = false
  const run = async (client: number) => {
    while (!stopped) {
      const id = ids[Math.floor(Math.random() * ids.length)] as string
      const amount = 1 + Math.floor(Math.random() * 9)
      const url = urls[client % urls.length] as () => string
      const { status, body } = await (keyed
        ? world.incrementSurely(url, id, amount, randomUUID())
        : world.increment(url(), id, amount))
      if (status !== 200 && (keyed || status !== 503)) throw new Error(`${status} ${JSON.stringify(body)}`)
      const sums = status === 200 ? ledger.acknowledged : ledger.unsure
      sums.set(id, (sums.get(id) as number) + amount)
      ledger.answers++
    }
  }
  const running = Promise.all(Array.from({ length: clients }, (_, client) => run(client)))
  running.catch(() => {})
  async function stop() {
    stopped = true
    await running
  }
  return ledger
}

/** Waits until the clients have got `answers` more answers. */
export async function progress(ledger: Ledger, answers: number): Promise<void> {
  const goal = ledger.answers + answers
  await until(`${answers} more answers`, () => ledger.answers >= goal, { deadlineMs: 60_000 })
}

/** A consumer as consumers should be: keeps the last version per id and drops what is not above it. */
export async function startConsumer(world: World, settings: { KAFKA_BROKERS?: string; name?: string } = {}) {
  const store = await openStore(world)
  const bus = openEventBus({
    EVENT_PARTITIONS: 12,
    EVENT_RETENTION: 86_400,
    ...settings,
    stream: store.stream,
    log,
  })
  const seen = new Map<string, { value: number; version: number; deltas: number; restored: number }>()
  const subscription = await bus.subscribe({}, (events) => {
    for (const { type, data } of events) {
      const last = seen.get(data.id) ?? { value: 0, version: 0, deltas: 0, restored: 0 }
      if (data.version <= last.version) continue
      seen.set(data.id, {
        value: data.value,
        version: data.version,
        deltas: last.deltas + ('delta' in data ? data.delta : 0),
        restored: last.restored + (type === 'count.restored' ? 1 : 0),
      })
    }
  })
  return {
    seen,
    async close() {
      await subscription.close()
      await bus.close()
      await store.close()
    },
  }
}

/** Every value as the store has it. */
export async function valuesOf(world: World, ids: string[]): Promise<Map<string, number>> {
  const store = await openStore(world)
  try {
    const values = new Map<string, number>()
    for (const id of ids) {
      const shard = store.shardOf(id)
      const redis = store.primary(shard)
      await until('the store', () => redis.status === 'ready')
      values.set(id, Number((await redis.hget(store.keys(shard).count(id), 'v')) ?? Number.NaN))
    }
    return values
  } finally {
    await store.close()
  }
}

export async function archivedValues(world: World, ids: string[]): Promise<Map<string, number>> {
  const rows = await world.archive<{ id: string; value: number }[]>`
    select id, value from count_record where id = any(${ids}) and not removed`
  return new Map(rows.map((row) => [row.id, row.value]))
}

const sorted = (map: Map<string, number>) => Object.fromEntries([...map].sort(([a], [b]) => (a < b ? -1 : 1)))

/** Acknowledged sum = value, at once; value = archive = sum of event deltas as soon as both have caught up. */
export async function expectExact(
  world: World,
  ledger: Ledger,
  consumer?: Awaited<ReturnType<typeof startConsumer>>,
  deadlineMs = 20_000,
): Promise<void> {
  const ids = [...ledger.acknowledged.keys()]
  const values = await valuesOf(world, ids)
  const expected = sorted(values)
  for (const [id, value] of values) {
    const acknowledged = ledger.acknowledged.get(id) as number
    const most = acknowledged + (ledger.unsure.get(id) as number)
    expect(value, `${id}: ${acknowledged} acknowledged, ${most} at most`).toBeGreaterThanOrEqual(acknowledged)
    expect(value, `${id}: ${acknowledged} acknowledged, ${most} at most`).toBeLessThanOrEqual(most)
  }
  const settled = async (what: string, read: () => Promise<object> | object) => {
    await until(what, async () => JSON.stringify(await read()) === JSON.stringify(expected), {
      deadlineMs,
    }).catch(async () => expect(await read(), what).toEqual(expected))
  }
  await settled('the archive', async () => sorted(await archivedValues(world, ids)))
  const history = async () => {
    const rows = await world.archive<{ id: string; sum: number }[]>`
      select id, sum(delta)::int8 as sum from history_hour where id = any(${ids}) group by id`
    return sorted(new Map(rows.map((row) => [row.id, row.sum])))
  }
  await settled('the archived hours', history)
  if (consumer) {
    const deltas = () => sorted(new Map(ids.map((id) => [id, consumer.seen.get(id)?.deltas ?? 0])))
    await settled('the sum of event deltas', deltas)
  }
}
