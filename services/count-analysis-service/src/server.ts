import { runService } from '@count/core/service'
import { openAnalysis } from './app.ts'
import { analysisSettings } from './config.ts'

await runService('count-analysis-service', analysisSettings, openAnalysis)
