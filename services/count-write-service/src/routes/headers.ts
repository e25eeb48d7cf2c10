import { idempotencyKeyPattern } from '@count/core/schemas'
import { z } from 'zod'

export const idempotencyKey = z
  .string()
  .regex(new RegExp(idempotencyKeyPattern))
  .optional()
  .describe(
    '1–255 visible ASCII characters. A repetition under the same key gets the first answer and changes nothing',
  )

/** Set on an answer that was given before, under the same Idempotency-Key. */
export const replayedHeader = 'idempotency-replayed'
