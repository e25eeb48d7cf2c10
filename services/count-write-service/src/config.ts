import {
  archiveSettings,
  busSettings,
  cacheSettings,
  infoSettings,
  serverSettings,
  valueStoreSettings,
} from '@count/core/config'
import { z } from 'zod'

const { INFO_MIGRATION_URL, ...infoReaderSettings } = infoSettings

export const writeSettings = z.object({
  ...serverSettings,
  ...valueStoreSettings,
  ...cacheSettings,
  ...infoReaderSettings,
  ...archiveSettings,
  ...busSettings,
})

export type WriteConfig = z.output<typeof writeSettings>
