import { dashboardSettings, serverSettings, serviceToken, serviceUrl } from '@count/core/config'
import { z } from 'zod'

export const provisionSettings = z.object({
  ...serverSettings,
  ...dashboardSettings,
  SERVICE_TOKEN: serviceToken,
  MANAGEMENT_URL: serviceUrl,
})

export type ProvisionConfig = z.output<typeof provisionSettings>
