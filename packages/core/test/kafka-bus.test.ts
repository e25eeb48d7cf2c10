import { randomUUID } from 'node:crypto'
import { type KafkaServer, startKafka } from '@count/stack/kafka-server'
import { freePort } from '@count/stack/ports'
import { until } from '@count/stack/until'
import { Kafka, type KafkaMessage, logLevel } from 'kafkajs'
import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { openEventBus } from '../src/event-bus.ts'
import { change, collector, eventBusContract } from './event-bus-contract.ts'

const log = pino({ level: 'silent' })
// Kafka is there: Redis is never asked.
const never = () => {
  throw new Error('Redis was asked')
}
const settings = {
  EVENT_PARTITIONS: 4,
  EVENT_RETENTION: 3600,
  log,
  stream: { primary: never, refresh: never },
}

let server: KafkaServer
beforeAll(async () => {
  server = await startKafka()
})
afterAll(async () => {
  await server.stop()
})

const open = async (name: string, brokers = server.brokers) =>
  openEventBus({ ...settings, KAFKA_BROKERS: brokers, name })

describe('Kafka', () => {
  eventBusContract(open)

  test('the topic has the partitions and the retention it was asked for, the records key and content type', async () => {
    const name = randomUUID()
    const bus = await open(name)
    onTestFinished(() => bus.close())
    await until('the bus', () => bus.healthy())
    await bus.publish([change('a', 1)])
    const kafka = new Kafka({ brokers: [server.brokers], logLevel: logLevel.NOTHING })
    const admin = kafka.admin()
    const consumer = kafka.consumer({ groupId: randomUUID(), maxWaitTimeInMs: 100 })
    onTestFinished(async () => {
      await consumer.disconnect()
      await admin.disconnect()
    })
    await admin.connect()
    const { topics } = await admin.fetchTopicMetadata({ topics: [name] })
    expect(topics[0]?.partitions).toHaveLength(4)
    const { resources } = await admin.describeConfigs({
      includeSynonyms: false,
      resources: [{ type: 2, name, configNames: ['retention.ms'] }],
    })
    expect(resources[0]?.configEntries[0]?.configValue).toBe('3600000')
    await consumer.connect()
    await consumer.subscribe({ topic: name, fromBeginning: true })
    const first = Promise.withResolvers<KafkaMessage>()
    await consumer.run({ eachMessage: async ({ message }) => first.resolve(message) })
    const { key, headers } = await first.promise
    expect([String(key), String(headers?.['content-type'])]).toEqual(['a', 'application/cloudevents+json'])
    expect(String(headers?.traceparent)).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/)
  })

  test('leaves out what is no event and goes on', async () => {
    const name = randomUUID()
    const bus = await open(name)
    const producer = new Kafka({ brokers: [server.brokers], logLevel: logLevel.NOTHING }).producer()
    onTestFinished(async () => {
      await producer.disconnect()
      await bus.close()
    })
    const seen = collector()
    await bus.subscribe({}, seen.take)
    await producer.connect()
    await producer.send({
      topic: name,
      messages: [
        { key: 'a', value: 'not json' },
        { key: 'a', value: '{}' },
        { key: 'a', value: null },
      ],
    })
    await bus.publish([change('a', 1)])
    await until('the event', () => seen.has('a', 1))
    expect(seen.events).toHaveLength(1)
  })
})

describe('while Kafka is away', () => {
  test('nothing acknowledged is lost and order holds through a broker that is killed twice', {
    timeout: 120_000,
  }, async () => {
    const name = randomUUID()
    const bus = await open(name)
    onTestFinished(() => bus.close())
    const [sole, grouped] = [collector(), collector()]
    await bus.subscribe({}, sole.take)
    await bus.subscribe({ group: name, from: 'earliest' }, grouped.take)
    const ids = ['a', 'b', 'c', 'd', 'e']
    const acknowledged = new Map(ids.map((id) => [id, 0]))
    const stop = new AbortController()
    // As the change relay does: per count one event after the other, the same again until it is acknowledged.
    const publishers = ids.map(async (id) => {
      for (let n = 1; !stop.signal.aborted; n++) {
        await until(`${id} ${n}`, () => bus.publish([change(id, n)]).then(() => true), {
          deadlineMs: 60_000,
          everyMs: 50,
        })
        acknowledged.set(id, n)
      }
    })
    const progress = (from: number) =>
      until('progress', () => ids.every((id) => Number(acknowledged.get(id)) > from), { deadlineMs: 60_000 })
    await progress(50)
    for (const _ of [1, 2]) {
      await server.kill('SIGKILL')
      await until('the loss to be noticed', () => !bus.healthy(), { deadlineMs: 20_000 })
      const before = Math.max(...acknowledged.values())
      await server.restart()
      await progress(before + 50)
    }
    stop.abort()
    await Promise.all(publishers)
    for (const seen of [sole, grouped]) {
      await until('all of them', () => ids.every((id) => seen.has(id, Number(acknowledged.get(id)))), {
        deadlineMs: 60_000,
      })
      for (const id of ids) {
        expect(seen.versions(id)).toEqual(
          Array.from({ length: Number(acknowledged.get(id)) }, (_, i) => i + 1),
        )
      }
    }
  })

  test('a bus opens at once, refuses events, and works when Kafka comes', { timeout: 120_000 }, async () => {
    const port = await freePort()
    const bus = await open(randomUUID(), `127.0.0.1:${port}`)
    onTestFinished(() => bus.close())
    expect(bus.healthy()).toBe(false)
    await expect(bus.publish([change('a', 1)])).rejects.toThrow()
    const seen = collector()
    const subscribing = bus.subscribe({}, seen.take)
    const late = await startKafka({ port })
    onTestFinished(() => late.stop())
    await subscribing
    await until('the bus', () => bus.publish([change('a', 2)]).then(() => true), { deadlineMs: 30_000 })
    expect(bus.healthy()).toBe(true)
    await until('the event', () => seen.has('a', 2))
  })

  test('a bus that never found Kafka closes, with what waits for it', async () => {
    const bus = await open(randomUUID(), `127.0.0.1:${await freePort()}`)
    const subscribing = bus.subscribe({}, () => undefined)
    const publishing = expect(bus.publish([change('a', 1)])).rejects.toThrow()
    await bus.close()
    await publishing
    await (await subscribing).close()
  })
})
