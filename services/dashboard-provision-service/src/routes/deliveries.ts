import { jsonSchema, type RoutePlugin, refuse } from '@count/core/http'
import type { Deliveries } from '../alerts/deliveries.ts'
import { deliveryQuery, deliveryView, testResult } from '../alerts/schemas.ts'
import { page } from '../schemas.ts'
import { params, path, tags } from './alerts.ts'
import { editor, viewer } from './http.ts'

/** The outbox of webhooks: what was sent, what waits, what was given up. */
export const deliveryRoutes =
  (deliveries: Deliveries): RoutePlugin =>
  async (app) => {
    app.get(
      `${path}/deliveries`,
      {
        config: viewer,
        schema: {
          operationId: 'listDeliveries',
          summary: 'Webhooks, newest first; those that were given up are `dead`',
          tags,
          querystring: jsonSchema(deliveryQuery),
          response: { 200: jsonSchema(page(deliveryView), 'output') },
        },
      },
      async (request, reply) => {
        const answer = await deliveries.list(request.query)
        return answer.ok ? answer.value : refuse(reply, answer.problem)
      },
    )

    app.post(
      `${path}/deliveries/:id/redeliver`,
      {
        config: { ...editor, problems: ['not-found', 'conflict'] },
        schema: {
          operationId: 'redeliver',
          summary: 'Sends a webhook once more, under its old id',
          tags,
          params,
          response: { 202: jsonSchema(deliveryView, 'output') },
        },
      },
      async (request, reply) => {
        const answer = await deliveries.redeliver(request.params.id)
        return answer.ok ? reply.code(202).send(answer.value) : refuse(reply, answer.problem)
      },
    )

    app.post(
      `${path}/:id/test`,
      {
        config: { ...editor, problems: ['not-found', 'conflict'], longLived: true },
        schema: {
          operationId: 'testWebhook',
          summary: "Sends an example to the alert's webhook and tells what came of it",
          tags,
          params,
          response: { 200: jsonSchema(testResult, 'output') },
        },
      },
      async (request, reply) => {
        const answer = await deliveries.test(request.params.id)
        return answer.ok ? answer.value : refuse(reply, answer.problem)
      },
    )
  }
