import { createHash } from 'node:crypto'
import { dashboardId } from '@count/core/dashboards'
import { jsonSchema, type RoutePlugin, refuse } from '@count/core/http'
import { problem } from '@count/core/problem'
import type { SessionVerifier } from '@count/core/sessions'
import { traced } from '@count/core/trace'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import type { Ended } from '../audience.ts'
import type { DashboardUpdater, Wanted } from '../dashboard-updater.ts'
import { openEventStream } from '../event-stream.ts'

/** Streams that one process serves; more are told to come back, to another one perhaps. */
export const maxStreams = 10_000

const description =
  'Server-sent events: first `snapshot`, everything that the dashboard shows; then `delta`, what changed, at most ten a second; `status`, `alert`, and `dashboard` when the configuration changed; `heartbeat` each 15 s; last `gone`, when there is nothing more to come back to. `Last-Event-ID` goes on where another connection ended.'

const schema = {
  description,
  tags: ['dashboards'],
  headers: jsonSchema(z.object({ 'last-event-id': z.string().optional() })),
  response: {
    200: { description: 'The stream', content: { 'text/event-stream': { schema: { type: 'string' } } } },
  },
}

interface Streams {
  updater: Pick<DashboardUpdater, 'find' | 'dismiss'>
  verifier: Pick<SessionVerifier, 'holds'>
  /** Streams open now. */
  open: () => number
}

/**
 * GET /api/v1/dashboards/{id}/stream for administrators and GET /api/v1/dashboards/shared/{token}/stream for whoever has the
 * link. HEAD is not served: it would have to end.
 */
export const streamRoutes =
  ({ updater, verifier, open }: Streams): RoutePlugin =>
  async (app) => {
    let stopping = false
    app.addHook('preClose', (done) => {
      stopping = true
      updater.dismiss()
      done()
    })

    async function stream(request: FastifyRequest, reply: FastifyReply, wanted: Wanted, ended: Ended) {
      if (stopping || open() >= maxStreams) return refuse(reply, problem('unavailable'))
      const admit = await traced(request, () => updater.find(wanted))
      if (!admit) return refuse(reply, problem('not-found', { detail: 'No such dashboard' }))
      if (stopping) return refuse(reply, problem('unavailable'))
      const lastEventId = request.headers['last-event-id']
      admit({
        open: (events) => openEventStream(reply, events),
        lastEventId: typeof lastEventId === 'string' ? lastEventId : undefined,
        ended,
      })
      return reply
    }

    app.get(
      '/api/v1/dashboards/:id/stream',
      {
        exposeHeadRoute: false,
        config: {
          access: { kind: 'session', role: 'viewer' },
          problems: ['not-found', 'unavailable'],
          longLived: true,
        },
        schema: {
          ...schema,
          operationId: 'streamDashboard',
          summary: 'Streams what a dashboard shows',
          params: jsonSchema(z.strictObject({ id: dashboardId })),
        },
      },
      (request, reply) => {
        const { session } = request
        return stream(request, reply, { id: request.params.id }, () => {
          if (!session || verifier.holds(session)) return undefined
          return session.exp * 1000 > Date.now() ? 'signed-out' : 'expired'
        })
      },
    )

    app.get(
      '/api/v1/dashboards/shared/:token/stream',
      {
        exposeHeadRoute: false,
        config: { access: { kind: 'public' }, problems: ['not-found', 'unavailable'], longLived: true },
        schema: {
          ...schema,
          operationId: 'streamSharedDashboard',
          summary: 'Streams what a shared dashboard shows',
          params: jsonSchema(z.strictObject({ token: z.string() })),
        },
      },
      (request, reply) => {
        const share = createHash('sha256').update(request.params.token).digest('hex')
        return stream(request, reply, { share }, () => undefined)
      },
    )
  }
