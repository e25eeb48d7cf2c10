import { instant } from '@count/core/schemas'
import { z } from 'zod'
import { column, seriesHead, sufficiency } from './series.ts'

/** What a trend is asked with beside its series (`count`, `from`, `to`, `granularity`, `zone`, `measure`). */
export const trendOptions = z.object({
  window: z
    .int()
    .min(2)
    .max(1000)
    .optional()
    .describe(
      'Buckets of the moving average and median, and of growth; absent: 60 minutes, 24 hours, 7 days, 4 weeks, 3 months',
    ),
})

const nullable = z.number().nullable()
const probability = z.number().min(0).max(1)

const growth = z.object({
  span: z
    .enum(['bucket', 'window'])
    .describe('The latest complete bucket, or the latest `window` of them (sum of changes, last value)'),
  against: z
    .enum(['previous', 'week', 'month', 'year'])
    .describe('The span just before, or the same span one calendar week, month or year earlier, local time'),
  from: instant.describe('First bucket of the span'),
  to: instant.describe('Last bucket of the span'),
  comparedFrom: instant
    .nullable()
    .describe('First bucket of what it is compared with; null: not in the series'),
  comparedTo: instant.nullable(),
  current: nullable,
  past: nullable,
  absolute: nullable.describe('current − past'),
  ratio: nullable.describe('absolute / |past|: 0.1 is 10 % more; null when past is 0 or unknown'),
})

const interval = z.object({ lower: nullable, upper: nullable })

const slope = z.object({
  perBucket: nullable.describe('Theil–Sen: the median of the slopes between all pairs of buckets'),
  lower: nullable.describe("Sen's interval, which takes buckets as independent"),
  upper: nullable,
  confidence: probability,
  intercept: nullable.describe('Of the line, at the first bucket of `series`'),
  widened: interval.describe('The interval with the variance that autocorrelation leaves (Hamed and Rao)'),
})

const mannKendall = z.object({
  n: z.int().describe('Buckets with a value'),
  s: z.number().describe('Rising pairs − falling pairs'),
  variance: z.number().describe('Of s without a trend, ties accounted for'),
  tau: nullable.describe('Kendall’s tau-b'),
  z: nullable,
  p: probability.nullable().describe('Two-sided; takes buckets as independent'),
  corrected: z
    .object({ variance: z.number(), z: nullable, p: probability.nullable() })
    .describe('For autocorrelation (Hamed and Rao 1998), never less cautious than plain'),
})

const profile = z.object({
  by: z
    .enum(['weekday-hour', 'weekday', 'month'])
    .describe('Rows × columns: weekdays × hours, weekdays × 1, 1 × months of the year'),
  rows: z.array(z.int()).describe('Weekdays 1 (Monday) to 7, or 1'),
  columns: z.array(z.int()).describe('Hours 0–23, months 1–12, or 0'),
  mean: z.array(column).describe('Mean value of the cell'),
  median: z.array(column),
  deviation: z.array(column).describe('Median distance from the trend: the pattern without growth'),
  buckets: z.array(z.array(z.int())).describe('How many values each cell is made of'),
})

const strength = probability.nullable().describe('0 none … 1 all of the movement; null when nothing moves')

const decomposition = z.object({
  method: z
    .enum(['mstl', 'loess'])
    .describe('loess: fewer than two cycles of any season, so only a smooth trend was taken out'),
  trend: z.object({ strength }),
  seasons: z.array(z.object({ period: z.int().describe('In buckets'), strength, amplitude: z.number() })),
})

const rarity = {
  p: probability.describe('How probable one at least as extreme is by chance'),
  oneIn: z
    .number()
    .nullable()
    .describe('1 / p: "one in so many"; null when p is 0 for all practical purposes'),
}

const anomaly = z.object({
  at: instant,
  value: z.number(),
  expected: z.number(),
  lower: z.number().describe('99 % of such buckets lie between `lower` and `upper`'),
  upper: z.number(),
  score: z.number().describe('Distance from expected in robust standard deviations; signed'),
  ...rarity,
})

const changePoint = z.object({
  at: instant.describe('First bucket of the new level'),
  of: z
    .enum(['level', 'rate'])
    .describe('rate: of a count that never falls, by value: its steps, not its height'),
  before: z.number().describe('Median of the segment that ends here'),
  after: z.number(),
  shift: z.number(),
  ratio: nullable.describe('shift / |before|'),
  ...rarity,
})

/** One bucket per entry; the partial bucket is not among them. */
const columns = z.object({
  at: z.array(instant),
  values: column,
  average: column.describe('Moving average of `window` buckets that end here'),
  median: column,
  trend: column,
  seasonal: z.array(column).describe('One column for each of `decomposition.seasons`'),
  remainder: column,
  lower: column.describe('Expected range of 99 %'),
  upper: column,
})

export const trend = z.object({
  ...seriesHead,
  ...sufficiency,
  window: z.int(),
  buckets: z.object({
    complete: z.int(),
    gaps: z.int().describe('Complete buckets without a value'),
    filled: z.int().describe('Those between two values, bridged by a line for the decomposition alone'),
    partial: z.boolean().describe('Whether a last, open bucket was left out'),
  }),
  series: columns,
  growth: z.array(growth),
  slope,
  mannKendall: mannKendall.nullable().describe('null below two values'),
  profile: profile.nullable(),
  decomposition: decomposition.nullable(),
  anomalies: z.array(anomaly).describe('In time order, the 200 most unusual at most'),
  changePoints: z.array(changePoint),
  summary: z.object({
    kind: z
      .enum(['rising', 'falling', 'level', 'unknown'])
      .describe('By the corrected Mann–Kendall test at 5 %; level: no trend shown, or all values equal'),
    perBucket: nullable,
    lower: nullable.describe('Interval corrected for autocorrelation'),
    upper: nullable,
    p: probability.nullable(),
    from: nullable.describe('The slope’s line at the first and last bucket'),
    to: nullable,
    latest: growth.nullable().describe('The window against the previous one'),
    season: z
      .int()
      .nullable()
      .describe('Period of the strongest season of strength 0.3 and over, in buckets'),
    anomalies: z.int(),
    changePoints: z.int(),
    lastChange: instant.nullable(),
  }),
})

export type TrendOptions = z.infer<typeof trendOptions>
export type Growth = z.infer<typeof growth>
export type Slope = z.infer<typeof slope>
export type MannKendall = z.infer<typeof mannKendall>
export type Profile = z.infer<typeof profile>
export type Anomaly = z.infer<typeof anomaly>
export type ChangePoint = z.infer<typeof changePoint>
export type Trend = z.infer<typeof trend>
