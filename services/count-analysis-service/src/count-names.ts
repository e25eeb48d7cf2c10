import { Unavailable } from '@count/core/away'
import { type ProblemDocument, problem } from '@count/core/problem'
import { countInfo } from '@count/core/schemas'
import type { ServiceContext } from '@count/core/service'
import { z } from 'zod'

/** What an analysis needs to know of a count beside its values. */
const described = countInfo.pick({
  id: true,
  name: true,
  unit: true,
  min: true,
  max: true,
  created: true,
  createdAt: true,
})
export type Described = z.output<typeof described>

const page = z.object({
  items: z.array(described),
  nextCursor: z.string().nullable(),
  problems: z.array(z.object({ id: z.string(), status: z.int() })).default([]),
})

/** All counts of one group. */
export type Group = { tag: string } | { prefix: string }

export type CountNames = ReturnType<typeof createCountNames>
type Named = { ok: true; items: Described[] } | { ok: false; problem: ProblemDocument }
/** `more`: the group has more members than these. */
export type Members = { items: Described[]; more: boolean }

const patienceMs = 3000
/** Members of a group that are listed; the rest is told by `more`. */
export const mostMembers = 1000

const mostKnown = 10_000

/**
 * Names, units and bounds of counts, and who belongs to a group, from count-read-service. While that is away, counts that were
 * asked for before are as they were then; for all else its methods reject with Unavailable.
 */
export function createCountNames(
  { fetch }: Pick<ServiceContext, 'fetch'>,
  config: { READ_URL: string; SERVICE_TOKEN: string },
) {
  const known = new Map<string, Described>()

  function remember(item: Described): void {
    known.delete(item.id)
    known.set(item.id, item)
    if (known.size > mostKnown) known.delete(known.keys().next().value as string)
  }

  async function ask(query: Record<string, string>, signal: AbortSignal): Promise<z.output<typeof page>> {
    try {
      const answer = await fetch(`${config.READ_URL}/internal/counts?${new URLSearchParams(query)}`, {
        headers: { authorization: `Bearer ${config.SERVICE_TOKEN}` },
        signal: AbortSignal.any([signal, AbortSignal.timeout(patienceMs)]),
      })
      if (!answer.ok) throw new Error(`answered ${answer.status}`)
      return page.parse(await answer.json())
    } catch (error) {
      throw new Unavailable(`count-read-service: ${error instanceof Error ? error.message : error}`)
    }
  }

  return {
    /** In the order of `ids`; 404 names those that do not exist by their places in the query. */
    async named(ids: readonly string[], signal: AbortSignal): Promise<Named> {
      if (ids.length === 0) return { ok: true, items: [] }
      const { items, problems } = await ask({ ids: ids.join() }, signal).catch((error) => {
        if (signal.aborted || !ids.every((id) => known.has(id))) throw error
        return { items: [], problems: [] }
      })
      const unknown = new Set(problems.filter(({ status }) => status === 404).map(({ id }) => id))
      for (const id of unknown) known.delete(id)
      for (const item of items) remember(item)
      if (unknown.size > 0) {
        const path = (place: number) => (ids.length === 1 ? 'count' : `count.${place}`)
        const errors = ids.flatMap((id, place) =>
          unknown.has(id) ? [{ path: path(place), message: `${id} does not exist` }] : [],
        )
        return {
          ok: false,
          problem: problem('unknown-count', { detail: `No such count: ${[...unknown].join(', ')}`, errors }),
        }
      }
      return {
        ok: true,
        items: ids.map((id) => {
          const item = known.get(id)
          if (!item) throw new Unavailable(`count-read-service does not know of ${id} at the moment`)
          return item
        }),
      }
    },

    /** The first thousand members. */
    async members(group: Group, signal: AbortSignal): Promise<Members> {
      const { items, problems, nextCursor } = await ask({ ...group, limit: String(mostMembers) }, signal)
      if (problems.length > 0) throw new Unavailable('count-read-service: members are missing')
      return { items, more: nextCursor !== null }
    },

    /** Rejects when count-read-service does not answer. */
    check: async (): Promise<void> => void (await ask({ limit: '1' }, AbortSignal.timeout(patienceMs))),
  }
}
