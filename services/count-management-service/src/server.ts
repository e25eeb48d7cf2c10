import { runService } from '@count/core/service'
import { openManagement } from './app.ts'
import { managementSettings } from './config.ts'

await runService('count-management-service', managementSettings, openManagement)
