import type { ProblemDocument } from '@count/core/problem'
import type { ComparisonOptions } from './schemas/comparison.ts'
import type { PredictionOptions } from './schemas/prediction.ts'
import type { AnalysisSeries } from './schemas/series.ts'
import type { TrendOptions } from './schemas/trend.ts'

export type Kind = 'trend' | 'comparison' | 'prediction'
export type Format = 'json' | 'csv'

/** What a process is given: series, what is asked of them, and as what the answer shall leave. */
export type AnalysisJob = { format: Format } & (
  | { kind: 'trend'; series: AnalysisSeries; options: TrendOptions }
  | { kind: 'comparison'; series: AnalysisSeries[]; options: ComparisonOptions }
  | { kind: 'prediction'; series: AnalysisSeries; options: PredictionOptions }
)

/** `text` is a whole answer, ready to send; `failed` says what was thrown. */
export type AnalysisResult = { text: string } | { refused: ProblemDocument } | { failed: string }
