import type { CountReader } from '@count/core/count-reader'
import { jsonSchema, type RoutePlugin, refuse } from '@count/core/http'
import { countId, countView } from '@count/core/schemas'
import { z } from 'zod'
import { matches } from '../if-none-match.ts'

const strong = z
  .literal('strong')
  .optional()
  .describe('`strong` reads the databases themselves; otherwise an answer may be up to a second old')

/** GET /api/v1/counts/{id}: one count, with the ETag `"<version>.<revision>"`. */
export const countRoute =
  (reader: CountReader): RoutePlugin =>
  async (app) => {
    app.get(
      '/api/v1/counts/:id',
      {
        config: { access: { kind: 'key', scope: 'counts:read' }, problems: ['unknown-count', 'unavailable'] },
        schema: {
          operationId: 'readCount',
          summary: 'Reads a count',
          tags: ['counts'],
          params: jsonSchema(z.strictObject({ id: countId })),
          querystring: jsonSchema(z.strictObject({ consistency: strong })),
          headers: jsonSchema(z.object({ 'if-none-match': z.string().optional() })),
          response: {
            200: jsonSchema(countView, 'output'),
            304: { type: 'null', description: 'If-None-Match names the present ETag' },
          },
        },
      },
      async (request, reply) => {
        const outcome = await reader.read(request.params.id, {
          strong: request.query.consistency === 'strong',
        })
        if (!outcome.ok) return refuse(reply, outcome.problem)
        const etag = `"${outcome.tag}"`
        reply.header('etag', etag)
        const known = request.headers['if-none-match']
        if (known !== undefined && matches(known, etag)) return reply.code(304).send()
        reply.header('content-type', 'application/json; charset=utf-8')
        return reply.send(outcome.json)
      },
    )
  }
