import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { connected } from '@count/core/databases'
import { startContainer } from './docker-container.ts'
import { kafkaAnswers } from './kafka-answers.ts'
import { freePort } from './ports.ts'
import { redisInfo } from './redis-command.ts'
import { cacheRole, replicaRole, valueStoreRole } from './redis-roles.ts'
import { type RedisSettings, redisSettings } from './redis-settings.ts'
import { keptPort, type StoreName } from './stack-state.ts'
import type { StorePlace, StoreSource } from './stores.ts'

export const REDIS_IMAGE = 'redis:7.4'
const POSTGRES_IMAGE = 'postgres:17'
const KAFKA_IMAGE = 'apache/kafka:4.1.0'
const HOST = '127.0.0.1'

/** Stores as containers, their data below DATA_DIR. */
export const dockerStores: StoreSource = {
  startValueStore: (place) => redis(place, 'value', valueStoreRole()),
  startReplica: (place, primary) => redis(place, 'replica', replicaRole(primary)),
  startCache: (place) => redis(place, 'cache', cacheRole()),

  async startDatabaseServer(place) {
    const { dir, port, label } = await prepare(place, 'postgres')
    const password = place.state.passwords.superuser
    const url = `postgres://postgres:${password}@${HOST}:${port}/postgres`
    const store = await startContainer({
      image: POSTGRES_IMAGE,
      label,
      command: ['postgres', '-c', `listen_addresses=${HOST}`, '-c', 'max_connections=200'],
      env: {
        PGPORT: String(port),
        POSTGRES_PASSWORD: password,
        // By default the image trusts whoever comes from 127.0.0.1, which here is every user of the machine.
        POSTGRES_INITDB_ARGS: '--encoding=UTF8 --locale=C.UTF-8 --auth=scram-sha-256',
      },
      binds: { [dir]: '/var/lib/postgresql/data' },
      ready: () => connected(url, (sql) => sql`SELECT 1`).then(() => true),
    })
    return Object.assign(store, { url })
  },

  async startEventBus(place) {
    const { dir, port, label } = await prepare(place, 'kafka')
    // The image runs as a user of its own, whose number is not ours to choose.
    await chmod(dir, 0o777)
    const store = await startContainer({
      image: KAFKA_IMAGE,
      label,
      env: kafkaSettings(port, await freePort()),
      binds: { [dir]: '/var/lib/kafka/data' },
      ready: () => kafkaAnswers(HOST, port),
    })
    return Object.assign(store, { brokers: `${HOST}:${port}` })
  },
}

async function redis(place: StorePlace, name: StoreName, role: Omit<RedisSettings, 'dir' | 'port'>) {
  const { dir, port, label } = await prepare(place, name)
  const { redis: password } = place.state.passwords
  const address = { host: HOST, port, password }
  // Beside the data, which the image makes its own user's: here we can write again, and that user can read.
  const settings = join(place.dataDir, 'run', `${name}.conf`)
  await writeFile(settings, redisSettings({ ...role, dir: '/data', port, password }), { mode: 0o644 })
  const store = await startContainer({
    image: REDIS_IMAGE,
    label,
    command: ['redis-server', '/etc/redis.conf'],
    binds: { [dir]: '/data', [settings]: '/etc/redis.conf' },
    ready: async () => (await redisInfo(address, 'persistence', 'loading')) === '0',
  })
  return Object.assign(store, { ...address, url: `redis://:${password}@${HOST}:${port}` })
}

async function prepare({ dataDir, state }: StorePlace, name: StoreName) {
  const dir = join(dataDir, name)
  await mkdir(dir, { recursive: true })
  return { dir, port: await keptPort(state, name), label: `${name} of ${dataDir}` }
}

const kafkaSettings = (port: number, controllerPort: number): Record<string, string> => ({
  KAFKA_NODE_ID: '1',
  KAFKA_PROCESS_ROLES: 'broker,controller',
  KAFKA_LISTENERS: `PLAINTEXT://${HOST}:${port},CONTROLLER://${HOST}:${controllerPort}`,
  KAFKA_ADVERTISED_LISTENERS: `PLAINTEXT://${HOST}:${port}`,
  KAFKA_LISTENER_SECURITY_PROTOCOL_MAP: 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
  KAFKA_CONTROLLER_LISTENER_NAMES: 'CONTROLLER',
  KAFKA_CONTROLLER_QUORUM_VOTERS: `1@${HOST}:${controllerPort}`,
  KAFKA_LOG_DIRS: '/var/lib/kafka/data',
  KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR: '1',
  KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR: '1',
  KAFKA_TRANSACTION_STATE_LOG_MIN_ISR: '1',
  KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS: '0',
})
