import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { startKafka } from './kafka-server.ts'
import { endLeftover, type Program } from './leftover.ts'
import { postgresHome, startPostgres } from './postgres-server.ts'
import { cacheRole, replicaRole, valueStoreRole } from './redis-roles.ts'
import { type RedisOptions, startRedis } from './redis-server.ts'
import { keptPort, type StoreName } from './stack-state.ts'
import type { StorePlace, StoreSource } from './stores.ts'

const REDIS = { name: 'redis-server', signal: 'SIGTERM' } as const
const POSTGRES = { name: 'postgres', signal: 'SIGINT' } as const
const KAFKA = { name: 'java', signal: 'SIGTERM' } as const

/** Stores as processes of this machine. */
export const localStores: StoreSource = {
  startValueStore: (place) => redis(place, 'value', valueStoreRole()),
  startReplica: (place, primary) => redis(place, 'replica', replicaRole(primary)),
  startCache: (place) => redis(place, 'cache', cacheRole()),

  async startDatabaseServer(place) {
    const { state, dataDir, log } = place
    const usual = join(dataDir, 'postgres')
    const dir = state.postgresDir ?? (await postgresHome(usual, `postgres-${randomBytes(6).toString('hex')}`))
    if (dir !== usual) {
      if (!state.postgresDir) log.warn(`PostgreSQL's account cannot enter ${dataDir}: its data is in ${dir}`)
      state.postgresDir = dir
    }
    const prepared = await prepare(place, 'postgres', dir, POSTGRES)
    return await startPostgres({ ...prepared, password: state.passwords.superuser })
  },

  async startEventBus(place) {
    return await startKafka(await prepare(place, 'kafka', join(place.dataDir, 'kafka'), KAFKA))
  },
}

async function redis(place: StorePlace, name: StoreName, role: RedisOptions) {
  const prepared = await prepare(place, name, join(place.dataDir, name), REDIS)
  return await startRedis({ ...role, ...prepared, password: place.state.passwords.redis })
}

/** Ends what an earlier start left of this store, then says where and how to start it. */
async function prepare(place: StorePlace, name: StoreName, dir: string, program: Program) {
  const pidFile = join(place.dataDir, 'run', `${name}.pid`)
  const logFile = join(place.dataDir, 'logs', `${name}.log`)
  const leftover = await endLeftover(pidFile, dir, program)
  if (leftover)
    place.log.info(`ended the ${name} store that an earlier start left running (process ${leftover})`)
  return { dir, port: await keptPort(place.state, name), logFile, pidFile, detached: true }
}
