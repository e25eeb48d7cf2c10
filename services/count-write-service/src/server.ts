import { runService } from '@count/core/service'
import { openWrite } from './app.ts'
import { writeSettings } from './config.ts'

await runService('count-write-service', writeSettings, openWrite)
