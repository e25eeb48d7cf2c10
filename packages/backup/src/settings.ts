import {
  archiveSettings,
  cacheSettings,
  dashboardSettings,
  infoSettings,
  valueStoreSettings,
} from '@count/core/config'
import { z } from 'zod'

/** The stores by the variables of the services and of setup. */
export const storeSettings = z.object({
  VALUE_REDIS_URL: valueStoreSettings.VALUE_REDIS_URL,
  ...cacheSettings,
  ...infoSettings,
  ...archiveSettings,
  ...dashboardSettings,
  /** Of a superuser: databases and roles that are missing are made. */
  POSTGRES_URL: infoSettings.INFO_DATABASE_URL.optional(),
})

export type Stores = z.output<typeof storeSettings>

/** In the order in which they are backed up: each knows of nothing that the one after it does not know. */
export const databasesOf = (stores: Stores) => [
  {
    file: 'archive.dump',
    owner: stores.ARCHIVE_MIGRATION_URL ?? stores.ARCHIVE_DATABASE_URL,
    service: stores.ARCHIVE_DATABASE_URL,
  },
  {
    file: 'count-info.dump',
    owner: stores.INFO_MIGRATION_URL ?? stores.INFO_DATABASE_URL,
    service: stores.INFO_DATABASE_URL,
  },
  {
    file: 'dashboards.dump',
    owner: stores.DASHBOARD_MIGRATION_URL ?? stores.DASHBOARD_DATABASE_URL,
    service: stores.DASHBOARD_DATABASE_URL,
  },
]
