import type { ServiceParts } from '@count/core/service'
import { assetRoutes } from './assets.ts'

/** The kit at /assets/, and `/` which leads to `home`: until dashboard-provision-service serves both. */
export const openWeb = async (home: string): Promise<ServiceParts> => ({
  name: 'web',
  checks: [],
  plugin: async (app) => {
    await app.register(assetRoutes)
    app.get('/', { config: { access: { kind: 'public' } }, schema: { hide: true } }, (_request, reply) =>
      reply.redirect(home),
    )
  },
  close: async () => {},
})
