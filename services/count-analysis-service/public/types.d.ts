export type { ComparisonAnswer, PredictionAnswer, TrendAnswer } from '../src/schemas/answers.ts'

export type Tab = 'trend' | 'comparison' | 'prediction'

/** What the page asks, as it stands in its address. */
export interface Question {
  tab: Tab
  count: string[]
  /** Groups, each compared as one. */
  tag: string[]
  prefix: string[]
  /** Which of the counts trend and prediction look at; absent: the first. */
  of: string
  /** A preset that ends now, or `custom`: from and to, as a clock of the zone shows them. */
  range: string
  from: string
  to: string
  /** Empty: what fits the range. */
  granularity: string
  zone: string
  measure: 'change' | 'value'
  against: string
  view: 'aligned' | 'indexed' | 'shares'
  window: string
  horizon: string
  reach: string
  /** Id of the saved analysis that was opened. */
  saved: string
}

export interface Saved {
  id: string
  name: string
  state: Record<string, unknown>
  createdBy: string
  updatedAt: string
}

export interface Hit {
  id: string
  name: string
  value: number | null
  unit: string
}
