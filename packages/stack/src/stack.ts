import { mkdir, realpath } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { createDatabases } from '@count/core/databases'
import { lockDirectory } from './lock.ts'
import { readState, writeSecret, writeState } from './stack-state.ts'
import { type Environment, givenAddresses, missingDatabases, type StoreAddresses } from './store-addresses.ts'
import { chooseSource } from './store-source.ts'
import type { StoreSource } from './stores.ts'
import { type Log, type Store, supervise } from './supervise.ts'

export type Stack = {
  /** variable → address of every store in use, as in `$DATA_DIR/stores.json` */
  addresses: StoreAddresses
  /** Stops what was started here, in at most 5 s. */
  close(): Promise<void>
}

export type StackOptions = {
  /** holds the stores' data, ports, passwords and logs; made when missing */
  dataDir: string
  /** the stores' addresses, where they are given, and STACK (auto, docker, local) */
  env: Environment
  /** whether to start Kafka when KAFKA_BROKERS is not given */
  kafka: boolean
  log: Log
}

/**
 * Opens every store: takes those whose address is in `env` and starts the others, on the ports, passwords and data of
 * the last time. What a killed process left running on this directory is ended first; what ends while we run is started
 * again. Writes `$DATA_DIR/stores.json` (mode 600).
 * @throws when another process uses the directory, or a store does not start (then everything is stopped again)
 */
export async function openStack({ dataDir: asked, env, kafka, log }: StackOptions): Promise<Stack> {
  const dataDir = await prepareDirectory(asked)
  const lock = await lockDirectory(dataDir)
  const closers: (() => Promise<void>)[] = []
  const close = async () => {
    await Promise.all(closers.splice(0).map((one) => one()))
    lock.release()
  }

  /** Awaits a store's start, and from then on keeps it running until `close`. */
  async function keep<T extends Store>(name: string, starting: Promise<T>): Promise<T> {
    const store = await starting
    const { stop } = supervise(name, store, log)
    closers.push(stop)
    return store
  }

  try {
    const state = await readState(dataDir)
    // Before anything is made with its passwords: who kills us meanwhile leaves data that can be opened.
    await writeState(dataDir, state)
    const place = { dataDir, state, log }
    const given = givenAddresses(env)
    let choice: Promise<StoreSource> | undefined
    // At the first store that has to be started: with every address given nobody asks for a Docker.
    const source = () => (choice ??= choose())

    async function choose(): Promise<StoreSource> {
      const chosen = await chooseSource(env, state, log)
      await writeState(dataDir, state)
      return chosen
    }

    async function openValueStore(): Promise<StoreAddresses> {
      if (given.VALUE_REDIS_URL) return {}
      const { startValueStore, startReplica } = await source()
      const primary = await keep('value store', startValueStore(place))
      if (given.VALUE_REPLICA_REDIS_URL) return { VALUE_REDIS_URL: primary.url }
      const replica = await keep('value replica', startReplica(place, primary))
      return { VALUE_REDIS_URL: primary.url, VALUE_REPLICA_REDIS_URL: replica.url }
    }

    async function openCache(): Promise<StoreAddresses> {
      if (given.CACHE_REDIS_URL) return {}
      return { CACHE_REDIS_URL: (await keep('cache', (await source()).startCache(place))).url }
    }

    async function openDatabases(): Promise<StoreAddresses> {
      if (given.INFO_DATABASE_URL && given.ARCHIVE_DATABASE_URL && given.DASHBOARD_DATABASE_URL) return {}
      const server = await keep('PostgreSQL', (await source()).startDatabaseServer(place))
      return missingDatabases(await createDatabases(server.url, { passwords: state.passwords }), given)
    }

    async function openEventBus(): Promise<StoreAddresses> {
      if (given.KAFKA_BROKERS || !kafka) return {}
      return { KAFKA_BROKERS: (await keep('Kafka', (await source()).startEventBus(place))).brokers }
    }

    const opening = [openValueStore(), openCache(), openDatabases(), openEventBus()]
    // All have ended before any failure is answered: a store that is still on its way up could not be stopped.
    const opened = await Promise.allSettled(opening)
    await writeState(dataDir, state)
    const failed = opened.find((one) => one.status === 'rejected')
    if (failed) throw failed.reason
    const addresses: StoreAddresses = Object.assign({}, given, ...(await Promise.all(opening)))
    await writeSecret(join(dataDir, 'stores.json'), addresses)
    return { addresses, close }
  } catch (error) {
    await close()
    throw error
  }
}

/** @returns its path as the servers see it, without symbolic links */
async function prepareDirectory(asked: string): Promise<string> {
  // PostgreSQL, another user when we are root, passes through; what is secret has its own mode.
  await mkdir(resolve(asked), { recursive: true, mode: 0o711 })
  const dataDir = await realpath(asked)
  await mkdir(join(dataDir, 'run'), { recursive: true, mode: 0o700 })
  await mkdir(join(dataDir, 'logs'), { recursive: true, mode: 0o700 })
  return dataDir
}
