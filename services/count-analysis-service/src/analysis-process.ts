import { answerOf } from './analysis-answer.ts'
import type { AnalysisJob, AnalysisResult } from './analysis-job.ts'

/** The program of an analysis process: series come in, answers go out as bytes, one at a time. */
process.on('message', async (job: AnalysisJob) => {
  const result: AnalysisResult = await answerOf(job).catch((error: unknown) => ({
    failed: error instanceof Error ? (error.stack ?? error.message) : String(error),
  }))
  process.send?.(result)
})
// Whoever it worked for is gone.
process.on('disconnect', () => process.exit())
