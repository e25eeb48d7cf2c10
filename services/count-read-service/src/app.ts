import { protect, serviceAccess } from '@count/core/access'
import { createKeyAuthenticator } from '@count/core/api-keys'
import { openCache } from '@count/core/count-cache'
import { openCountReader } from '@count/core/count-reader'
import { createRateLimiter, keyAccess, reportKeyUses } from '@count/core/key-access'
import { connectPostgres } from '@count/core/postgres'
import type { ServiceContext, ServiceParts } from '@count/core/service'
import { openValueStore } from '@count/core/value-store'
import { openZone } from '@count/core/zone'
import type { ReadConfig } from './config.ts'
import { storeChecks } from './health.ts'
import { countRoute } from './routes/count.ts'
import { countsRoute } from './routes/counts.ts'
import { historyRoute } from './routes/history.ts'
import { internalCountsRoute } from './routes/internal-counts.ts'

const name = 'count-read-service'

/** Opens count-read-service (CA-002): CountAPI's read routes and CountReader. It writes nothing but the cache. */
export async function openRead(config: ReadConfig, { log, metrics }: ServiceContext): Promise<ServiceParts> {
  const sql = connectPostgres(config.INFO_DATABASE_URL, { name, readOnly: true })
  const sqlReplica = config.INFO_REPLICA_DATABASE_URL
    ? connectPostgres(config.INFO_REPLICA_DATABASE_URL, { name, readOnly: true })
    : undefined
  const store = await openValueStore(config, { log })
  const cache = await openCache(config.CACHE_REDIS_URL, { log, metrics })
  const reader = await openCountReader({
    store,
    cache,
    sql,
    sqlReplica,
    zone: openZone(store.zone),
    log,
    metrics,
  })
  const authenticator = createKeyAuthenticator({ sql: sqlReplica ?? sql, log })
  const uses = reportKeyUses(authenticator, cache.redis, log)

  return {
    name,
    checks: [
      ...storeChecks(store),
      {
        name: 'cache',
        critical: false,
        check() {
          if (!cache.healthy()) throw new Error('the cache is away')
        },
      },
      { name: 'count-info-db', critical: false, check: async () => void (await sql`select 1`) },
    ],
    plugin: async (app) => {
      protect(app, {
        key: keyAccess(authenticator, createRateLimiter(cache.redis)),
        service: serviceAccess(config.SERVICE_TOKEN),
      })
      await app.register(countRoute(reader))
      await app.register(countsRoute(reader))
      await app.register(historyRoute(reader))
      await app.register(internalCountsRoute(reader))
    },
    async close() {
      await uses.close()
      await authenticator.close()
      reader.close()
      cache.close()
      await store.close()
      await Promise.all([sql.end({ timeout: 1 }), sqlReplica?.end({ timeout: 1 })])
    },
  }
}
