import { instant } from '@count/core/schemas'
import { z } from 'zod'
import { column, seriesHead, sufficiency } from './series.ts'

export const fewestSeries = 2
export const mostSeries = 50

/** What a comparison is asked with beside its series (`count` or `tag` or `prefix` or `against`, `from`, `to`, …). */
export const comparisonOptions = z.object({
  maxLag: z
    .int()
    .min(0)
    .max(60)
    .optional()
    .describe(
      'Buckets that one series may lead the other by; absent: 24 hours, 14 days, a quarter of the range at most',
    ),
})

const nullable = z.number().nullable()
const probability = z.number().min(0).max(1)
const { id, name, unit, granularity, zone, measure } = seriesHead

/** Row and column i belong to `items[i]`. */
const matrix = z.array(column)

const item = z.object({
  id,
  name,
  unit,
  values: column,
  indexed: column.describe('100 at `base`'),
  base: instant
    .nullable()
    .describe('Where the index is 100: the first bucket with a value above 0 once all have begun'),
  shares: column.describe(
    'Of the sum of all items in the bucket, 0 to 1; null when one is negative or the sum 0',
  ),
  total: nullable.describe('change: sum over the range; value: the last one'),
  share: nullable.describe('Of the sum of all totals'),
  mean: nullable,
  median: nullable,
  growth: z.object({
    first: nullable.describe('change: sum of the first half; value: at its end'),
    second: nullable,
    ratio: nullable,
  }),
  rank: z.int().nullable().describe('By total, 1 the largest; equals share a rank'),
  before: z.int().nullable().describe('Rank in the first half'),
  now: z.int().nullable().describe('Rank in the second half'),
  moved: z.int().nullable().describe('before − now: above 0 it climbed'),
})

const correlation = z.object({
  pearson: matrix,
  spearman: matrix,
  lag: z
    .array(z.array(z.int().nullable()))
    .describe('Where |Pearson| is largest: row leads column by so many buckets; below 0 it follows'),
  lagged: matrix.describe('Pearson at that lag'),
})

const difference = z.object({
  a: z.int().describe('Position in `items`'),
  b: z.int(),
  n: z.int().describe('Buckets in which both have a value and these differ'),
  median: nullable.describe('Median of a − b by bucket'),
  effect: nullable.describe(
    'Matched-pairs rank-biserial correlation: 1 = a always above b, −1 = always below',
  ),
  w: nullable.describe('The smaller of the two rank sums'),
  z: nullable,
  p: probability.nullable().describe('Two-sided; takes buckets as independent'),
  holm: probability.nullable().describe('p corrected for the number of pairs (Holm)'),
  cautious: probability
    .nullable()
    .describe('The same, with the autocorrelation of the differences accounted for'),
  significant: z.boolean().describe('cautious below 0.05'),
})

export const comparison = z.object({
  granularity,
  zone,
  measure,
  ...sufficiency,
  buckets: z.object({
    complete: z.int(),
    common: z.int().describe('Those in which every series has a value'),
    partial: z.boolean().describe('Whether a last, open bucket was left out'),
  }),
  halves: z.object({ split: instant.nullable().describe('First bucket of the second half') }),
  at: z.array(instant),
  items: z.array(item),
  maxLag: z.int(),
  correlation: z.object({
    values: correlation,
    changes: correlation.describe(
      'Of the steps from bucket to bucket: what moves together, without the trend that both may share',
    ),
  }),
  test: z.enum(['wilcoxon-signed-rank']).describe('Of `differences`: paired by bucket, normal approximation'),
  differences: z.array(difference).describe('Every pair, a < b'),
  summary: z.object({
    leader: z.int().nullable().describe('Positions in `items`: the largest total'),
    second: z.int().nullable(),
    ahead: nullable.describe('How far the leader’s total is above the second’s, as a share of the second’s'),
    certain: z.boolean().describe('Whether their difference is significant'),
    fastest: z.int().nullable().describe('Largest growth from the first to the second half'),
    climber: z.int().nullable().describe('Most ranks won; null when none moved up'),
    closest: z
      .object({ a: z.int(), b: z.int(), r: z.number(), lag: z.int() })
      .nullable()
      .describe(
        'The pair with the strongest Pearson correlation at its best lag, of changes (value) or values (change)',
      ),
  }),
})

export type ComparisonOptions = z.infer<typeof comparisonOptions>
export type ComparisonItem = z.infer<typeof item>
export type Correlation = z.infer<typeof correlation>
export type Difference = z.infer<typeof difference>
export type Comparison = z.infer<typeof comparison>
