import { z } from 'zod'
import { idPattern, maxOperations, maxPage, maxValue, unicodeFormat } from './limits.ts'

/** A count's name in the API: 1–128 characters of `a-z 0-9 . _ : -`, the first a letter or digit. */
export const countId = z.string().regex(new RegExp(idPattern)).describe('A count id')

/** A value within ±(2^52 − 1), the range in which every difference is exact. */
export const value = z.int().min(-maxValue).max(maxValue)

export const version = z.int().min(0).describe('Hybrid logical clock of the shard, in microseconds')
export const amount = z.int().min(1).max(maxValue)
export const status = z.enum(['active', 'paused', 'archived'])
export const instant = z.iso.datetime({ offset: true })
export const limit = z.int().min(1).max(maxPage).default(100)
export const granularity = z.enum(['minute', 'hour', 'day'])
export const measure = z.enum(['change', 'value'])

/** Ranges, not classes: most readers of our documents, Python's among them, know no \p{…} in a pattern. */
const without = (controls: string) => new RegExp(`^[^${controls}\\u007f-\\u009f]*$`, 'u')
const oneLine = without('\\u0000-\\u001f')
const anyLines = without('\\u0000-\\u0008\\u000b\\u000c\\u000e-\\u001f')

/** No half of a surrogate pair. */
const wellFormed = (pattern: RegExp, max: number) =>
  z
    .string()
    .max(max)
    .regex(pattern)
    .refine((text) => text.isWellFormed(), 'is not well-formed Unicode')
    .meta({ format: unicodeFormat })

/** Text of one line: no control characters and no half of a surrogate pair; PostgreSQL's JSON takes neither. */
export const line = (max: number) => wellFormed(oneLine, max)
/** Text of any number of lines, tabs too. */
export const text = (max: number) => wellFormed(anyLines, max)

export const tag = line(64).min(1)

export const amountBody = z.strictObject({ amount: amount.default(1) })
export const valueBody = z.strictObject({ value })

/** The answer of one applied operation. `delta` is signed. */
export const applied = z.object({ id: countId, value, version, delta: z.int() })

/** `Idempotency-Key`: 1–255 visible ASCII characters. */
export const idempotencyKeyPattern = '^[\\x21-\\x7e]{1,255}$'
const idempotencyKey = z.string().regex(new RegExp(idempotencyKeyPattern))

/** One operation of a batch as the API takes it. */
export const batchOperation = z.discriminatedUnion('op', [
  z.strictObject({
    id: countId,
    op: z.literal('increment'),
    amount: amount.default(1),
    idempotencyKey: idempotencyKey.optional(),
  }),
  z.strictObject({
    id: countId,
    op: z.literal('decrement'),
    amount: amount.default(1),
    idempotencyKey: idempotencyKey.optional(),
  }),
  z.strictObject({ id: countId, op: z.literal('set'), value, idempotencyKey: idempotencyKey.optional() }),
])

/** The envelope of a batch; its items are judged one by one. */
export const batchBody = z.strictObject({ operations: z.array(z.unknown()).min(1).max(maxOperations) })

/** Metadata of a count as CountInfoDB holds it (seed: CountInfo). */
export const countInfo = z.object({
  id: countId,
  name: z.string(),
  description: z.string(),
  unit: z.string(),
  tags: z.array(z.string()),
  min: value.nullable(),
  max: value.nullable(),
  initialValue: value,
  status,
  metadata: z.record(z.string(), z.unknown()),
  revision: z.int().describe('Revision of the metadata, from one sequence'),
  created: z.int().describe('Revision at creation: tells two lives of one id apart'),
  createdAt: instant,
  updatedAt: instant,
})

/** A count as an external reader sees it. */
export const countView = z.object({
  id: countId,
  name: z.string(),
  unit: z.string(),
  tags: z.array(z.string()),
  value,
  version,
  updatedAt: instant.describe('When the value last changed'),
})

export const historyPoint = z.object({ at: instant, value: z.int(), partial: z.literal(true).optional() })
export const historyView = z.object({
  id: countId,
  granularity,
  zone: z.string(),
  measure,
  points: z.array(historyPoint),
})

export type CountInfo = z.infer<typeof countInfo>
export type CountView = z.infer<typeof countView>
export type Applied = z.infer<typeof applied>
export type Status = z.infer<typeof status>
export type Granularity = z.infer<typeof granularity>
export type Measure = z.infer<typeof measure>
export type HistoryView = z.infer<typeof historyView>
