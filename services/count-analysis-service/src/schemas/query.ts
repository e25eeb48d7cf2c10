import { idPattern } from '@count/core/limits'
import { countId, instant, measure, tag } from '@count/core/schemas'
import { z } from 'zod'
import { comparisonOptions, mostSeries } from './comparison.ts'
import { predictionOptions } from './prediction.ts'
import { bucket } from './series.ts'
import { trendOptions } from './trend.ts'

/** What every analysis is asked with: which buckets, and what of them. */
const range = z.strictObject({
  from: instant
    .optional()
    .describe(
      'First bucket is the one it lies in; absent: 6 hours, 14 days, a year, 2 years, 3 years before `to`',
    )
    .meta({ examples: ['2026-08-01T00:00:00+09:00'] }),
  to: instant
    .optional()
    .describe('Last bucket is the one before it or that it lies in; absent, or in the future: now'),
  granularity: bucket
    .optional()
    .describe('Absent: what fits the range')
    .meta({ examples: ['day'] }),
  zone: z
    .string()
    .min(1)
    .max(64)
    .optional()
    .describe(
      'IANA zone that days, weeks and months are cut by; absent: the deployment’s. Days of another zone are made from hours, which are kept for 90 days; further back the answer’s `zone` is the deployment’s',
    )
    .meta({ examples: ['Asia/Seoul'] }),
  measure: measure
    .default('change')
    .describe('change: what was added in each bucket; value: the level at its end'),
})

const one = countId.meta({ examples: ['shop.orders'] })

export const trendQuery = range.extend({ count: one, ...trendOptions.shape })

export const predictionQuery = range.extend({ count: one, ...predictionOptions.shape })

/** Which part of its past a count is compared with: as many buckets, from so much earlier on. */
export const against = z.enum(['previous', 'day', 'week', 'month', 'year'])

const several = <T extends z.ZodType<string>>(item: T) => z.array(item).max(mostSeries).default([])

export const comparisonQuery = range.extend({
  count: several(countId)
    .describe('Counts to compare; with tags and prefixes 2 to 50 together')
    .meta({ examples: [['shop.orders', 'shop.returns']] }),
  tag: several(tag).describe('Groups: all counts that carry the tag, summed'),
  prefix: several(z.string().regex(new RegExp(idPattern))).describe(
    'Groups: all counts whose ids begin so, summed',
  ),
  against: against
    .optional()
    .describe(
      'One count against its own past: `previous` is the same number of buckets just before, the others begin so much earlier',
    ),
  ...comparisonOptions.shape,
})

export type Range = z.output<typeof range>
export type Against = z.output<typeof against>
export type TrendQuery = z.output<typeof trendQuery>
export type PredictionQuery = z.output<typeof predictionQuery>
export type ComparisonQuery = z.output<typeof comparisonQuery>
