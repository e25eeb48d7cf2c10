import { join } from 'node:path'
import { protect, serviceAccess } from '@count/core/access'
import type { ServiceContext, ServiceParts } from '@count/core/service'
import { fetchSessions, openSessionVerifier, sessionAccess, siteOf } from '@count/core/sessions'
import { pageRoutes } from '@count/web/assets'
import type { AnalysisConfig } from './config.ts'

const name = 'count-analysis-service'

/** Opens count-analysis-service: CountAnalyzer and its pages. */
export async function openAnalysis(config: AnalysisConfig, context: ServiceContext): Promise<ServiceParts> {
  const verifier = await openSessionVerifier(fetchSessions(context, config), context.log)
  return {
    name,
    checks: [],
    plugin: async (app) => {
      protect(app, {
        session: sessionAccess(verifier, siteOf(config)),
        service: serviceAccess(config.SERVICE_TOKEN),
      })
      await app.register(pageRoutes('/analysis', join(import.meta.dirname, '../public')))
    },
    close: () => verifier.close(),
  }
}
