import { dashboardId } from '@count/core/dashboards'
import { jsonSchema, type RoutePlugin, refuse } from '@count/core/http'
import { z } from 'zod'
import type { DashboardManager } from '../dashboard-manager.ts'
import type { Revisions } from '../revisions.ts'
import { page, plainQuery, revisionSummary, revisionView } from '../schemas.ts'
import { answerOne, dashboardSchema, params, path, tags } from './dashboards.ts'
import { editor, guarded, userOf, viewer } from './http.ts'

const one = jsonSchema(
  z.strictObject({
    id: dashboardId,
    revision: z
      .int()
      .min(1)
      .max(2 ** 31 - 1),
  }),
)
const headers = jsonSchema(
  z.object({ 'if-match': z.string().default('*').describe('"<revision>"; absent: any') }),
)

/** What was saved of a dashboard before. */
export const revisionRoutes =
  ({ revisions, manager }: { revisions: Revisions; manager: DashboardManager }): RoutePlugin =>
  async (app) => {
    app.get(
      `${path}/:id/revisions`,
      {
        config: { ...viewer, problems: ['not-found'] },
        schema: {
          operationId: 'listRevisions',
          summary: 'The last hundred saves of a dashboard, newest first',
          tags,
          params,
          querystring: jsonSchema(plainQuery),
          response: { 200: jsonSchema(page(revisionSummary), 'output') },
        },
      },
      async (request, reply) => {
        const answer = await revisions.list(request.params.id, request.query)
        return answer.ok ? answer.value : refuse(reply, answer.problem)
      },
    )

    app.get(
      `${path}/:id/revisions/:revision`,
      {
        config: { ...viewer, problems: ['not-found'] },
        schema: {
          operationId: 'getRevision',
          summary: 'A dashboard as it was saved',
          tags,
          params: one,
          response: { 200: jsonSchema(revisionView, 'output') },
        },
      },
      async (request, reply) => {
        const answer = await revisions.read(request.params.id, request.params.revision)
        return answer.ok ? answer.value : refuse(reply, answer.problem)
      },
    )

    app.post(
      `${path}/:id/revisions/:revision/restore`,
      {
        config: { ...editor, problems: ['not-found', 'version-mismatch'] },
        schema: {
          operationId: 'restoreRevision',
          summary: 'Saves a former revision as a new one',
          tags,
          params: one,
          headers,
          response: { 200: dashboardSchema },
        },
      },
      async (request, reply) => {
        const { id, revision } = request.params
        const answer = await guarded(request.headers['if-match'], (match) =>
          manager.restoreRevision(id, revision, match, userOf(request)),
        )
        return answerOne(reply, answer)
      },
    )
  }
