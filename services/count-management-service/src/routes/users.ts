import { jsonSchema, type RoutePlugin, refuse } from '@count/core/http'
import { z } from 'zod'
import { page, pageQuery, userCreation, username, userPatch, userView } from '../schemas.ts'
import type { UserManager } from '../user-manager.ts'
import { actorOf } from './actor.ts'

const path = '/api/v1/admin/users'
const tags = ['users']
const admin = { access: { kind: 'session', role: 'admin' } } as const
const params = jsonSchema(z.strictObject({ username }))
const user = jsonSchema(userView, 'output')

/** Who may sign in, and as what. */
export const userRoutes =
  (users: UserManager): RoutePlugin =>
  async (app) => {
    app.get(
      path,
      {
        config: admin,
        schema: {
          operationId: 'listUsers',
          summary: 'Users in the order of their names',
          tags,
          querystring: jsonSchema(z.strictObject(pageQuery)),
          response: { 200: jsonSchema(page(userView), 'output') },
        },
      },
      async (request, reply) => {
        const answer = await users.list(request.query.cursor, request.query.limit)
        return answer.ok ? answer.value : refuse(reply, answer.problem)
      },
    )

    app.post(
      path,
      {
        config: { ...admin, problems: ['already-exists'] },
        schema: {
          operationId: 'createUser',
          summary: 'Adds a user, active at once',
          tags,
          body: jsonSchema(userCreation),
          response: { 201: user },
        },
      },
      async (request, reply) => {
        const answer = await users.create(request.body, actorOf(request))
        if (!answer.ok) return refuse(reply, answer.problem)
        return reply.code(201).header('location', `${path}/${answer.value.username}`).send(answer.value)
      },
    )

    app.patch(
      `${path}/:username`,
      {
        config: { ...admin, problems: ['not-found', 'conflict'] },
        schema: {
          operationId: 'changeUser',
          summary: 'Changes role, password or whether the user may sign in; ends the sessions of the user',
          tags,
          params,
          body: jsonSchema(userPatch),
          response: { 200: user },
        },
      },
      async (request, reply) => {
        const answer = await users.update(request.params.username, request.body, actorOf(request))
        return answer.ok ? answer.value : refuse(reply, answer.problem)
      },
    )

    app.delete(
      `${path}/:username`,
      {
        config: { ...admin, problems: ['not-found', 'conflict'] },
        schema: {
          operationId: 'removeUser',
          summary: 'Removes a user and ends the sessions of the user',
          tags,
          params,
          response: { 204: { type: 'null' } },
        },
      },
      async (request, reply) => {
        const answer = await users.remove(request.params.username, actorOf(request))
        return answer.ok ? reply.code(204).send() : refuse(reply, answer.problem)
      },
    )
  }
