import { jsonSchema, type RoutePlugin, refuse } from '@count/core/http'
import { instant } from '@count/core/schemas'
import { z } from 'zod'
import type { Exports } from '../bulk/exports.ts'
import { bulkFilter } from '../bulk/jobs.ts'
import { fileHeaders, streamOf } from './stream.ts'

const tags = ['administration']
const config = { access: { kind: 'session', role: 'viewer' }, longLived: true } as const
const format = z.enum(['csv', 'ndjson']).default('csv')
const response = {
  200: {
    content: {
      'text/csv': { schema: { type: 'string' } },
      'application/x-ndjson': { schema: { type: 'string' } },
    },
  },
}

/** Exports, streamed. */
export const exportRoutes =
  (exports: Exports): RoutePlugin =>
  async (app) => {
    app.get(
      '/api/v1/admin/export/counts',
      {
        config,
        schema: {
          operationId: 'exportCounts',
          summary: 'Counts as a file that an import takes back',
          tags,
          querystring: jsonSchema(bulkFilter.extend({ format })),
          response,
        },
      },
      async (request, reply) => {
        const { format, ...filter } = request.query
        return reply
          .headers(fileHeaders('counts', format))
          .send(await streamOf(exports.counts(format, filter)))
      },
    )

    app.get(
      '/api/v1/admin/export/history',
      {
        config,
        schema: {
          operationId: 'exportHistory',
          summary: 'What changed in each hour or day; by default all that is kept',
          tags,
          querystring: jsonSchema(
            bulkFilter.extend({
              format,
              granularity: z.enum(['hour', 'day']).default('day'),
              from: instant.optional(),
              to: instant.optional(),
            }),
          ),
          response,
        },
      },
      async (request, reply) => {
        const { format, ...wanted } = request.query
        const parts = exports.history(format, wanted)
        if ('status' in parts) return refuse(reply, parts)
        return reply.headers(fileHeaders('history', format)).send(await streamOf(parts))
      },
    )
  }
