import { runService } from '@count/core/service'
import { openUpdate } from './app.ts'
import { updateSettings } from './config.ts'

await runService('dashboard-update-service', updateSettings, openUpdate)
