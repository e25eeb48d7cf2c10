import { instant } from '@count/core/schemas'
import { z } from 'zod'
import { comparison } from './comparison.ts'
import { prediction } from './prediction.ts'
import { column } from './series.ts'
import { trend } from './trend.ts'

const value = z.number().nullable()
const left = 'The open bucket, which no statistic takes in; null: all are complete'

/** How many buckets of the past go with a prediction at most. */
export const mostPast = 400

/** The answers as they leave: what the analyzers say, and what a picture of it needs beside that. */
export const trendAnswer = trend.extend({
  open: z.object({ at: instant, value }).nullable().describe(left),
})

export const comparisonAnswer = comparison.extend({
  open: z.object({ at: instant, values: column }).nullable().describe(`${left}; in the order of \`items\``),
})

export const predictionAnswer = prediction.extend({
  past: z
    .object({ at: z.array(instant), values: column })
    .describe(`The last ${mostPast} complete buckets at most`),
  open: z.object({ at: instant, value }).nullable().describe(left),
})

export type TrendAnswer = z.infer<typeof trendAnswer>
export type ComparisonAnswer = z.infer<typeof comparisonAnswer>
export type PredictionAnswer = z.infer<typeof predictionAnswer>
