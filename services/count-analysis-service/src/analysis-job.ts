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

/** `body` is a whole answer, encoded, so that the service has nothing left to do to it; `failed` says what was thrown. */
export type AnalysisResult = { body: Uint8Array } | { refused: ProblemDocument } | { failed: string }
