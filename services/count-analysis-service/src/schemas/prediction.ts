import { instant } from '@count/core/schemas'
import { z } from 'zod'
import { seriesHead, sufficiency } from './series.ts'

/** No forecast is longer, whatever the history: a quarter of ten years of days. */
export const longestHorizon = 913

/** What a prediction is asked with beside its series (`count`, `from`, `to`, `granularity`, `zone`, `measure`). */
export const predictionOptions = z.object({
  horizon: z
    .int()
    .min(1)
    .max(longestHorizon)
    .optional()
    .describe(
      'Buckets to look ahead, at most a quarter of the history; absent: the natural length, e.g. 24 hours',
    ),
  reach: z.number().optional().describe('Also tell when the count reaches this number'),
})

export const predictionMethod = z.enum([
  'naive',
  'drift',
  'seasonal-naive',
  'theta',
  'damped-trend',
  'mstl-ets',
])

const bound = z.number().nullable().describe('null: a history of one bucket says nothing of it')
const interval = z.object({ lower: bound, upper: bound })
const share = z.number().min(0).max(1)

/** Errors over a rolling-origin backtest; null where undefined (MASE of a flat history) or without origins. */
const scores = {
  rmse: z.number().nullable().describe('Root mean square error, which the method is chosen by'),
  mase: z
    .number()
    .nullable()
    .describe('Mean absolute error by that of the seasonal naive method in the history'),
  smape: z.number().nullable().describe('Symmetric mean absolute percentage error, 0 to 200'),
}

export const predictionPoint = z.object({
  at: instant.describe('Start of the bucket'),
  mean: z.number(),
  intervals: z.object({ '80': interval, '95': interval }),
})

export const prediction = z.object({
  ...seriesHead,
  ...sufficiency,
  horizon: z.object({
    buckets: z.int().describe('Length of `points`'),
    limit: z.int().describe('The longest that this history allows'),
  }),
  history: z.object({
    from: instant.nullable(),
    to: instant.nullable().describe('The last complete bucket: `points` begin with the next'),
    buckets: z.int().describe('Complete buckets in the series'),
    used: z.int().describe('The latest of them, at most 2880, which methods were fitted to'),
    filled: z.int().describe('Gaps within these, filled between their neighbours'),
  }),
  seasons: z.array(z.int()).describe('Lengths of the seasons looked for, in buckets'),
  method: predictionMethod,
  candidates: z
    .array(z.object({ method: predictionMethod, ...scores }))
    .describe('The best first, by RMSE; a method must beat damped-trend by a tenth to go before it'),
  backtest: z.object({
    ...scores,
    coverage: z
      .object({ '80': share.nullable(), '95': share.nullable() })
      .describe('Share of actual values inside intervals that were made from earlier origins only'),
    origins: z.int().describe('Points in the past that forecasts were made from'),
    horizon: z.int().describe('Buckets that each of them looked ahead, as far as the history went on'),
  }),
  points: z.array(predictionPoint),
  reach: z
    .object({
      target: z.number(),
      earliest: instant
        .nullable()
        .describe('The 80 % interval touches it here; null: not within the horizon'),
      expected: instant.nullable().describe('The mean reaches it'),
      latest: instant.nullable().describe('The whole 80 % interval is past it'),
    })
    .nullable(),
  summary: z.object({
    kind: z
      .enum(['rising', 'falling', 'level', 'unknown'])
      .describe('level: no change beyond the 80 % interval'),
    from: z
      .number()
      .nullable()
      .describe('value: the last one; change: mean of a bucket over the last `horizon`'),
    to: z.number().nullable().describe('value: at the end; change: mean of a bucket over `points`'),
    lower: z.number().nullable().describe('80 % interval of the last point'),
    upper: z.number().nullable(),
    at: instant.nullable().describe('The last point'),
  }),
})

export type PredictionOptions = z.infer<typeof predictionOptions>
export type PredictionMethod = z.infer<typeof predictionMethod>
export type PredictionPoint = z.infer<typeof predictionPoint>
export type Prediction = z.infer<typeof prediction>
