import { problem } from '@count/core/problem'
import type { AnalysisJob, AnalysisResult } from './analysis-job.ts'
import { comparisonTable, predictionTable, trendTable } from './analysis-tables.ts'
import {
  type ComparisonAnswer,
  mostPast,
  type PredictionAnswer,
  type TrendAnswer,
} from './schemas/answers.ts'
import type { AnalysisSeries } from './schemas/series.ts'

/** The last bucket where it is still open. */
function openOf({ at, values, partial }: AnalysisSeries) {
  const last = at.at(-1)
  return partial && last !== undefined ? { at: last, value: values.at(-1) ?? null } : null
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

/** Does a job. Each analyzer is loaded when it is first needed. */
export async function answerOf(job: AnalysisJob): Promise<AnalysisResult> {
  if (job.kind === 'trend') {
    const { analyseTrend } = await import('./trend-analyzer.ts')
    const answer: TrendAnswer = { ...analyseTrend(job.series, job.options), open: openOf(job.series) }
    return { body: bytes(job.format === 'csv' ? trendTable(answer) : JSON.stringify(answer)) }
  }
  if (job.kind === 'comparison') {
    const { compare } = await import('./comparison-analyzer.ts')
    const opened = job.series.map(openOf)
    const at = opened[0]?.at
    const answer: ComparisonAnswer = {
      ...compare(job.series, job.options),
      open: at === undefined ? null : { at, values: opened.map((open) => open?.value ?? null) },
    }
    return { body: bytes(job.format === 'csv' ? comparisonTable(answer) : JSON.stringify(answer)) }
  }
  const { predict } = await import('./prediction-analyzer.ts')
  const { series, options } = job
  const prediction = predict(series, options)
  const { limit } = prediction.horizon
  // Without enough history what there is to say is in the answer.
  if (prediction.enough && options.horizon !== undefined && options.horizon > limit) {
    const message = `is at most ${limit} with ${prediction.history.buckets} buckets of history`
    return { refused: problem('invalid-request', { errors: [{ path: 'horizon', message }] }) }
  }
  const end = series.at.length - (series.partial ? 1 : 0)
  const start = Math.max(0, end - mostPast)
  const answer: PredictionAnswer = {
    ...prediction,
    past: { at: series.at.slice(start, end), values: series.values.slice(start, end) },
    open: openOf(series),
  }
  return { body: bytes(job.format === 'csv' ? predictionTable(answer) : JSON.stringify(answer)) }
}
