import { alertBody, alertRule, alertState } from '@count/core/alerts'
import { countId, instant, line, value, version } from '@count/core/schemas'
import { z } from 'zod'
import { pageQuery } from '../schemas.ts'

export const alertId = line(64).min(1)

/** A rule as administrators see it; its secret is shown when it is made, and never again. */
export const alertView = alertRule.extend({
  enabled: z.boolean(),
  webhook: z.object({ url: z.string() }).nullable(),
  createdAt: instant,
  createdBy: z.string(),
  updatedAt: instant,
  updatedBy: z.string(),
})
const secret = z.string().describe('whsec_…: what the receiver verifies signatures with; shown this once')
export const savedAlert = alertView.extend({
  secret: secret.nullable().describe('Of a new webhook; null when there is none, or it was there before'),
})
export const secretShown = z.object({ secret })

/** Absent fields stay as they are. */
export const alertPatch = z.strictObject({
  name: alertBody.shape.name.optional(),
  count: alertBody.shape.count.optional(),
  condition: alertBody.shape.condition.optional(),
  enabled: alertBody.shape.enabled.unwrap().optional(),
  webhook: alertBody.shape.webhook.unwrap().optional(),
})

export const alertQuery = z.strictObject({
  q: line(200).optional().describe('Part of the name, in any case'),
  count: countId.optional(),
  state: alertState.optional(),
  ...pageQuery,
})

export const transitionView = z.object({
  id: z.string(),
  state: alertState,
  count: countId,
  value: value.nullable(),
  version: version.nullable(),
  cause: z.enum(['value', 'rule']).describe('rule: the rule was changed while the alert was open'),
  at: instant,
})

export const deliveryStatus = z.enum(['pending', 'delivered', 'dead'])
export const deliveryQuery = z.strictObject({
  status: deliveryStatus.optional(),
  rule: alertId.optional(),
  ...pageQuery,
})
export const deliveryView = z.object({
  id: z.string().describe('The webhook-id'),
  rule: z.string(),
  ruleName: z.string(),
  type: z.string(),
  status: deliveryStatus.describe('dead: given up; it can be sent again'),
  attempts: z.int(),
  nextAt: instant.nullable().describe('Of a pending one'),
  responseStatus: z.int().nullable().describe('The HTTP status of the last answer'),
  error: z.string().nullable().describe('Why the last attempt failed'),
  createdAt: instant,
  finishedAt: instant.nullable(),
})
export const testResult = z.object({
  delivered: z.boolean(),
  status: z.int().nullable().describe('HTTP status of the answer'),
  error: z.string().nullable(),
  ms: z.int().describe('How long it took'),
})

export type AlertView = z.output<typeof alertView>
export type SavedAlert = z.output<typeof savedAlert>
export type AlertPatch = z.output<typeof alertPatch>
export type AlertQuery = z.output<typeof alertQuery>
export type TransitionView = z.output<typeof transitionView>
export type DeliveryQuery = z.output<typeof deliveryQuery>
export type DeliveryView = z.output<typeof deliveryView>
export type TestResult = z.output<typeof testResult>
