import {
  cacheSettings,
  infoSettings,
  serverSettings,
  serviceToken,
  valueStoreSettings,
} from '@count/core/config'
import { z } from 'zod'

const { INFO_DATABASE_URL, INFO_REPLICA_DATABASE_URL } = infoSettings
const { VALUE_REDIS_URL, VALUE_REPLICA_REDIS_URL, SHARDS, TIME_ZONE } = valueStoreSettings

export const readSettings = z.object({
  ...serverSettings,
  ...cacheSettings,
  VALUE_REDIS_URL,
  VALUE_REPLICA_REDIS_URL,
  SHARDS,
  TIME_ZONE,
  INFO_DATABASE_URL,
  INFO_REPLICA_DATABASE_URL,
  SERVICE_TOKEN: serviceToken,
})

export type ReadConfig = z.output<typeof readSettings>
