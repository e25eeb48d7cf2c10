import { runService } from '@count/core/service'
import { openRead } from './app.ts'
import { readSettings } from './config.ts'

await runService('count-read-service', readSettings, openRead)
