import type { ApiKey } from '@count/core/api-keys'
import { jsonSchema, type RoutePlugin, refuse } from '@count/core/http'
import { amountBody, applied, countId } from '@count/core/schemas'
import { z } from 'zod'
import type { CountWriter } from '../count-writer.ts'
import { refusalOf } from '../refusals.ts'
import { idempotencyKey, replayedHeader } from './headers.ts'

/** POST /api/v1/counts/{id}/increment and /decrement (UC-001). */
export const changeRoutes =
  (writer: CountWriter): RoutePlugin =>
  async (app) => {
    for (const kind of ['increment', 'decrement'] as const) {
      const letter = kind[0]
      app.post(
        `/api/v1/counts/:id/${kind}`,
        {
          config: {
            access: { kind: 'key', scope: 'counts:write' },
            problems: [
              'unknown-count',
              'out-of-bounds',
              'count-paused',
              'count-archived',
              'key-reused',
              'unavailable',
            ],
          },
          schema: {
            operationId: kind,
            summary: kind === 'increment' ? 'Adds to a count' : 'Takes from a count',
            tags: ['counts'],
            params: jsonSchema(z.strictObject({ id: countId })),
            body: jsonSchema(amountBody),
            headers: jsonSchema(z.object({ 'idempotency-key': idempotencyKey })),
            response: { 200: jsonSchema(applied, 'output') },
          },
        },
        async (request, reply) => {
          const { id } = request.params
          const { amount } = request.body
          const key = request.headers['idempotency-key']
          const outcome = await writer.writeOne(
            { id, kind, amount },
            key && {
              scope: `${(request.apiKey as ApiKey).id} ${id}/${kind} ${key}`,
              content: `${letter}${amount}`,
            },
          )
          if (outcome.replayed) reply.header(replayedHeader, 'true')
          if (outcome.word !== 'ok') return refuse(reply, refusalOf(outcome))
          return { id, value: outcome.value, version: outcome.version, delta: outcome.delta }
        },
      )
    }
  }
