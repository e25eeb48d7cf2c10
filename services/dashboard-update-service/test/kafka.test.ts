import { startKafka } from '@count/stack/kafka-server'
import { until } from '@count/stack/until'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openWorld, panel, type World } from './world.ts'

let kafka: Awaited<ReturnType<typeof startKafka>>
let world: World
beforeAll(async () => {
  kafka = await startKafka()
  world = await openWorld({ env: { KAFKA_BROKERS: kafka.brokers } })
})
afterAll(async () => {
  await world.close().finally(() => kafka.stop())
})

test('through Kafka changes arrive once; while it is away values are read from the replica, and said to be', async () => {
  for (const id of ['k:a', 'k:b']) await world.create(id)
  world.provision.save('board', { panels: [panel('all', { prefix: 'k:' }, { type: 'table' })] })
  const server = await world.startUpdate()
  const watcher = await world.open(server, 'board')
  await until('to be live', () => watcher.status() === 'live')
  await Promise.all(Array.from({ length: 50 }, () => world.increment('k:a')))
  await watcher.shows('k:a', 50)

  await kafka.kill('SIGKILL')
  await until('it to say that it polls', () => watcher.status() === 'polling')
  await world.increment('k:b', 7)
  await watcher.shows('k:b', 7)
  await world.create('k:c', { initialValue: 3 })

  await kafka.restart()
  await until('to be live again', () => watcher.status() === 'live', { deadlineMs: 60_000 })
  await watcher.shows('k:c', 3)
  await world.increment('k:a', 5)
  await watcher.shows('k:a', 55)
  expect(watcher.faults).toEqual([])
}, 180_000)
