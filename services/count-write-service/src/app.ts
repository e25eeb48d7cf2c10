import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { protect } from '@count/core/access'
import { createKeyAuthenticator } from '@count/core/api-keys'
import { isAway, within } from '@count/core/away'
import { retention } from '@count/core/buckets'
import { openCache } from '@count/core/count-cache'
import { openInfos } from '@count/core/count-infos'
import { openEventBus } from '@count/core/event-bus'
import { openGroupCommit } from '@count/core/group-commit'
import { createRateLimiter, keyAccess, reportKeyUses } from '@count/core/key-access'
import { connectPostgres, migrate } from '@count/core/postgres'
import type { ServiceContext, ServiceParts } from '@count/core/service'
import { openValueStore, type Recover } from '@count/core/value-store'
import { openZone } from '@count/core/zone'
import { type Archive, openArchive } from './archive.ts'
import { changeRelay } from './change-relay.ts'
import type { WriteConfig } from './config.ts'
import { openCountWriter } from './count-writer.ts'
import { openDrainer } from './drainer.ts'
import { openLifecycles } from './lifecycles.ts'
import { liveInfos } from './live-infos.ts'
import { callMetrics, measureBacklog } from './metrics.ts'
import { openRecovery } from './recovery.ts'
import { batchRoute } from './routes/batch.ts'
import { changeRoutes } from './routes/change.ts'
import { setValueRoute } from './routes/set-value.ts'
import { writeBehind } from './write-behind.ts'

const name = 'count-write-service'

/** Opens count-write-service (CA-001): CountAPI's write routes, CountWriter, WriteBehind, ChangeRelay and recovery. */
export async function openWrite(config: WriteConfig, context: ServiceContext): Promise<ServiceParts> {
  const { log } = context
  const archiveSql = connectPostgres(config.ARCHIVE_DATABASE_URL, { name, max: 4 })
  const infoSql = connectPostgres(config.INFO_DATABASE_URL, { name, max: 4, readOnly: true })
  const replicaSql = config.INFO_REPLICA_DATABASE_URL
    ? connectPostgres(config.INFO_REPLICA_DATABASE_URL, { name, max: 4, readOnly: true })
    : undefined
  const archive = openArchive(archiveSql)
  const known = await prepareArchive(config, archive).catch((error: Error) => {
    if (!isAway(error)) throw error
    log.warn(
      { reason: error.message },
      'the archive is away: counts of a recovered store are written, storing waits',
    )
    return undefined
  })

  let recovery: Recover | undefined
  const store = await openValueStore(
    { ...config, SHARDS: config.SHARDS ?? known?.shards, TIME_ZONE: config.TIME_ZONE ?? known?.zone },
    { log, recover: (...args) => (recovery as Recover)(...args) },
  )
  const zone = openZone(store.zone)
  const cache = await openCache(config.CACHE_REDIS_URL, { log, metrics: context.metrics })
  const infos = openInfos({ sql: infoSql, replica: replicaSql }, log)
  const lifecycles = openLifecycles(infoSql, store.shards)
  recovery = openRecovery({
    archive,
    lifecycles,
    zone,
    shards: store.shards,
    invalidate: cache.invalidate,
    log,
  })

  const ack = config.VALUE_ACK
  const commit = openGroupCommit(store, {
    log,
    zone,
    ack,
    idempotencyTtlMs: config.IDEMPOTENCY_TTL * 1000,
    onCall: callMetrics(context.metrics),
  })
  const bus = openEventBus({ ...config, stream: store.stream, log })
  const relay = openDrainer({
    name: 'changes',
    store,
    queue: (keys) => keys.changes,
    handle: changeRelay(bus, liveInfos(infos)),
    pauseMs: 50,
    ack,
    log,
  })
  const behind = openDrainer({
    name: 'dirty',
    store,
    queue: (keys) => keys.dirty,
    handle: writeBehind(store, zone, archive),
    pauseMs: 400,
    ack,
    log,
  })
  measureBacklog(context.metrics, {
    commit,
    store,
    queues: {
      changes: { drainer: relay, keys: (keys) => keys.changes },
      dirty: { drainer: behind, keys: (keys) => keys.dirty },
    },
  })
  const writer = openCountWriter({
    commit,
    store,
    liveInfos: liveInfos(infos),
    invalidate: cache.invalidate,
    changed: relay.poke,
  })
  let forgetting: NodeJS.Timeout | undefined
  /** The archive keeps history as long as the value store does. */
  const forget = () => {
    const now = Date.now()
    const before = {
      hour: Math.floor(now / 3_600_000) - retention.hour,
      day: zone.dayOf(now) - retention.day,
    }
    archive
      .forget(before)
      .catch((error: Error) => log.warn({ reason: error.message }, 'old history stays for now'))
  }
  const ended = new AbortController()
  let recordDeployment: Promise<void> | undefined
  const authenticator = createKeyAuthenticator({ sql: replicaSql ?? infoSql, log })
  const uses = reportKeyUses(authenticator, cache.redis, log)

  return {
    name,
    checks: [
      { name: 'value-store', critical: true, check: async () => void (await store.epoch(0)) },
      { name: 'archive', critical: false, check: async () => void (await archiveSql`select 1`) },
      { name: 'count-info-db', critical: false, check: async () => void (await infoSql`select 1`) },
      { name: 'cache', critical: false, check: () => demand(cache.healthy(), 'the cache is away') },
      { name: 'event-bus', critical: false, check: () => demand(bus.healthy(), 'the event bus is away') },
    ],
    plugin: async (app) => {
      protect(app, { key: keyAccess(authenticator, createRateLimiter(cache.redis)) })
      await app.register(changeRoutes(writer))
      await app.register(setValueRoute(writer))
      await app.register(batchRoute(writer, store.shardOf))
    },
    async start() {
      if (!known) recordDeployment = keepTrying(() => prepareArchive(config, archive, store), ended.signal)
      await commit.warm()
      forgetting = setInterval(forget, 3_600_000)
      relay.start()
      behind.start()
    },
    async drain() {
      await commit.close()
      await Promise.all([relay.close(), behind.close()])
    },
    async close() {
      ended.abort()
      clearInterval(forgetting)
      await recordDeployment
      await uses.close()
      await authenticator.close()
      infos.close()
      await bus.close()
      cache.close()
      await store.close()
      const pools = [archiveSql, infoSql, ...(replicaSql ? [replicaSql] : [])]
      await Promise.all(pools.map((sql) => sql.end({ timeout: 1 })))
    },
  }
}

/** Migrates the archive, records `first` there unless another was, and says what the deployment was set up with. */
async function prepareArchive(
  config: WriteConfig,
  archive: Archive,
  first?: { shards: number; zone: string },
) {
  const sql = join(import.meta.dirname, '../sql')
  await within(
    20_000,
    'the archive',
    migrate(config.ARCHIVE_MIGRATION_URL ?? config.ARCHIVE_DATABASE_URL, sql),
  )
  if (first) await archive.recordDeployment(first)
  return within(5_000, 'the archive', archive.deployment())
}

async function keepTrying(work: () => Promise<unknown>, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const done = await work().then(
      () => true,
      () => false,
    )
    if (done) return
    await delay(1000, undefined, { signal }).catch(() => {})
  }
}

function demand(condition: boolean, otherwise: string): void {
  if (!condition) throw new Error(otherwise)
}
