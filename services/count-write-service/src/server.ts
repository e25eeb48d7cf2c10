import { runService } from '@count/core/service'
import { openWriteService } from './app.ts'
import { writeSettings } from './config.ts'

await runService('count-write-service', writeSettings, openWriteService)
