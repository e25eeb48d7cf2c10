import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { protect, serviceAccess } from '@count/core/access'
import { Unavailable } from '@count/core/away'
import type { ServiceContext, ServiceParts } from '@count/core/service'
import { fetchSessions, openSessionVerifier, sessionAccess, siteOf } from '@count/core/sessions'
import { pageRoutes } from '@count/web/assets'
import { measureAnalyses } from './analysis-metrics.ts'
import { openChildPool, type PoolOptions } from './child-pool.ts'
import type { AnalysisConfig } from './config.ts'
import { createCountAnalyzer } from './count-analyzer.ts'
import { createCountNames } from './count-names.ts'
import { analysisRoutes } from './routes/analyses.ts'
import { openValueReplica } from './value-replica.ts'

const name = 'count-analysis-service'

const usualPool = {
  program: join(import.meta.dirname, 'analysis-process.ts'),
  size: Math.min(Math.max(1, availableParallelism() - 1), 4),
  queue: 32,
  limitMs: 20_000,
  idleMs: 120_000,
}

/** Opens count-analysis-service: CountAnalyzer and its pages. `pool` is what tests make otherwise. */
export async function openAnalysis(
  config: AnalysisConfig,
  context: ServiceContext,
  pool: Partial<PoolOptions> = {},
): Promise<ServiceParts> {
  const { log } = context
  const verifier = await openSessionVerifier(fetchSessions(context, config), log)
  const replica = await openValueReplica(config, log)
  const children = openChildPool({ ...usualPool, log, ...pool })
  const names = createCountNames(context, config)
  const metrics = measureAnalyses(context.metrics, children)
  const analyzer = createCountAnalyzer({ replica, names, pool: children, metrics, log })
  return {
    name,
    checks: [
      { name: 'value-replica', critical: false, check: () => replica.check() },
      { name: 'count-read-service', critical: false, check: () => names.check() },
      {
        name: 'count-management-service',
        critical: false,
        check() {
          if (!verifier.healthy()) throw new Unavailable('sessions cannot be had')
        },
      },
    ],
    plugin: async (app) => {
      protect(app, {
        session: sessionAccess(verifier, siteOf(config)),
        service: serviceAccess(config.SERVICE_TOKEN),
      })
      await app.register(analysisRoutes(analyzer))
      await app.register(pageRoutes('/analysis', join(import.meta.dirname, '../public')))
    },
    async close() {
      await Promise.all([children.close(), replica.close(), verifier.close()])
    },
  }
}
