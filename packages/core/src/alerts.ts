import { z } from 'zod'
import { title } from './dashboards.ts'
import { countId, instant, value, version } from './schemas.ts'

const level = z.number().min(-1e16).max(1e16)
const amount = z.number().positive().max(1e16)
const hysteresis = z
  .number()
  .min(0)
  .max(1e16)
  .default(0)
  .describe('How far the value must come back before the alert closes')

/**
 * When an alert is open.
 * - `above`: opens at a value > `at`, closes at a value <= `at` − `hysteresis`; `below` the other way round
 * - `changes`: opens when the value moved by more than `by` within the last `withinS` seconds (|now − then|, or in one
 *   `direction` only), closes when it moved by `by` − `hysteresis` or less
 */
export const alertCondition = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.enum(['above', 'below']), at: level, hysteresis }),
  z
    .strictObject({
      kind: z.literal('changes'),
      by: amount,
      withinS: z.int().min(10).max(86_400),
      direction: z.enum(['any', 'up', 'down']).default('any'),
      hysteresis,
    })
    .refine(({ by, hysteresis }) => hysteresis <= by, {
      path: ['hysteresis'],
      message: 'must not exceed by',
    }),
])

/** The same as one flat object: what a JSON schema can tell about field by field; the union says what goes together. */
const conditionForm = z.strictObject({
  kind: z.enum(['above', 'below', 'changes']),
  at: level.optional().describe('above, below: the threshold'),
  by: amount.optional().describe('changes: by more than this'),
  withinS: z.int().min(10).max(86_400).optional().describe('changes: within so many seconds'),
  direction: z.enum(['any', 'up', 'down']).optional().describe('changes'),
  hysteresis: hysteresis.unwrap().optional(),
})

/** Where transitions are sent, as Standard Webhooks. */
export const webhookTarget = z.strictObject({ url: z.string().max(2000) })

/** What an editor writes. Parse it with this schema: JSON schema sees the flat form only. */
export const alertBody = z.strictObject({
  name: title,
  count: countId,
  condition: conditionForm.pipe(alertCondition),
  enabled: z.boolean().default(true),
  webhook: webhookTarget.nullable().default(null),
})

export const alertState = z.enum(['open', 'closed'])

/** A rule as evaluators need it. `revision` grows when count, condition or enabled change; the state then starts anew. */
export const alertRule = z.object({
  id: z.string(),
  name: z.string(),
  count: countId,
  condition: alertCondition,
  revision: z.int(),
  state: alertState,
  since: instant.nullable().describe('When it came into this state; null: never was open'),
  version: version.nullable().describe('Of the last transition in this revision'),
  value: value.nullable().describe('At the last transition'),
})

/** `GET /internal/alerts`: every enabled rule with its state. */
export const internalAlerts = z.object({ rules: z.array(alertRule) })

/**
 * An evaluator saw a rule change its state at this version of its count. At one version a rule may open and then close (time
 * alone ends `changes`), never open again.
 */
export const alertTransition = z.strictObject({
  rule: z.string().max(64),
  revision: z.int().min(0).describe("The rule's, as it was evaluated; another one is refused"),
  count: countId,
  version,
  state: alertState,
  value,
  at: instant,
})

/** `POST /internal/alerts/transitions`. */
export const alertTransitions = z.strictObject({ transitions: z.array(alertTransition).min(1).max(1000) })

/**
 * One result for each, in order. `accepted`: it is the rule's last one, also when another process had told it before. `state` is the
 * rule's now, whatever came of it; null when there is no such rule (any more) or it is disabled.
 */
export const alertTransitionResults = z.object({
  results: z.array(z.object({ rule: z.string(), accepted: z.boolean(), state: alertState.nullable() })),
})

export type AlertCondition = z.infer<typeof alertCondition>
export type AlertBody = z.infer<typeof alertBody>
export type AlertState = z.infer<typeof alertState>
export type AlertRule = z.infer<typeof alertRule>
export type AlertTransition = z.infer<typeof alertTransition>
export type AlertTransitionResults = z.infer<typeof alertTransitionResults>
