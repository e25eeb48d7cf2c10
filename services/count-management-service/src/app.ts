import { join } from 'node:path'
import { protect, serviceAccess } from '@count/core/access'
import { openCache } from '@count/core/count-cache'
import { openRecords } from '@count/core/count-records'
import { openEventBus } from '@count/core/event-bus'
import { openGroupCommit } from '@count/core/group-commit'
import { connectPostgres, migrate } from '@count/core/postgres'
import type { ServiceContext, ServiceParts } from '@count/core/service'
import { openSessionVerifier, sessionAccess, siteOf } from '@count/core/sessions'
import { openValueStore } from '@count/core/value-store'
import { openZone } from '@count/core/zone'
import { pageRoutes } from '@count/web/assets'
import { createAuditTrail } from './audit-trail.ts'
import { openBulk } from './bulk/open-bulk.ts'
import type { ManagementConfig } from './config.ts'
import { startSigning } from './count-blocks.ts'
import { createCountManager } from './count-manager.ts'
import { startHousekeeping } from './housekeeping.ts'
import { createKeyManager } from './key-manager.ts'
import { createLifecycle } from './lifecycle.ts'
import { startOutbox } from './lifecycle-outbox.ts'
import { analysisRoutes } from './routes/analyses.ts'
import { auditRoutes } from './routes/audit.ts'
import { countRoutes } from './routes/counts.ts'
import { exportRoutes } from './routes/exports.ts'
import { importRoutes } from './routes/imports.ts'
import { jobRoutes } from './routes/jobs.ts'
import { keyRoutes } from './routes/keys.ts'
import { renewal, sessionRoutes } from './routes/session.ts'
import { ownRoutes } from './routes/sessions.ts'
import { trashRoutes } from './routes/trash.ts'
import { userRoutes } from './routes/users.ts'
import { createSavedAnalyses } from './saved-analyses.ts'
import { createSessions } from './sessions.ts'
import { openSignIn } from './sign-in.ts'
import { listTags } from './tags.ts'
import { createTrash } from './trash.ts'
import { createUndo } from './undo.ts'
import { createUserManager } from './user-manager.ts'

const name = 'count-management-service'

/** Brings CountInfoDB up to date; see sql/. */
export const migrateInfo = (
  config: Pick<ManagementConfig, 'INFO_DATABASE_URL' | 'INFO_MIGRATION_URL'>,
): Promise<string[]> =>
  migrate(config.INFO_MIGRATION_URL ?? config.INFO_DATABASE_URL, join(import.meta.dirname, '../sql'))

/** Opens count-management-service: CountManager, the keys and sessions of all services, and the lifecycle outbox. */
export async function openManagement(
  config: ManagementConfig,
  context: ServiceContext,
): Promise<ServiceParts> {
  const { log, metrics } = context
  await migrateInfo(config)
  const sql = connectPostgres(config.INFO_DATABASE_URL, { name, plans: 'custom' })
  // The worker holds a connection while a store thinks: requests have their own.
  const workerSql = connectPostgres(config.INFO_DATABASE_URL, { name: `${name}-worker`, max: 2 })
  const store = await openValueStore(config, { log })
  const zone = openZone(store.zone)
  const cache = await openCache(config.CACHE_REDIS_URL, { log, metrics })
  const records = await openRecords(store, { log, metrics })
  const commit = openGroupCommit(store, {
    log,
    zone,
    ack: config.VALUE_ACK,
    idempotencyTtlMs: config.IDEMPOTENCY_TTL * 1000,
  })
  const bus = openEventBus({ ...config, stream: store.stream, log })
  const outbox = startOutbox({
    sql: workerSql,
    lifecycle: createLifecycle({ sql: workerSql, store, cache }),
    bus,
    log,
  })
  const housekeeping = startHousekeeping({ sql: workerSql, cache, log })
  const signing = startSigning({ sql: workerSql, log })
  const lifecycle = createLifecycle({ sql, store, cache })
  const manager = createCountManager({
    sql,
    store,
    records,
    zone,
    lifecycle,
    commit,
    cache,
    onChange: outbox.wake,
  })
  const signIn = await openSignIn(sql)
  const verifier = await openSessionVerifier(signIn.list, log)
  const site = siteOf(config)
  const sessions = createSessions(sql, verifier)
  const users = createUserManager(sql, sessions)
  const trash = createTrash({ sql, store, records, lifecycle, onChange: outbox.wake })
  const undo = createUndo({ sql, manager, trash, idempotencyTtl: config.IDEMPOTENCY_TTL })

  const bulk = openBulk(config.INFO_DATABASE_URL, `${name}-jobs`, {
    store,
    zone,
    cache,
    records,
    log,
    onChange: outbox.wake,
  })

  return {
    name,
    checks: [
      { name: 'count-info-db', critical: true, check: async () => void (await sql`select 1`) },
      { name: 'value-store', critical: false, check: async () => void (await store.epoch(0)) },
      { name: 'cache', critical: false, check: () => demand(cache.healthy(), 'the cache is away') },
      { name: 'event-bus', critical: false, check: () => demand(bus.healthy(), 'the event bus is away') },
    ],
    plugin: async (app) => {
      protect(app, { session: sessionAccess(verifier, site), service: serviceAccess(config.SERVICE_TOKEN) })
      app.addHook('preHandler', renewal(signIn, sessions, site))
      await app.register(sessionRoutes({ signIn, verifier, site }))
      await app.register(pageRoutes('/management', join(import.meta.dirname, '../public')))
      await app.register(countRoutes(manager, (query) => listTags(sql, query)))
      await app.register(trashRoutes({ trash, manager }))
      await app.register(auditRoutes({ trail: createAuditTrail(sql), undo }))
      await app.register(userRoutes(users))
      await app.register(ownRoutes({ sessions, users }))
      await app.register(keyRoutes(createKeyManager(sql)))
      await app.register(jobRoutes(bulk.jobs))
      await app.register(importRoutes(bulk.jobs))
      await app.register(exportRoutes(bulk.exports))
      await app.register(analysisRoutes(createSavedAnalyses(sql)))
    },
    async drain() {
      await bulk.drain()
      await commit.close()
      await outbox.close()
    },
    async close() {
      await verifier.close()
      await bulk.close()
      await outbox.close()
      await housekeeping.close()
      await signing.close()
      await commit.close()
      await bus.close()
      records.close()
      cache.close()
      await store.close()
      await Promise.all([sql.end({ timeout: 1 }), workerSql.end({ timeout: 1 })])
    },
  }
}

function demand(condition: boolean, otherwise: string): void {
  if (!condition) throw new Error(otherwise)
}
