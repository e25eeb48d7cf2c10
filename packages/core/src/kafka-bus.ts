import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import {
  type Admin,
  type Consumer,
  Kafka,
  type KafkaConfig,
  logLevel,
  Partitioners,
  type Producer,
  type RetryOptions,
} from 'kafkajs'
import type { Logger } from 'pino'
import { within } from './away.ts'
import type { EventBus, EventBusSettings, EventHandler, SubscribeOptions, Subscription } from './event-bus.ts'
import { parseEvent } from './events.ts'
import { type Message, openSendQueue } from './send-queue.ts'
import { trustIn } from './store-tls.ts'
import { traceparent } from './trace.ts'

const headers = { 'content-type': 'application/cloudevents+json' }
/** How often the broker is asked whether it is there, and how long until the next try when it is not, in ms. */
const probeMs = 2000
const retryMs = 500
/** A send is given up after some seconds; the caller decides then. */
const retry: RetryOptions = { initialRetryTime: 100, maxRetryTime: 1000, retries: 5 }
/** What a broker that is away may hold up the end, in ms. */
const closeMs = 5000

interface Options extends EventBusSettings {
  KAFKA_BROKERS: string
  log: Logger
  name?: string
}

/** How the brokers are reached: by TLS, as whom. */
function accessOf({
  KAFKA_TLS,
  KAFKA_SASL_MECHANISM: mechanism = 'scram-sha-512',
  KAFKA_USERNAME: username,
  KAFKA_PASSWORD: password,
}: Partial<EventBusSettings>): Pick<KafkaConfig, 'ssl' | 'sasl'> {
  const ssl = KAFKA_TLS === undefined || KAFKA_TLS === 'true' ? KAFKA_TLS === 'true' : trustIn(KAFKA_TLS)
  if (username === undefined || password === undefined) return { ssl }
  const account = { username, password }
  // One member of a union each: the types know no mechanism that is one of several.
  if (mechanism === 'plain') return { ssl, sasl: { mechanism, ...account } }
  if (mechanism === 'scram-sha-256') return { ssl, sasl: { mechanism, ...account } }
  return { ssl, sasl: { mechanism, ...account } }
}

/** The event bus on Kafka; topic count.changes, key = count id. kafkajs appears in this file alone. */
export function openKafkaBus({
  KAFKA_BROKERS,
  EVENT_PARTITIONS,
  EVENT_RETENTION,
  log,
  name = 'count.changes',
  ...access
}: Options): EventBus {
  const closing = new AbortController()
  const subscriptions = new Set<Subscription>()
  const kafka = new Kafka({
    clientId: 'count',
    brokers: KAFKA_BROKERS.split(',').map((broker) => broker.trim()),
    ...accessOf(access),
    connectionTimeout: 1000,
    requestTimeout: 10_000,
    retry,
    logLevel: logLevel.ERROR,
    // The library calls every attempt an error; we say it once, in our own words.
    logCreator:
      () =>
      ({ namespace, log: entry }) =>
        log.debug({ namespace, ...entry }, 'kafka client'),
  })

  // The topic, and whether the bus is there.

  const admin = kafka.admin()
  let healthy = false
  const topicStands = Promise.withResolvers<void>()

  async function makeTopic(admin: Admin): Promise<void> {
    await admin.connect()
    const configEntries = [{ name: 'retention.ms', value: String(EVENT_RETENTION * 1000) }]
    // One that exists, perhaps tuned by its operator, stays as it is.
    await admin.createTopics({
      topics: [{ topic: name, numPartitions: EVENT_PARTITIONS, configEntries }],
      waitForLeaders: true,
    })
    topicStands.resolve()
  }

  async function probe(): Promise<void> {
    let made = false
    while (!closing.signal.aborted) {
      try {
        if (!made) await makeTopic(admin)
        else await admin.fetchTopicMetadata({ topics: [name] })
        made = true
        if (!healthy) log.info({ store: 'event bus' }, 'store here')
        healthy = true
      } catch (error) {
        if (healthy) log.warn({ store: 'event bus', reason: String(error) }, 'store away')
        healthy = false
      }
      await delay(probeMs, undefined, { signal: closing.signal }).catch(() => undefined)
    }
    await admin.disconnect()
  }
  const probing = probe()

  // Publishing: one idempotent producer, one batch in flight.

  let producer: Producer | undefined
  let partitions = new Set<number>()

  async function connectProducer(): Promise<Producer> {
    const partitionOf = Partitioners.DefaultPartitioner()
    const made = kafka.producer({
      idempotent: true,
      maxInFlightRequests: 1,
      allowAutoTopicCreation: false,
      retry,
      createPartitioner: () => (args) => {
        const partition = partitionOf(args)
        partitions.add(partition)
        return partition
      },
    })
    await made.connect()
    return made
  }

  async function send(messages: Message[]): Promise<void> {
    producer ??= await connectProducer()
    const sender = producer
    partitions = new Set()
    // Net changes of many requests: the batch is a trace of its own.
    const traced = { ...headers, traceparent: traceparent() }
    try {
      const records = await sender.sendBatch({
        acks: -1,
        topicMessages: [
          { topic: name, messages: messages.map((message) => ({ ...message, headers: traced })) },
        ],
      })
      log.debug({ topic: name, events: messages.length, traceparent: traced.traceparent }, 'published')
      // When leaders move between two attempts the library may leave out a partition and still call it done.
      const acknowledged = new Set(records.map((record) => record.partition))
      if (!partitions.isSubsetOf(acknowledged)) throw new Error('Kafka did not acknowledge every partition')
    } catch (error) {
      // It rolled its sequence numbers back without knowing what arrived: another batch under the same numbers would be
      // taken for a duplicate and dropped. A new producer has numbers of its own.
      producer = undefined
      healthy = false
      void sender.disconnect().catch(() => undefined)
      throw error
    }
  }
  const queue = openSendQueue(send)

  // Subscribing.

  async function subscribe(options: SubscribeOptions, handler: EventHandler): Promise<Subscription> {
    const stop = new AbortController()
    const signal = AbortSignal.any([stop.signal, closing.signal])
    const standing = Promise.withResolvers<void>()
    /** Next offset of each partition, for a subscriber without a group, which has nothing committed. */
    let places: Map<number, string> | undefined
    let ended = Promise.withResolvers<void>()
    signal.addEventListener('abort', () => ended.resolve())

    async function consume(consumer: Consumer): Promise<void> {
      await Promise.race([topicStands.promise, ended.promise])
      if (signal.aborted) return
      const sole = options.group === undefined
      if (sole) places ??= await ends()
      await consumer.connect()
      await consumer.subscribe({ topic: name, fromBeginning: sole || options.from === 'earliest' })
      consumer.on(consumer.events.GROUP_JOIN, () => {
        for (const [partition, offset] of places ?? []) consumer.seek({ topic: name, partition, offset })
        standing.resolve()
      })
      // What the library does not mend by itself begins anew below.
      consumer.on(consumer.events.CRASH, ({ payload }) => {
        if (!payload.restart) ended.resolve()
      })
      await consumer.run({
        autoCommit: !sole,
        async eachBatch({ batch }) {
          const events = batch.messages
            .map((message) => parseEvent(message.value?.toString()))
            .filter((event) => event !== undefined)
          if (events.length < batch.messages.length)
            log.warn({ topic: name }, 'messages that are no events were left out')
          const traceparents = new Set(batch.messages.map(({ headers }) => String(headers?.traceparent)))
          log.debug({ topic: name, events: events.length, traceparents: [...traceparents] }, 'received')
          if (events.length > 0) await handler(events)
          places?.set(batch.partition, String(BigInt(batch.lastOffset()) + 1n))
        },
      })
      await ended.promise
    }

    async function ends(): Promise<Map<number, string>> {
      const offsets = await admin.fetchTopicOffsets(name)
      return new Map(offsets.map(({ partition, high }) => [partition, high]))
    }

    async function run(): Promise<void> {
      const groupId = options.group ?? `${name}.${randomUUID()}`
      while (!signal.aborted) {
        ended = Promise.withResolvers<void>()
        const consumer = kafka.consumer({
          groupId,
          allowAutoTopicCreation: false,
          maxWaitTimeInMs: 500,
          sessionTimeout: 30_000,
          retry,
        })
        try {
          await consume(consumer)
        } catch (error) {
          log.debug({ topic: name, reason: String(error) }, 'event subscription failed, trying again')
        }
        await consumer.disconnect().catch(() => undefined)
        if (!signal.aborted) await delay(retryMs, undefined, { signal }).catch(() => undefined)
      }
      standing.resolve()
    }
    const running = run()

    const subscription = {
      async close() {
        stop.abort()
        subscriptions.delete(subscription)
        await running
      },
    }
    subscriptions.add(subscription)
    await standing.promise
    return subscription
  }

  return {
    publish: queue.publish,
    subscribe,
    healthy: () => healthy,
    async close() {
      closing.abort()
      const end = async () => {
        await queue.close()
        await Promise.all([...subscriptions].map((subscription) => subscription.close()))
        await producer?.disconnect()
        await probing
      }
      await within(closeMs, 'Kafka', end()).catch((error) =>
        log.debug({ reason: String(error) }, 'event bus left open'),
      )
    },
  }
}
