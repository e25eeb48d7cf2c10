import type { CountReader } from '@count/core/count-reader'
import { jsonSchema, type RoutePlugin, refuse } from '@count/core/http'
import { countId, granularity, historyView, instant, measure } from '@count/core/schemas'
import { z } from 'zod'

const query = z.strictObject({
  granularity: granularity.default('hour'),
  from: instant
    .optional()
    .describe('Begins with the bucket of this instant; default 60 minutes, 24 hours or 30 days back'),
  to: instant.optional().describe('Ends before this instant; default with the bucket that is still open'),
  measure: measure.default('change').describe('`change` in each bucket, or the `value` at its end'),
})

const time = (text: string | undefined) => (text === undefined ? undefined : Date.parse(text))

/**
 * GET /api/v1/counts/{id}/history: a series of buckets as far as they are kept (2,880 minutes, 2,160 hours, 3,653 days),
 * empty ones included; `at` is a bucket's start, days are those of the deployment's zone.
 */
export const historyRoute =
  (reader: CountReader): RoutePlugin =>
  async (app) => {
    app.get(
      '/api/v1/counts/:id/history',
      {
        config: { access: { kind: 'key', scope: 'counts:read' }, problems: ['unknown-count', 'unavailable'] },
        schema: {
          operationId: 'readHistory',
          summary: 'Reads how a count has changed',
          tags: ['counts'],
          params: jsonSchema(z.strictObject({ id: countId })),
          querystring: jsonSchema(query),
          response: { 200: jsonSchema(historyView, 'output') },
        },
      },
      async (request, reply) => {
        const { granularity, measure, from, to } = request.query
        const outcome = await reader.history(request.params.id, {
          granularity,
          measure,
          fromMs: time(from),
          toMs: time(to),
        })
        return outcome.ok ? outcome.view : refuse(reply, outcome.problem)
      },
    )
  }
