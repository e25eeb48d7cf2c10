import { instant, measure } from '@count/core/schemas'
import { z } from 'zod'

/** Length of a bucket. Days, weeks (from Monday) and months are local to the series' zone. */
export const bucket = z.enum(['minute', 'hour', 'day', 'week', 'month'])

/** Numbers by bucket; null = nothing is known there (a gap, or a statistic that is not defined). */
export const column = z.array(z.number().nullable())

/** What names a series in every answer. */
export const seriesHead = {
  id: z
    .string()
    .describe('The count, `tag:<tag>` or `prefix:<prefix>` of a group, or `<id>@<against>` of a past'),
  name: z.string(),
  unit: z.string(),
  granularity: bucket,
  zone: z.string().describe('IANA zone that days, weeks, months, weekdays and hours are local to'),
  measure,
}

/** One count's buckets over a range, as the analyzers take it. */
export const analysisSeries = z.object({
  ...seriesHead,
  at: z.array(instant).describe('Start of each bucket'),
  values: column.describe('As long as `at`; null before the count existed or beyond retention'),
  partial: z.boolean().describe('Whether the last bucket is still open: statistics leave it out'),
  min: z.number().nullable().describe("The count's bounds"),
  max: z.number().nullable(),
  falls: z.boolean().describe('Whether the count ever decreased'),
})

/** Whether there was enough to answer with; what could be said without it is there all the same. */
export const sufficiency = {
  enough: z.boolean(),
  missing: z
    .object({ buckets: z.int() })
    .nullable()
    .describe('Complete buckets that are lacking for `enough`; null when it is'),
}

export type Granularity = z.infer<typeof bucket>
export type Column = z.infer<typeof column>
export type AnalysisSeries = z.infer<typeof analysisSeries>
