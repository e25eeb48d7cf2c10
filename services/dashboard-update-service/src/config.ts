import {
  busSettings,
  cacheSettings,
  infoSettings,
  serverSettings,
  serviceToken,
  serviceUrl,
  valueStoreSettings,
} from '@count/core/config'
import { z } from 'zod'

const { INFO_DATABASE_URL, INFO_REPLICA_DATABASE_URL } = infoSettings
const { VALUE_REDIS_URL, VALUE_REPLICA_REDIS_URL, SHARDS, TIME_ZONE } = valueStoreSettings

export const updateSettings = z.object({
  ...serverSettings,
  ...cacheSettings,
  ...busSettings,
  VALUE_REDIS_URL,
  VALUE_REPLICA_REDIS_URL,
  SHARDS,
  TIME_ZONE,
  INFO_DATABASE_URL,
  INFO_REPLICA_DATABASE_URL,
  SERVICE_TOKEN: serviceToken,
  MANAGEMENT_URL: serviceUrl,
  PROVISION_URL: serviceUrl,
})

export type UpdateConfig = z.output<typeof updateSettings>
