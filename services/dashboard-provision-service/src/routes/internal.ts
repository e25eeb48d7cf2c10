import { alertTransitionResults, alertTransitions, internalAlerts } from '@count/core/alerts'
import { internalDashboardQuery, internalDashboards } from '@count/core/dashboards'
import { jsonSchema, type RoutePlugin } from '@count/core/http'
import { matchesNone } from '@count/core/if-match'
import { z } from 'zod'
import type { LiveRules } from '../alerts/live-rules.ts'
import type { Transitions } from '../alerts/transitions.ts'
import type { ShownDashboards } from '../shown-dashboards.ts'
import { service } from './http.ts'

const tags = ['internal']
const headers = jsonSchema(z.object({ 'if-none-match': z.string().optional() }))
const unchanged = { type: 'null', description: 'Nothing changed' }

/** What dashboard-update-service asks for each second, and what it tells. */
export const internalRoutes =
  ({
    shown,
    rules,
    transitions,
  }: {
    shown: ShownDashboards
    rules: LiveRules
    transitions: Transitions
  }): RoutePlugin =>
  async (app) => {
    app.get(
      '/internal/dashboards',
      {
        config: service,
        schema: {
          operationId: 'shownDashboards',
          summary: 'Dashboards by id and by share link',
          tags,
          headers,
          querystring: jsonSchema(internalDashboardQuery),
          response: { 200: jsonSchema(internalDashboards, 'output'), 304: unchanged },
        },
      },
      async (request, reply) => {
        const etag = `"${await shown.tag()}"`
        reply.header('etag', etag)
        if (matchesNone(request.headers['if-none-match'], etag)) return reply.code(304).send()
        return await shown.read(request.query.id, request.query.share)
      },
    )

    app.get(
      '/internal/alerts',
      {
        config: service,
        schema: {
          operationId: 'liveRules',
          summary: 'Enabled alerts with their state',
          tags,
          headers,
          response: { 200: jsonSchema(internalAlerts, 'output'), 304: unchanged },
        },
      },
      async (request, reply) => {
        const etag = `"${await rules.tag()}"`
        reply.header('etag', etag)
        if (matchesNone(request.headers['if-none-match'], etag)) return reply.code(304).send()
        return { rules: await rules.read() }
      },
    )

    app.post(
      '/internal/alerts/transitions',
      {
        config: service,
        schema: {
          operationId: 'recordTransitions',
          summary: 'What an evaluator saw; each transition is taken once, whoever tells it',
          tags,
          body: jsonSchema(alertTransitions),
          response: { 200: jsonSchema(alertTransitionResults, 'output') },
        },
      },
      async (request) => ({ results: await transitions.record(request.body.transitions) }),
    )
  }
