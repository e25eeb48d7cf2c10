import { allowsId } from '@count/core/api-keys'
import type { CountReader, ReadOutcome } from '@count/core/count-reader'
import { jsonSchema, type RoutePlugin, refuse } from '@count/core/http'
import { type ProblemDocument, problem } from '@count/core/problem'
import { countView } from '@count/core/schemas'
import { z } from 'zod'
import { countsQuery, problems, select } from '../paging.ts'

const answer = z.object({ items: z.array(countView), nextCursor: z.string().nullable(), problems })

/**
 * GET /api/v1/counts: counts by `ids`, in the order asked, or page by page by `prefix` and `tag`, in the order of ids.
 * `items` holds counts only; an id that could not be had is in `problems` with its reason, 404 or 503. Only when nothing but
 * a store that is away stands behind all of them, the whole answer is 503.
 */
export const countsRoute =
  (reader: CountReader): RoutePlugin =>
  async (app) => {
    app.get(
      '/api/v1/counts',
      {
        config: { access: { kind: 'key', scope: 'counts:read' }, problems: ['unavailable'] },
        schema: {
          operationId: 'readCounts',
          summary: 'Reads many counts',
          tags: ['counts'],
          querystring: jsonSchema(countsQuery),
          response: { 200: jsonSchema(answer, 'output') },
        },
      },
      async (request, reply) => {
        const key = request.apiKey
        if (!key) return refuse(reply, problem('unauthorized'))
        const selected = select(request.query)
        if ('problem' in selected) return refuse(reply, selected.problem)
        const named = 'ids' in selected
        if (named && !selected.ids.every((id) => allowsId(key, id)))
          return refuse(reply, problem('forbidden'))

        const page = named
          ? { ids: selected.ids, nextCursor: null }
          : await reader.list(selected.page, key.prefixes)
        if ('problem' in page) return refuse(reply, page.problem)
        const { items, failed } = sort(page.ids, await reader.readMany(page.ids))
        // What was deleted since it was listed is simply not in the list.
        const told = named ? failed : failed.filter(({ status }) => status !== 404)
        if (items.length === 0 && told.some(({ status }) => status === 503))
          return refuse(reply, problem('unavailable'))

        // The items are ready-made text; they are joined, not parsed.
        const more = told.length > 0 ? `,"problems":${JSON.stringify(told)}` : ''
        reply.header('content-type', 'application/json; charset=utf-8')
        return reply.send(
          `{"items":[${items.join()}],"nextCursor":${JSON.stringify(page.nextCursor)}${more}}`,
        )
      },
    )
  }

function sort(ids: string[], outcomes: ReadOutcome[]) {
  const items: string[] = []
  const failed: (ProblemDocument & { id: string })[] = []
  outcomes.forEach((outcome, i) => {
    if (outcome.ok) items.push(outcome.json)
    else failed.push({ id: ids[i] as string, ...outcome.problem })
  })
  return { items, failed }
}
