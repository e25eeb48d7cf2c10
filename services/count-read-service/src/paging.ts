import type { PageQuery } from '@count/core/count-reader'
import { idPattern, maxPage } from '@count/core/limits'
import { type ProblemDocument, problem, problemDocument } from '@count/core/problem'
import { countId, limit, tag } from '@count/core/schemas'
import { z } from 'zod'

const id = idPattern.slice(1, -1)

/** Counts by name, or page by page. */
export const countsQuery = z.strictObject({
  ids: z
    .string()
    .regex(new RegExp(`^${id}(,${id}){0,${maxPage - 1}}$`))
    .optional()
    .describe('Up to 1000 ids with commas between; stands alone'),
  prefix: z
    .string()
    .regex(new RegExp(`^(${id})?$`))
    .optional()
    .describe('Ids that begin so'),
  tag: tag.optional().describe('Counts that carry this tag'),
  cursor: z.string().min(1).max(512).optional().describe('`nextCursor` of the page before'),
  limit: limit.removeDefault().optional().describe('Counts in a page; default 100'),
})

export type CountsQuery = z.output<typeof countsQuery>

/** Counts that were asked for by name, or listed, and could not be had; absent where there are none. */
export const problems = z.array(problemDocument.extend({ id: countId })).optional()

/** What is asked for: names, or a page. */
export type Selection = { ids: string[] } | { page: PageQuery } | { problem: ProblemDocument }

export function select({ ids, ...page }: CountsQuery): Selection {
  if (ids === undefined) return { page: { ...page, limit: page.limit ?? 100 } }
  const others = Object.keys(page)
  if (others.length === 0) return { ids: ids.split(',') }
  return {
    problem: problem('invalid-request', {
      errors: others.map((path) => ({ path, message: 'does not go with ids' })),
    }),
  }
}
