import { jsonSchema, type RoutePlugin, refuse } from '@count/core/http'
import type { DashboardManager } from '../dashboard-manager.ts'
import { dashboardFile } from '../schemas.ts'
import { answerNew, dashboardSchema, params, path, tags } from './dashboards.ts'
import { editor, userOf, viewer } from './http.ts'

/** Dashboards as files: what one system exports another one imports. */
export const fileRoutes =
  (manager: DashboardManager): RoutePlugin =>
  async (app) => {
    app.get(
      `${path}/:id/export`,
      {
        config: { ...viewer, problems: ['not-found'] },
        schema: {
          operationId: 'exportDashboard',
          summary: 'A dashboard as a file',
          tags,
          params,
          response: { 200: jsonSchema(dashboardFile, 'output') },
        },
      },
      async (request, reply) => {
        const answer = await manager.find(request.params.id)
        if (!answer.ok) return refuse(reply, answer.problem)
        const { id, name, range, panels } = answer.value
        return reply
          .header('content-disposition', `attachment; filename="dashboard-${id}.json"`)
          .send({ format: 'count-dashboard', version: 1, dashboard: { name, range, panels } })
      },
    )

    app.post(
      `${path}/import`,
      {
        config: editor,
        schema: {
          operationId: 'importDashboard',
          summary: 'Creates a dashboard from such a file, under a new id',
          tags,
          body: jsonSchema(dashboardFile),
          response: { 201: dashboardSchema },
        },
      },
      async (request, reply) => answerNew(reply, await manager.importFile(request.body, userOf(request))),
    )
  }
