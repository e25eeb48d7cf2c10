import { protect, serviceAccess } from '@count/core/access'
import type { ServiceContext, ServiceParts } from '@count/core/service'
import { fetchSessions, openSessionVerifier, sessionAccess, siteOf } from '@count/core/sessions'
import type { UpdateConfig } from './config.ts'

const name = 'dashboard-update-service'

/** Opens dashboard-update-service: DashboardUpdater. */
export async function openUpdate(config: UpdateConfig, context: ServiceContext): Promise<ServiceParts> {
  const verifier = await openSessionVerifier(fetchSessions(context, config), context.log)
  return {
    name,
    checks: [],
    plugin: async (app) => {
      protect(app, {
        session: sessionAccess(verifier, siteOf(config)),
        service: serviceAccess(config.SERVICE_TOKEN),
      })
    },
    close: () => verifier.close(),
  }
}
