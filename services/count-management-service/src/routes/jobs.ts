import { jsonSchema, type RoutePlugin, refuse } from '@count/core/http'
import { countId, limit, tag } from '@count/core/schemas'
import { z } from 'zod'
import type { JobManager } from '../bulk/job-manager.ts'
import { bulkAction, bulkFilter, jobFault, jobView } from '../bulk/jobs.ts'
import { correction, page } from '../schemas.ts'
import { actorOf } from './actor.ts'
import { fileHeaders, streamOf } from './stream.ts'

const path = '/api/v1/admin/jobs'
const tags = ['administration']
const viewer = { access: { kind: 'session', role: 'viewer' } } as const
const editor = { access: { kind: 'session', role: 'editor' } } as const
const params = jsonSchema(z.strictObject({ id: z.uuid() }))
const job = jsonSchema(jobView, 'output')
/** Ids in one call; a search selects any number. */
const maxIds = 10_000

const bulkBody = z.strictObject({
  ids: z.array(countId).min(1).max(maxIds).optional(),
  filter: bulkFilter.optional().describe('Instead of ids: all counts that the same search would list now'),
  action: bulkAction,
  tags: z
    .array(tag.regex(/^[^|]+$/))
    .min(1)
    .max(32)
    .optional(),
  reason: correction.shape.reason.optional(),
})

/** Bulk changes, and the jobs that these and imports are. */
export const jobRoutes =
  (manager: JobManager): RoutePlugin =>
  async (app) => {
    app.post(
      '/api/v1/admin/bulk',
      {
        config: editor,
        schema: {
          operationId: 'changeCounts',
          summary: 'Tags, pauses, activates, archives or deletes many counts, with one undo',
          tags,
          body: jsonSchema(
            bulkBody.meta({ examples: [{ filter: { tag: 'web' }, action: 'tag', tags: ['public'] }] }),
          ),
          response: { 202: job },
        },
      },
      async (request, reply) => {
        const answer = await manager.bulk(request.body, actorOf(request))
        if (!answer.ok) return refuse(reply, answer.problem)
        return reply.code(202).header('location', `${path}/${answer.value.id}`).send(answer.value)
      },
    )

    app.get(
      path,
      {
        config: viewer,
        schema: {
          operationId: 'listJobs',
          summary: 'Imports, bulk changes and undos, the newest first',
          tags,
          querystring: jsonSchema(z.strictObject({ cursor: z.uuid().optional(), limit })),
          response: { 200: jsonSchema(page(jobView), 'output') },
        },
      },
      (request) => manager.list(request.query),
    )

    app.get(
      `${path}/:id`,
      {
        config: { ...viewer, problems: ['not-found'] },
        schema: {
          operationId: 'getJob',
          summary: 'A job with its progress',
          tags,
          params,
          response: { 200: job },
        },
      },
      async (request, reply) => {
        const answer = await manager.get(request.params.id)
        return answer.ok ? answer.value : refuse(reply, answer.problem)
      },
    )

    app.delete(
      `${path}/:id`,
      {
        config: { ...editor, problems: ['not-found', 'conflict'] },
        schema: {
          operationId: 'cancelJob',
          summary: 'Stops a job; where all or nothing was asked, takes back what it has done',
          tags,
          params,
          response: { 204: { type: 'null' } },
        },
      },
      async (request, reply) => {
        const answer = await manager.cancel(request.params.id)
        return answer.ok ? reply.code(204).send() : refuse(reply, answer.problem)
      },
    )

    app.post(
      `${path}/:id/undo`,
      {
        config: { ...editor, problems: ['not-found', 'conflict'] },
        schema: {
          operationId: 'undoJob',
          summary: 'Takes back what a job has done, by another job',
          tags,
          params,
          body: jsonSchema(z.strictObject({})),
          response: { 202: job },
        },
      },
      async (request, reply) => {
        const answer = await manager.undo(request.params.id, actorOf(request))
        if (!answer.ok) return refuse(reply, answer.problem)
        return reply.code(202).header('location', `${path}/${answer.value.id}`).send(answer.value)
      },
    )

    app.get(
      `${path}/:id/errors`,
      {
        config: { ...viewer, problems: ['not-found'] },
        schema: {
          operationId: 'getJobErrors',
          summary: 'Every line with a fault: pages of JSON, or all as CSV',
          tags,
          params,
          querystring: jsonSchema(
            z.strictObject({
              format: z.enum(['json', 'csv']).default('json'),
              cursor: z
                .int()
                .min(0)
                .max(2 ** 31 - 1)
                .optional()
                .describe('The last line of the page before'),
              limit,
            }),
          ),
          response: {
            200: {
              content: {
                'application/json': {
                  schema: jsonSchema(
                    z.object({ items: z.array(jobFault), nextCursor: z.int().nullable() }),
                    'output',
                  ),
                },
                'text/csv': { schema: { type: 'string' } },
              },
            },
          },
        },
      },
      async (request, reply) => {
        const { id } = request.params
        const { format, cursor = -1, limit } = request.query
        const answer = await manager.errors(id, { after: cursor, limit: limit + 1 })
        if (!answer.ok) return refuse(reply, answer.problem)
        if (format === 'csv')
          return reply.headers(fileHeaders(`errors-${id}`, 'csv')).send(await streamOf(manager.errorsCsv(id)))
        const items = answer.value.slice(0, limit)
        return { items, nextCursor: answer.value.length > limit ? (items.at(-1)?.line ?? null) : null }
      },
    )
  }
