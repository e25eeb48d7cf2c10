import { join } from 'node:path'
import { protect, serviceAccess } from '@count/core/access'
import { connectPostgres, migrate } from '@count/core/postgres'
import type { ServiceContext, ServiceParts } from '@count/core/service'
import { fetchSessions, openSessionVerifier, sessionAccess, siteOf } from '@count/core/sessions'
import { assetRoutes, homeRoute, pageRoutes } from '@count/web/assets'
import { createAlertManager } from './alerts/alert-manager.ts'
import { createDeliveries } from './alerts/deliveries.ts'
import { startDeliveryWorker } from './alerts/delivery-worker.ts'
import { createLiveRules } from './alerts/live-rules.ts'
import { createTransitions } from './alerts/transitions.ts'
import { createWebhookSender } from './alerts/webhook-sender.ts'
import type { ProvisionConfig } from './config.ts'
import { createDashboardManager } from './dashboard-manager.ts'
import { startHousekeeping } from './housekeeping.ts'
import { createRevisions } from './revisions.ts'
import { alertRoutes } from './routes/alerts.ts'
import { dashboardRoutes } from './routes/dashboards.ts'
import { deliveryRoutes } from './routes/deliveries.ts'
import { fileRoutes } from './routes/files.ts'
import { internalRoutes } from './routes/internal.ts'
import { revisionRoutes } from './routes/revisions.ts'
import { sharePage } from './routes/share-page.ts'
import { shareRoutes } from './routes/shares.ts'
import { templateRoutes } from './routes/templates.ts'
import { trashRoutes } from './routes/trash.ts'
import { createShares } from './shares.ts'
import { createShownDashboards } from './shown-dashboards.ts'
import { createTrash } from './trash.ts'

const name = 'dashboard-provision-service'

/** Brings DashboardConfigDB up to date; see sql/. */
export const migrateDashboards = (
  config: Pick<ProvisionConfig, 'DASHBOARD_DATABASE_URL' | 'DASHBOARD_MIGRATION_URL'>,
): Promise<string[]> =>
  migrate(
    config.DASHBOARD_MIGRATION_URL ?? config.DASHBOARD_DATABASE_URL,
    join(import.meta.dirname, '../sql'),
  )

/** Opens dashboard-provision-service: DashboardManager, the alerts with their webhooks, and the pages. */
export async function openProvision(config: ProvisionConfig, context: ServiceContext): Promise<ServiceParts> {
  const { log } = context
  await migrateDashboards(config)
  const connect = (use: string, max: number) =>
    connectPostgres(config.DASHBOARD_DATABASE_URL, { name: `${name}${use}`, max })
  const sql = connect('', 10)
  const publicSql = connect('-public', 2)
  const workerSql = connect('-worker', 2)
  const allowPrivate = config.WEBHOOK_ALLOW_PRIVATE
  const sender = createWebhookSender({ allowPrivate })
  const worker = startDeliveryWorker({ sql: workerSql, sender, log })
  const housekeeping = startHousekeeping({ sql: workerSql, log })
  const verifier = await openSessionVerifier(fetchSessions(context, config), log)

  const manager = createDashboardManager(sql)
  const shares = createShares({ sql, publicSql, publicUrl: config.PUBLIC_URL })
  const alerts = createAlertManager({ sql, allowPrivate, onTransition: worker.wake })
  const transitions = createTransitions({ sql, onTransition: worker.wake })
  return {
    name,
    documentsAll: true,
    checks: [
      { name: 'dashboard-config-db', critical: true, check: async () => void (await sql`select 1`) },
      { name: 'sessions', critical: false, check: () => demand(verifier.healthy(), 'management is away') },
    ],
    plugin: async (app) => {
      protect(app, {
        session: sessionAccess(verifier, siteOf(config)),
        service: serviceAccess(config.SERVICE_TOKEN),
      })
      await app.register(dashboardRoutes(manager))
      await app.register(trashRoutes(createTrash(sql)))
      await app.register(revisionRoutes({ revisions: createRevisions(sql), manager }))
      await app.register(templateRoutes(manager))
      await app.register(fileRoutes(manager))
      await app.register(shareRoutes(shares))
      await app.register(alertRoutes({ alerts, transitions }))
      await app.register(deliveryRoutes(createDeliveries({ sql, sender, onPending: worker.wake })))
      await app.register(
        internalRoutes({ shown: createShownDashboards(sql), rules: createLiveRules(sql), transitions }),
      )
      await app.register(assetRoutes)
      await app.register(homeRoute('/dashboards/'))
      await app.register(pageRoutes('/dashboards', join(import.meta.dirname, '../public')))
      await app.register(sharePage(shares))
    },
    drain: () => worker.close(),
    async close() {
      await verifier.close()
      await worker.close()
      await housekeeping.close()
      await sender.close()
      await Promise.all([sql, publicSql, workerSql].map((pool) => pool.end({ timeout: 1 })))
    },
  }
}

function demand(condition: boolean, otherwise: string): void {
  if (!condition) throw new Error(otherwise)
}
