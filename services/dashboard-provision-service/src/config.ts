import { dashboardSettings, serverSettings, serviceToken, serviceUrl } from '@count/core/config'
import { z } from 'zod'

export const provisionSettings = z.object({
  ...serverSettings,
  ...dashboardSettings,
  SERVICE_TOKEN: serviceToken,
  MANAGEMENT_URL: serviceUrl,
  /** Whether webhooks may go to private addresses, and there without TLS. */
  WEBHOOK_ALLOW_PRIVATE: z
    .enum(['true', 'false'])
    .default('false')
    .transform((text) => text === 'true'),
})

export type ProvisionConfig = z.output<typeof provisionSettings>
