import { jsonSchema, type RoutePlugin, refuse } from '@count/core/http'
import { page, plainQuery, trashedDashboard } from '../schemas.ts'
import type { Trash } from '../trash.ts'
import { answerOne, dashboardSchema, params, path, tags } from './dashboards.ts'
import { editor, viewer } from './http.ts'

/** Deleted dashboards, and how they come back. */
export const trashRoutes =
  (trash: Trash): RoutePlugin =>
  async (app) => {
    app.get(
      `${path}/trash`,
      {
        config: viewer,
        schema: {
          operationId: 'listDashboardTrash',
          summary: 'Deleted dashboards, the latest first',
          tags,
          querystring: jsonSchema(plainQuery),
          response: { 200: jsonSchema(page(trashedDashboard), 'output') },
        },
      },
      async (request, reply) => {
        const answer = await trash.list(request.query)
        return answer.ok ? answer.value : refuse(reply, answer.problem)
      },
    )

    app.post(
      `${path}/trash/:id/restore`,
      {
        config: { ...editor, problems: ['not-found'] },
        schema: {
          operationId: 'restoreDashboard',
          summary: 'Brings a deleted dashboard back, with its links and revisions',
          tags,
          params,
          response: { 200: dashboardSchema },
        },
      },
      async (request, reply) => answerOne(reply, await trash.restore(request.params.id)),
    )
  }
