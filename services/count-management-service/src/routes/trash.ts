import { jsonSchema, type RoutePlugin, refuse } from '@count/core/http'
import { countId } from '@count/core/schemas'
import { z } from 'zod'
import type { CountManager } from '../count-manager.ts'
import { adminCount, page, trashed, trashQuery } from '../schemas.ts'
import type { Trash } from '../trash.ts'
import { actorOf } from './actor.ts'

const path = '/api/v1/admin/trash'
const tags = ['administration']

/** Deleted counts, and the way back. */
export const trashRoutes =
  ({ trash, manager }: { trash: Trash; manager: CountManager }): RoutePlugin =>
  async (app) => {
    app.get(
      path,
      {
        config: { access: { kind: 'session', role: 'viewer' } },
        schema: {
          operationId: 'listTrash',
          summary: 'Deleted counts, what was deleted last first',
          tags,
          querystring: jsonSchema(trashQuery),
          response: { 200: jsonSchema(page(trashed), 'output') },
        },
      },
      async (request, reply) => {
        const answer = await trash.list(request.query)
        return answer.ok ? answer.value : refuse(reply, answer.problem)
      },
    )

    app.post(
      `${path}/:id/:created/restore`,
      {
        config: {
          access: { kind: 'session', role: 'editor' },
          problems: ['not-found', 'already-exists', 'conflict', 'unavailable'],
        },
        schema: {
          operationId: 'restoreCount',
          summary: 'Brings a deleted count back with metadata, value and history',
          tags,
          params: jsonSchema(z.strictObject({ id: countId, created: z.int().min(1) })),
          body: jsonSchema(z.strictObject({})),
          response: { 200: jsonSchema(adminCount, 'output') },
        },
      },
      async (request, reply) => {
        const { id, created } = request.params
        const restored = await trash.restore(id, created, actorOf(request))
        if (!restored.ok) return refuse(reply, restored.problem)
        const answer = await manager.get(id)
        return answer.ok
          ? reply.header('etag', `"${answer.value.revision}"`).send(answer.value)
          : refuse(reply, answer.problem)
      },
    )
  }
