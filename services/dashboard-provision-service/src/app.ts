import { join } from 'node:path'
import { protect, serviceAccess } from '@count/core/access'
import type { ServiceContext, ServiceParts } from '@count/core/service'
import { fetchSessions, openSessionVerifier, sessionAccess, siteOf } from '@count/core/sessions'
import { assetRoutes, pageRoutes } from '@count/web/assets'
import type { ProvisionConfig } from './config.ts'

const name = 'dashboard-provision-service'

/** Opens dashboard-provision-service: DashboardManager, the alerts and the pages. */
export async function openProvision(config: ProvisionConfig, context: ServiceContext): Promise<ServiceParts> {
  const verifier = await openSessionVerifier(fetchSessions(context, config), context.log)
  return {
    name,
    checks: [],
    plugin: async (app) => {
      protect(app, {
        session: sessionAccess(verifier, siteOf(config)),
        service: serviceAccess(config.SERVICE_TOKEN),
      })
      await app.register(assetRoutes)
      await app.register(pageRoutes('/dashboards', join(import.meta.dirname, '../public')))
    },
    close: () => verifier.close(),
  }
}
