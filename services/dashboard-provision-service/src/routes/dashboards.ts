import type { Answer } from '@count/core/answer'
import { type Dashboard, dashboard, dashboardBody, dashboardId } from '@count/core/dashboards'
import { jsonSchema, type RoutePlugin, refuse } from '@count/core/http'
import { matchesNone } from '@count/core/if-match'
import type { ProblemName } from '@count/core/problem'
import type { FastifyReply } from 'fastify'
import { z } from 'zod'
import type { DashboardManager } from '../dashboard-manager.ts'
import { dashboardPatch, dashboardQuery, dashboardSummary, naming, page } from '../schemas.ts'
import { editor, etagOf, guarded, userOf, viewer } from './http.ts'

export const path = '/api/v1/dashboards'
export const tags = ['dashboards']
export const params = jsonSchema(z.strictObject({ id: dashboardId }))
export const dashboardSchema = jsonSchema(dashboard, 'output')
const headers = jsonSchema(
  z.object({ 'if-match': z.string().optional().describe('"<revision>", or * for any') }),
)
const example = {
  name: 'Shop',
  range: '24h',
  panels: [
    { id: 'sales', type: 'number', counts: { ids: ['shop:sales'] }, layout: { x: 0, y: 0, w: 3, h: 3 } },
    { id: 'all', type: 'line', counts: { prefix: 'shop:' }, layout: { x: 3, y: 0, w: 9, h: 6 } },
  ],
}
const body = jsonSchema(dashboardBody.meta({ examples: [example] }))

/** Answers with a dashboard that is new, or with what is wrong. */
export function answerNew(reply: FastifyReply, answer: Answer<Dashboard>) {
  if (!answer.ok) return refuse(reply, answer.problem)
  return reply
    .code(201)
    .header('location', `${path}/${answer.value.id}`)
    .header('etag', etagOf(answer.value))
    .send(answer.value)
}

/** Answers with a dashboard and its ETag, or with what is wrong. */
export const answerOne = (reply: FastifyReply, answer: Answer<Dashboard>) =>
  answer.ok ? reply.header('etag', etagOf(answer.value)).send(answer.value) : refuse(reply, answer.problem)

/** Dashboards: thin shells around DashboardManager. */
export const dashboardRoutes =
  (manager: DashboardManager): RoutePlugin =>
  async (app) => {
    app.post(
      path,
      {
        config: editor,
        schema: {
          operationId: 'createDashboard',
          summary: 'Creates a dashboard',
          tags,
          body,
          response: { 201: dashboardSchema },
        },
      },
      async (request, reply) => answerNew(reply, await manager.create(request.body, userOf(request))),
    )

    app.get(
      path,
      {
        config: viewer,
        schema: {
          operationId: 'listDashboards',
          summary: 'Dashboards by part of their name',
          tags,
          querystring: jsonSchema(dashboardQuery),
          response: { 200: jsonSchema(page(dashboardSummary), 'output') },
        },
      },
      async (request, reply) => {
        const answer = await manager.list(request.query)
        return answer.ok ? answer.value : refuse(reply, answer.problem)
      },
    )

    app.get(
      `${path}/:id`,
      {
        config: { ...viewer, problems: ['not-found'] },
        schema: {
          operationId: 'getDashboard',
          summary: 'A dashboard whole',
          tags,
          params,
          headers: jsonSchema(z.object({ 'if-none-match': z.string().optional() })),
          response: { 200: dashboardSchema, 304: { type: 'null', description: 'It is the one you have' } },
        },
      },
      async (request, reply) => {
        const answer = await manager.find(request.params.id)
        if (answer.ok && matchesNone(request.headers['if-none-match'], etagOf(answer.value)))
          return reply.code(304).header('etag', etagOf(answer.value)).send()
        return answerOne(reply, answer)
      },
    )

    const problems: ProblemName[] = ['not-found', 'version-mismatch', 'precondition-required']
    const changes = { ...editor, problems }

    app.put(
      `${path}/:id`,
      {
        config: changes,
        schema: {
          operationId: 'replaceDashboard',
          summary: 'Saves a dashboard as a new revision',
          tags,
          params,
          headers,
          body,
          response: { 200: dashboardSchema },
        },
      },
      async (request, reply) =>
        answerOne(
          reply,
          await guarded(request.headers['if-match'], (match) =>
            manager.replace(request.params.id, match, request.body, userOf(request)),
          ),
        ),
    )

    app.patch(
      `${path}/:id`,
      {
        config: changes,
        schema: {
          operationId: 'changeDashboard',
          summary: 'Renames a dashboard, or changes its range or its panels',
          tags,
          params,
          headers,
          body: jsonSchema(dashboardPatch),
          response: { 200: dashboardSchema },
        },
      },
      async (request, reply) =>
        answerOne(
          reply,
          await guarded(request.headers['if-match'], (match) =>
            manager.patch(request.params.id, match, request.body, userOf(request)),
          ),
        ),
    )

    app.delete(
      `${path}/:id`,
      {
        config: changes,
        schema: {
          operationId: 'deleteDashboard',
          summary: 'Puts a dashboard into the trash',
          tags,
          params,
          headers,
          response: { 204: { type: 'null' } },
        },
      },
      async (request, reply) => {
        const answer = await guarded(request.headers['if-match'], (match) =>
          manager.remove(request.params.id, match, userOf(request)),
        )
        return answer.ok ? reply.code(204).send() : refuse(reply, answer.problem)
      },
    )

    app.post(
      `${path}/:id/duplicate`,
      {
        config: { ...editor, problems: ['not-found'] },
        schema: {
          operationId: 'duplicateDashboard',
          summary: 'Creates another dashboard with the same panels',
          tags,
          params,
          body: jsonSchema(naming),
          response: { 201: dashboardSchema },
        },
      },
      async (request, reply) =>
        answerNew(reply, await manager.duplicate(request.params.id, request.body.name, userOf(request))),
    )
  }
