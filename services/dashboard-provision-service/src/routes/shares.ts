import { dashboardId, sharedDashboard } from '@count/core/dashboards'
import { jsonSchema, type RoutePlugin, refuse } from '@count/core/http'
import { matchesNone } from '@count/core/if-match'
import { problem } from '@count/core/problem'
import { z } from 'zod'
import { shareCreation, shareShown, shareView } from '../schemas.ts'
import type { Shares } from '../shares.ts'
import { params, path, tags } from './dashboards.ts'
import { editor, etagOf, once, open, userOf, viewer } from './http.ts'

/** Links that show a dashboard without a session, and what they show. */
export const shareRoutes =
  (shares: Shares): RoutePlugin =>
  async (app) => {
    app.post(
      `${path}/:id/shares`,
      {
        config: { ...editor, problems: ['not-found', 'conflict'] },
        schema: {
          operationId: 'createShare',
          summary: 'Makes a link to a dashboard and shows it, this once',
          tags,
          params,
          body: jsonSchema(
            shareCreation.meta({ examples: [{ name: 'Lobby', frameAncestors: ['https://wiki.example'] }] }),
          ),
          response: { 201: jsonSchema(shareShown, 'output') },
        },
      },
      async (request, reply) => {
        const { id } = request.params
        const answer = await shares.create(id, request.body, userOf(request))
        if (!answer.ok) return refuse(reply, answer.problem)
        return reply
          .code(201)
          .headers({ ...once, location: `${path}/${id}/shares/${answer.value.id}` })
          .send(answer.value)
      },
    )

    app.get(
      `${path}/:id/shares`,
      {
        config: { ...viewer, problems: ['not-found'] },
        schema: {
          operationId: 'listShares',
          summary: 'The links to a dashboard, expired ones too',
          tags,
          params,
          response: { 200: jsonSchema(z.object({ items: z.array(shareView) }), 'output') },
        },
      },
      async (request, reply) => {
        const answer = await shares.list(request.params.id)
        return answer.ok ? answer.value : refuse(reply, answer.problem)
      },
    )

    app.delete(
      `${path}/:id/shares/:share`,
      {
        config: { ...editor, problems: ['not-found'] },
        schema: {
          operationId: 'revokeShare',
          summary: 'Revokes a link; what it shows ends within two seconds',
          tags,
          params: jsonSchema(z.strictObject({ id: dashboardId, share: dashboardId })),
          response: { 204: { type: 'null' } },
        },
      },
      async (request, reply) => {
        const answer = await shares.revoke(request.params.id, request.params.share)
        return answer.ok ? reply.code(204).send() : refuse(reply, answer.problem)
      },
    )

    app.get(
      `${path}/shared/:token`,
      {
        config: { ...open, problems: ['not-found'] },
        schema: {
          operationId: 'getSharedDashboard',
          summary: 'The dashboard that a link shows; the link is the right',
          tags,
          params: jsonSchema(z.strictObject({ token: z.string().max(200) })),
          headers: jsonSchema(z.object({ 'if-none-match': z.string().optional() })),
          response: {
            200: jsonSchema(sharedDashboard, 'output'),
            304: { type: 'null', description: 'It is the one you have' },
          },
        },
      },
      async (request, reply) => {
        const opened = await shares.open(request.params.token)
        if (!opened) return refuse(reply, problem('not-found', { detail: 'No such link (any more)' }))
        const etag = etagOf(opened.dashboard)
        reply.headers({ etag, 'cache-control': 'private, no-cache' })
        return matchesNone(request.headers['if-none-match'], etag)
          ? reply.code(304).send()
          : reply.send(opened.dashboard)
      },
    )
  }
