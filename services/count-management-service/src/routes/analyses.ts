import { jsonSchema, type RoutePlugin, refuse } from '@count/core/http'
import { z } from 'zod'
import type { SavedAnalyses } from '../saved-analyses.ts'
import { analysisInput, analysisView, page, pageQuery } from '../schemas.ts'
import { actorOf } from './actor.ts'

const path = '/api/v1/admin/analyses'
const tags = ['analyses']
const viewer = { access: { kind: 'session', role: 'viewer' } } as const
const editor = { access: { kind: 'session', role: 'editor' } } as const
const params = jsonSchema(z.strictObject({ id: z.uuid() }))
const body = jsonSchema(
  analysisInput.meta({
    examples: [{ name: 'Sign-ups, week on week', state: { tab: 'trend', counts: 'signups', range: '90d' } }],
  }),
)
const analysis = jsonSchema(analysisView, 'output')

/** Analyses kept by name, for everybody who may look. */
export const analysisRoutes =
  (analyses: SavedAnalyses): RoutePlugin =>
  async (app) => {
    app.get(
      path,
      {
        config: viewer,
        schema: {
          operationId: 'listAnalyses',
          summary: 'Saved analyses in the order of their names',
          tags,
          querystring: jsonSchema(z.strictObject(pageQuery)),
          response: { 200: jsonSchema(page(analysisView), 'output') },
        },
      },
      async (request, reply) => {
        const answer = await analyses.list(request.query.cursor, request.query.limit)
        return answer.ok ? answer.value : refuse(reply, answer.problem)
      },
    )

    app.post(
      path,
      {
        config: { ...editor, problems: ['already-exists'] },
        schema: {
          operationId: 'saveAnalysis',
          summary: 'Keeps what the page of analysis shows under a name',
          tags,
          body,
          response: { 201: analysis },
        },
      },
      async (request, reply) => {
        const answer = await analyses.create(request.body, actorOf(request))
        if (!answer.ok) return refuse(reply, answer.problem)
        return reply.code(201).header('location', `${path}/${answer.value.id}`).send(answer.value)
      },
    )

    app.get(
      `${path}/:id`,
      {
        config: { ...viewer, problems: ['not-found'] },
        schema: {
          operationId: 'readAnalysis',
          summary: 'One saved analysis',
          tags,
          params,
          response: { 200: analysis },
        },
      },
      async (request, reply) => {
        const answer = await analyses.get(request.params.id)
        return answer.ok ? answer.value : refuse(reply, answer.problem)
      },
    )

    app.put(
      `${path}/:id`,
      {
        config: { ...editor, problems: ['not-found', 'already-exists'] },
        schema: {
          operationId: 'changeAnalysis',
          summary: 'Renames a saved analysis, or replaces what it shows',
          tags,
          params,
          body,
          response: { 200: analysis },
        },
      },
      async (request, reply) => {
        const answer = await analyses.update(request.params.id, request.body, actorOf(request))
        return answer.ok ? answer.value : refuse(reply, answer.problem)
      },
    )

    app.delete(
      `${path}/:id`,
      {
        config: { ...editor, problems: ['not-found'] },
        schema: {
          operationId: 'deleteAnalysis',
          summary: 'Deletes a saved analysis',
          tags,
          params,
          response: { 204: { type: 'null' } },
        },
      },
      async (request, reply) => {
        const answer = await analyses.remove(request.params.id, actorOf(request))
        return answer.ok ? reply.code(204).send() : refuse(reply, answer.problem)
      },
    )
  }
