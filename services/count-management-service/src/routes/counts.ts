import { jsonSchema, type RoutePlugin, refuse } from '@count/core/http'
import { applied, countId, historyView } from '@count/core/schemas'
import { z } from 'zod'
import type { Answer, CountManager, Precondition } from '../count-manager.ts'
import {
  type AdminCount,
  adminCount,
  correction,
  countCreation,
  countPatch,
  countQuery,
  historyQuery,
  type Page,
  page,
  type TagQuery,
  type TagView,
  tagQuery,
  tagView,
} from '../schemas.ts'
import { actorOf } from './actor.ts'
import { preconditionOf } from './if-match.ts'

const path = '/api/v1/admin/counts'
const tags = ['administration']
const viewer = { access: { kind: 'session', role: 'viewer' } } as const
const editor = { access: { kind: 'session', role: 'editor' } } as const
const params = jsonSchema(z.strictObject({ id: countId }))
const headers = jsonSchema(
  z.object({ 'if-match': z.string().optional().describe('"<revision>", or * for any') }),
)
const count = jsonSchema(adminCount, 'output')
const etag = (count: AdminCount) => `"${count.revision}"`

type TagList = (query: TagQuery) => Promise<Answer<Page<TagView>>>

/** Administration of counts: thin shells around CountManager. */
export const countRoutes =
  (manager: CountManager, tagList: TagList): RoutePlugin =>
  async (app) => {
    /** The change if the precondition can be judged, else why not. */
    const guarded = async <T>(
      header: string | undefined,
      change: (match: Precondition) => Promise<Answer<T>>,
    ): Promise<Answer<T>> => {
      const match = preconditionOf(header)
      return match === '*' || Array.isArray(match) ? await change(match) : { ok: false, problem: match }
    }

    app.post(
      path,
      {
        config: { ...editor, problems: ['already-exists', 'unavailable'] },
        schema: {
          operationId: 'createCount',
          summary: 'Creates a count',
          tags,
          body: jsonSchema(
            countCreation.meta({ examples: [{ id: 'page.views', name: 'Page views', tags: ['web'] }] }),
          ),
          response: { 201: count },
        },
      },
      async (request, reply) => {
        const answer = await manager.create(request.body, actorOf(request))
        if (!answer.ok) return refuse(reply, answer.problem)
        return reply
          .code(201)
          .header('location', `${path}/${answer.value.id}`)
          .header('etag', etag(answer.value))
          .send(answer.value)
      },
    )

    app.get(
      path,
      {
        config: viewer,
        schema: {
          operationId: 'searchCounts',
          summary: 'Counts by part of their id or name, tag and status, with their live values',
          tags,
          querystring: jsonSchema(countQuery),
          response: { 200: jsonSchema(page(adminCount), 'output') },
        },
      },
      async (request, reply) => {
        const answer = await manager.list(request.query)
        return answer.ok ? answer.value : refuse(reply, answer.problem)
      },
    )

    app.get(
      '/api/v1/admin/tags',
      {
        config: viewer,
        schema: {
          operationId: 'listTags',
          summary: 'Tags in use, the most used first',
          tags,
          querystring: jsonSchema(tagQuery),
          response: { 200: jsonSchema(page(tagView), 'output') },
        },
      },
      async (request, reply) => {
        const answer = await tagList(request.query)
        return answer.ok ? answer.value : refuse(reply, answer.problem)
      },
    )

    app.get(
      `${path}/:id`,
      {
        config: { ...viewer, problems: ['unknown-count'] },
        schema: {
          operationId: 'getCountInfo',
          summary: 'A count whole, with its live value',
          tags,
          params,
          response: { 200: count },
        },
      },
      async (request, reply) => {
        const answer = await manager.get(request.params.id)
        return answer.ok
          ? reply.header('etag', etag(answer.value)).send(answer.value)
          : refuse(reply, answer.problem)
      },
    )

    app.patch(
      `${path}/:id`,
      {
        config: {
          ...editor,
          problems: [
            'unknown-count',
            'out-of-bounds',
            'conflict',
            'version-mismatch',
            'precondition-required',
          ],
        },
        schema: {
          operationId: 'changeCount',
          summary: 'Changes metadata, bounds or status',
          tags,
          params,
          headers,
          body: jsonSchema(countPatch),
          response: { 200: count },
        },
      },
      async (request, reply) => {
        const { id } = request.params
        const answer = await guarded(request.headers['if-match'], (match) =>
          manager.update(id, match, request.body, actorOf(request)),
        )
        return answer.ok
          ? reply.header('etag', etag(answer.value)).send(answer.value)
          : refuse(reply, answer.problem)
      },
    )

    app.delete(
      `${path}/:id`,
      {
        config: {
          ...editor,
          problems: ['unknown-count', 'conflict', 'version-mismatch', 'precondition-required'],
        },
        schema: {
          operationId: 'deleteCount',
          summary: 'Moves a count to the trash, kept there for 30 days',
          tags,
          params,
          headers,
          response: { 204: { type: 'null' } },
        },
      },
      async (request, reply) => {
        const { id } = request.params
        const answer = await guarded(request.headers['if-match'], (match) =>
          manager.remove(id, match, actorOf(request)),
        )
        return answer.ok ? reply.code(204).send() : refuse(reply, answer.problem)
      },
    )

    app.put(
      `${path}/:id/value`,
      {
        config: { ...editor, problems: ['unknown-count', 'out-of-bounds', 'count-paused', 'count-archived'] },
        schema: {
          operationId: 'correctValue',
          summary: 'Corrects a value, with the reason',
          tags,
          params,
          body: jsonSchema(correction),
          response: { 200: jsonSchema(applied, 'output') },
        },
      },
      async (request, reply) => {
        const { value, reason } = request.body
        const answer = await manager.correct(request.params.id, value, reason, actorOf(request))
        return answer.ok ? answer.value : refuse(reply, answer.problem)
      },
    )

    app.get(
      `${path}/:id/history`,
      {
        config: { ...viewer, problems: ['unknown-count'] },
        schema: {
          operationId: 'getCountHistory',
          summary: 'A series of changes or levels',
          tags,
          params,
          querystring: jsonSchema(historyQuery),
          response: { 200: jsonSchema(historyView, 'output') },
        },
      },
      async (request, reply) => {
        const answer = await manager.history(request.params.id, request.query)
        return answer.ok ? answer.value : refuse(reply, answer.problem)
      },
    )
  }
