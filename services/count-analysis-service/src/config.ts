import { serverSettings, serviceToken, serviceUrl, valueStoreSettings } from '@count/core/config'
import { z } from 'zod'

const { VALUE_REDIS_URL, VALUE_REPLICA_REDIS_URL, SHARDS, TIME_ZONE } = valueStoreSettings

export const analysisSettings = z.object({
  ...serverSettings,
  VALUE_REDIS_URL,
  VALUE_REPLICA_REDIS_URL,
  SHARDS,
  TIME_ZONE,
  SERVICE_TOKEN: serviceToken,
  MANAGEMENT_URL: serviceUrl,
  READ_URL: serviceUrl,
})

export type AnalysisConfig = z.output<typeof analysisSettings>
