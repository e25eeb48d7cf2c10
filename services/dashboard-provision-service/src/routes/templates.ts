import { jsonSchema, type RoutePlugin, refuse } from '@count/core/http'
import { z } from 'zod'
import type { DashboardManager } from '../dashboard-manager.ts'
import { templateUse, templateView } from '../schemas.ts'
import { templateList } from '../templates.ts'
import { answerNew, dashboardSchema, path, tags } from './dashboards.ts'
import { editor, userOf, viewer } from './http.ts'

/** Dashboards that are almost ready: they want to be told which counts. */
export const templateRoutes =
  (manager: DashboardManager): RoutePlugin =>
  async (app) => {
    app.get(
      `${path}/templates`,
      {
        config: viewer,
        schema: {
          operationId: 'listTemplates',
          summary: 'Templates of dashboards',
          tags,
          response: { 200: jsonSchema(z.object({ items: z.array(templateView) }), 'output') },
        },
      },
      async () => ({ items: templateList }),
    )

    app.post(
      `${path}/templates/:template`,
      {
        config: { ...editor, problems: ['not-found'] },
        schema: {
          operationId: 'useTemplate',
          summary: 'Creates a dashboard from a template',
          tags,
          params: jsonSchema(z.strictObject({ template: z.string().max(64) })),
          body: jsonSchema(
            templateUse.meta({ examples: [{ name: 'Shop', counts: { prefix: 'shop:' }, language: 'en' }] }),
          ),
          response: { 201: dashboardSchema },
        },
      },
      async (request, reply) => {
        const answer = await manager.createFrom(request.params.template, request.body, userOf(request))
        return answer.ok ? answerNew(reply, answer) : refuse(reply, answer.problem)
      },
    )
  }
