import { Kafka, logLevel, type Producer } from 'kafkajs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type KafkaServer, startKafka } from '../src/kafka-server.ts'
import { testKafka } from '../src/testing.ts'
import { until } from '../src/until.ts'

let server: KafkaServer
let kafka: Kafka

beforeAll(async () => {
  server = await startKafka()
  kafka = clientOf(server.brokers)
})
afterAll(() => server?.stop())

const clientOf = (brokers: string) => new Kafka({ brokers: brokers.split(','), logLevel: logLevel.NOTHING })

async function send(producer: Producer, value: string): Promise<void> {
  await producer.send({ topic: 'kept', messages: [{ value }], acks: -1 })
}

test('a killed broker comes back on its address with its messages', async () => {
  const producer = kafka.producer()
  const consumer = kafka.consumer({ groupId: 'reader' })
  const seen: string[] = []
  try {
    await producer.connect()
    await send(producer, 'before')
    await server.kill('SIGKILL')
    expect(server.running()).toBe(false)
    await server.restart()
    await until('the broker to take messages', () => send(producer, 'after').then(() => true), {
      deadlineMs: 20_000,
    })
    await consumer.connect()
    await consumer.subscribe({ topic: 'kept', fromBeginning: true })
    await consumer.run({ eachMessage: async ({ message }) => void seen.push(String(message.value)) })
    await until('both messages', () => seen.includes('before') && seen.includes('after'), {
      deadlineMs: 20_000,
    })
  } finally {
    await consumer.disconnect()
    await producer.disconnect()
  }
})

test('test files share one Kafka, and each gets a topic of its own', async () => {
  const [one, two] = await Promise.all([testKafka(), testKafka()])
  expect(one.brokers).toBe(two.brokers)
  expect(one.topic).not.toBe(two.topic)
  const admin = clientOf(one.brokers).admin()
  await admin.connect()
  await admin.createTopics({ topics: [{ topic: one.topic, numPartitions: 12 }], waitForLeaders: true })
  const topics = await admin.listTopics()
  expect(topics).toContain(one.topic)
  await admin.disconnect()
})
