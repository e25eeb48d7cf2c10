import { randomBytes } from 'node:crypto'
import { protect, serviceAccess } from '@count/core/access'
import { openCache } from '@count/core/count-cache'
import { openCountReader } from '@count/core/count-reader'
import { openEventBus } from '@count/core/event-bus'
import type { HealthCheck } from '@count/core/health'
import { connectPostgres } from '@count/core/postgres'
import type { ServiceContext, ServiceParts } from '@count/core/service'
import { fetchSessions, openSessionVerifier, sessionAccess, siteOf } from '@count/core/sessions'
import { openValueStore } from '@count/core/value-store'
import { openZone } from '@count/core/zone'
import type { UpdateConfig } from './config.ts'
import { openDashboardUpdater } from './dashboard-updater.ts'
import { createProvisionClient } from './provision-client.ts'
import { streamRoutes } from './routes/streams.ts'
import { createStreamMeter } from './stream-meter.ts'

const name = 'dashboard-update-service'

export interface UpdateOptions {
  /** How long a client may leave unread what it was sent; default 30 s. */
  unreadMs?: number
}

/** Opens dashboard-update-service: DashboardUpdater and CountReader. It writes nothing but the cache. */
export async function openUpdate(
  config: UpdateConfig,
  context: ServiceContext,
  { unreadMs }: UpdateOptions = {},
): Promise<ServiceParts> {
  const { log, metrics } = context
  const verifier = await openSessionVerifier(fetchSessions(context, config), log)
  const sql = connectPostgres(config.INFO_DATABASE_URL, { name, readOnly: true })
  const sqlReplica = config.INFO_REPLICA_DATABASE_URL
    ? connectPostgres(config.INFO_REPLICA_DATABASE_URL, { name, readOnly: true })
    : undefined
  const store = await openValueStore(config, { log })
  const cache = await openCache(config.CACHE_REDIS_URL, { log, metrics })
  const zone = openZone(store.zone)
  const reader = await openCountReader({ store, cache, sql, sqlReplica, zone, log, metrics })
  const meter = createStreamMeter(metrics)
  const bus = openEventBus({ ...config, stream: store.stream, log })
  const updater = openDashboardUpdater({
    process: randomBytes(6).toString('base64url'),
    bus,
    reader,
    cache,
    zone,
    provision: createProvisionClient(context, config),
    meter,
    log,
    unreadMs,
  })

  return {
    name,
    checks: [
      check('event-bus', () => bus.healthy()),
      check('cache', () => cache.healthy()),
      check('live-values', () => updater.status().state !== 'stale'),
      check('dashboard-provision-service', () => updater.provisionHealthy()),
      { name: 'count-info-db', critical: false, check: async () => void (await sql`select 1`) },
    ],
    plugin: async (app) => {
      protect(app, {
        session: sessionAccess(verifier, siteOf(config)),
        service: serviceAccess(config.SERVICE_TOKEN),
      })
      await app.register(streamRoutes({ updater, verifier, open: meter.open }))
    },
    async close() {
      await updater.close()
      // A bus that is away takes its time; nothing else waits for it.
      const busClosed = bus.close()
      await verifier.close()
      reader.close()
      cache.close()
      await Promise.all([sql.end({ timeout: 1 }), sqlReplica?.end({ timeout: 1 })])
      await busClosed
      await store.close()
    },
  }
}

const check = (name: string, good: () => boolean): HealthCheck => ({
  name,
  critical: false,
  check() {
    if (!good()) throw new Error(`${name} is away`)
  },
})
