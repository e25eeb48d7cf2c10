import {
  busSettings,
  cacheSettings,
  infoSettings,
  serverSettings,
  serviceToken,
  valueStoreSettings,
} from '@count/core/config'
import { z } from 'zod'

export const managementSettings = z.object({
  ...serverSettings,
  ...valueStoreSettings,
  ...cacheSettings,
  ...infoSettings,
  ...busSettings,
  SERVICE_TOKEN: serviceToken,
})

export type ManagementConfig = z.output<typeof managementSettings>
