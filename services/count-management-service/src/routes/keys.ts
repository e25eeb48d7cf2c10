import { jsonSchema, type RoutePlugin, refuse } from '@count/core/http'
import { limit } from '@count/core/schemas'
import { z } from 'zod'
import type { KeyManager } from '../key-manager.ts'
import { keyCreation, keyId, keyRotation, keyShown, keyView, page } from '../schemas.ts'
import { actorOf } from './actor.ts'

const path = '/api/v1/admin/api-keys'
const tags = ['API keys']
const admin = { access: { kind: 'session', role: 'admin' } } as const
const params = jsonSchema(z.strictObject({ id: keyId }))
/** A shown key must stay in no cache on its way. */
const once = { 'cache-control': 'no-store' }

/** Administration of the keys that external services sign their calls with. */
export const keyRoutes =
  (keys: KeyManager): RoutePlugin =>
  async (app) => {
    app.post(
      path,
      {
        config: admin,
        schema: {
          operationId: 'createApiKey',
          summary: 'Creates an API key and shows it, this once',
          tags,
          body: jsonSchema(
            keyCreation.meta({ examples: [{ name: 'Shop', scopes: ['counts:write'], prefixes: ['shop.'] }] }),
          ),
          response: { 201: jsonSchema(keyShown, 'output') },
        },
      },
      async (request, reply) => {
        const answer = await keys.create(request.body, actorOf(request))
        if (!answer.ok) return refuse(reply, answer.problem)
        return reply
          .code(201)
          .headers({ ...once, location: `${path}/${answer.value.id}` })
          .send(answer.value)
      },
    )

    app.get(
      path,
      {
        config: admin,
        schema: {
          operationId: 'listApiKeys',
          summary: 'API keys, revoked ones too',
          tags,
          querystring: jsonSchema(z.strictObject({ cursor: keyId.optional(), limit })),
          response: { 200: jsonSchema(page(keyView), 'output') },
        },
      },
      async (request) => await keys.list(request.query.cursor, request.query.limit),
    )

    app.delete(
      `${path}/:id`,
      {
        config: { ...admin, problems: ['not-found'] },
        schema: {
          operationId: 'revokeApiKey',
          summary: 'Revokes an API key',
          tags,
          params,
          response: { 204: { type: 'null' } },
        },
      },
      async (request, reply) => {
        const answer = await keys.revoke(request.params.id, actorOf(request))
        return answer.ok ? reply.code(204).send() : refuse(reply, answer.problem)
      },
    )

    app.post(
      `${path}/:id/rotate`,
      {
        config: { ...admin, problems: ['not-found', 'conflict'] },
        schema: {
          operationId: 'rotateApiKey',
          summary: 'Gives an API key a new secret and shows it, this once',
          tags,
          params,
          body: jsonSchema(keyRotation),
          response: { 200: jsonSchema(keyShown, 'output') },
        },
      },
      async (request, reply) => {
        const answer = await keys.rotate(request.params.id, request.body.overlapSeconds, actorOf(request))
        return answer.ok ? reply.headers(once).send(answer.value) : refuse(reply, answer.problem)
      },
    )
  }
