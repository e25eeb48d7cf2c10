import { runService } from '@count/core/service'
import { openProvision } from './app.ts'
import { provisionSettings } from './config.ts'

await runService('dashboard-provision-service', provisionSettings, openProvision)
