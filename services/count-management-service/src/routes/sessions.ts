import { jsonSchema, type RoutePlugin, refuse } from '@count/core/http'
import { problem } from '@count/core/problem'
import type { SessionClaims } from '@count/core/sessions'
import { z } from 'zod'
import { page, passwordChange, sessionId, sessionQuery, sessionView } from '../schemas.ts'
import type { Sessions } from '../sessions.ts'
import type { UserManager } from '../user-manager.ts'
import { actorOf } from './actor.ts'

const path = '/api/v1/admin/sessions'
const tags = ['session']
const viewer = { access: { kind: 'session', role: 'viewer' } } as const

/** One's own sessions and password; for admins, everybody's sessions. */
export const ownRoutes =
  ({ sessions, users }: { sessions: Sessions; users: UserManager }): RoutePlugin =>
  async (app) => {
    app.put(
      '/api/v1/admin/session/password',
      {
        config: { ...viewer, problems: ['too-many-requests'] },
        schema: {
          operationId: 'changePassword',
          summary: "Changes one's own password; ends one's other sessions",
          tags,
          body: jsonSchema(passwordChange),
          response: { 204: { type: 'null' } },
        },
      },
      async (request, reply) => {
        const claims = request.session as SessionClaims
        const answer = await users.changePassword(claims, request.body, actorOf(request))
        if (answer.ok) return reply.code(204).send()
        return 'retryAfter' in answer
          ? refuse(reply, problem('too-many-requests'), { 'retry-after': String(answer.retryAfter) })
          : refuse(reply, answer.problem)
      },
    )

    app.get(
      path,
      {
        config: viewer,
        schema: {
          operationId: 'listOpenSessions',
          summary: "One's own sessions; for admins, others' too",
          tags,
          querystring: jsonSchema(sessionQuery),
          response: { 200: jsonSchema(page(sessionView), 'output') },
        },
      },
      async (request, reply) => {
        const answer = await sessions.list(request.session as SessionClaims, request.query)
        return answer.ok ? answer.value : refuse(reply, answer.problem)
      },
    )

    app.delete(
      `${path}/:id`,
      {
        config: { ...viewer, problems: ['not-found'] },
        schema: {
          operationId: 'endSession',
          summary: "Ends a session: one's own or, for admins, anybody's",
          tags,
          params: jsonSchema(z.strictObject({ id: sessionId })),
          response: { 204: { type: 'null' } },
        },
      },
      async (request, reply) => {
        const by = request.session as SessionClaims
        const answer = await sessions.end(request.params.id, by, actorOf(request))
        return answer.ok ? reply.code(204).send() : refuse(reply, answer.problem)
      },
    )
  }
