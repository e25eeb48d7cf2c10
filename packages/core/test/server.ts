import type { FastifyInstance } from 'fastify'
import { onTestFinished } from 'vitest'
import type { Guards } from '../src/access.ts'
import { protect } from '../src/access.ts'
import type { HealthCheck } from '../src/health.ts'
import type { RoutePlugin } from '../src/http.ts'
import { createContext, createServer, type ServiceParts } from '../src/service.ts'

/** A service of these routes, for tests. */
export function partsOf(
  routes: RoutePlugin,
  { guards = {}, checks = [] }: { guards?: Guards; checks?: HealthCheck[] } = {},
): ServiceParts {
  return {
    name: 'test',
    checks,
    plugin: async (app) => {
      protect(app, guards)
      await app.register(routes)
    },
    close: async () => {},
  }
}

/** Its server, ready for `inject`, closed at the test's end. */
export async function serverOf(
  routes: RoutePlugin,
  options: { guards?: Guards; checks?: HealthCheck[] } = {},
): Promise<FastifyInstance> {
  const app = await createServer(createContext('test', 'silent'), [partsOf(routes, options)])
  onTestFinished(() => app.close())
  return app
}
