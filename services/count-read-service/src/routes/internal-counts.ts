import type { CountReader } from '@count/core/count-reader'
import { jsonSchema, type RoutePlugin, refuse } from '@count/core/http'
import { type ProblemDocument, problem } from '@count/core/problem'
import { type CountInfo, countInfo } from '@count/core/schemas'
import { z } from 'zod'
import { countsQuery, problems, select } from '../paging.ts'

const answer = z.object({ items: z.array(countInfo), nextCursor: z.string().nullable(), problems })

/** GET /internal/counts: CountInfos (names, units, tags …) for other services, chosen as in GET /api/v1/counts. */
export const internalCountsRoute =
  (reader: CountReader): RoutePlugin =>
  async (app) => {
    app.get(
      '/internal/counts',
      {
        config: { access: { kind: 'service' }, problems: ['unavailable'] },
        schema: {
          operationId: 'readCountInfos',
          summary: 'Reads what counts are called',
          tags: ['internal'],
          querystring: jsonSchema(countsQuery),
          response: { 200: jsonSchema(answer, 'output') },
        },
      },
      async (request, reply) => {
        const selected = select(request.query)
        if ('problem' in selected) return refuse(reply, selected.problem)
        const page =
          'ids' in selected
            ? { ok: true as const, ids: selected.ids, nextCursor: null }
            : await reader.list(selected.page, null)
        if (!page.ok) return refuse(reply, page.problem)

        const infos = await reader.infos(page.ids)
        const items: CountInfo[] = []
        const failed: (ProblemDocument & { id: string })[] = []
        for (const id of page.ids) {
          const info = infos.get(id) ?? 'away'
          if (typeof info === 'object') items.push(info)
          else if (info === 'away') failed.push({ id, ...problem('unavailable') })
          else if ('ids' in selected) failed.push({ id, ...problem('unknown-count') })
        }
        if (items.length === 0 && failed.some(({ status }) => status === 503))
          return refuse(reply, problem('unavailable'))
        return { items, nextCursor: page.nextCursor, ...(failed.length > 0 ? { problems: failed } : {}) }
      },
    )
  }
