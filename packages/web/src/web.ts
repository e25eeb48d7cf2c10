import type { ServiceParts } from '@count/core/service'
import { assetRoutes, homeRoute } from './assets.ts'

/** The kit at /assets/, and `/` which leads to `home`: for tests of a service whose pages are served without dashboard-provision-service. */
export const openWeb = async (home: string): Promise<ServiceParts> => ({
  name: 'web',
  checks: [],
  plugin: async (app) => {
    await app.register(assetRoutes)
    await app.register(homeRoute(home))
  },
  close: async () => {},
})
