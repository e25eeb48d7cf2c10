import type { CountReader } from '@count/core/count-reader'
import type { CountSelection, Panel } from '@count/core/dashboards'
import type { CountInfo } from '@count/core/schemas'
import { afterLifecycle, grows, listMembers, type Members } from './members.ts'

export type PanelMembers = ReturnType<typeof createPanelMembers>

const nobody: Members = { ids: [], more: false }

/**
 * Which counts the panels of one dashboard show. Lifecycle events move those that grow by prefix or tag on.
 *
 * @param changed Is told when another set of counts is shown by a panel
 */
export function createPanelMembers(reader: Pick<CountReader, 'list'>, changed: (panel: string) => void) {
  let panels: Panel[] = []
  let members = new Map<string, Members>()
  /** Panels whose counts are to be asked for: they could not be, or only CountInfoDB knows. */
  const unlisted = new Set<string>()
  /** What events said of counts while a panel's were being asked for: the answer may not know it. */
  const meanwhile = new Map<string, [count: string, info: CountInfo | undefined][]>()

  function set(panel: string, next: Members): void {
    const { ids, more } = members.get(panel) ?? {}
    if (more === next.more && ids?.join() === next.ids.join()) return
    members.set(panel, next)
    changed(panel)
  }

  function after(
    panel: string,
    before: Members,
    counts: CountSelection,
    count: string,
    info: CountInfo | undefined,
  ): Members {
    const next = afterLifecycle(before, counts, count, info)
    if (next !== 'unknown') return next
    unlisted.add(panel)
    return { ids: before.ids.filter((one) => one !== count), more: true }
  }

  async function list(which: Panel[]): Promise<void> {
    await Promise.all(
      which.map(async ({ id, counts }) => {
        if (!counts) return
        const news: [string, CountInfo | undefined][] = []
        meanwhile.set(id, news)
        const listed = await listMembers(reader, counts)
        meanwhile.delete(id)
        if (!listed) {
          unlisted.add(id)
          return
        }
        unlisted.delete(id)
        set(
          id,
          news.reduce((members, [count, info]) => after(id, members, counts, count, info), listed),
        )
      }),
    )
  }

  return {
    of: (panel: string): Members => members.get(panel) ?? nobody,
    all: () => new Set([...members.values()].flatMap(({ ids }) => ids)),
    /** Other panels from here on. */
    async configure(next: Panel[]): Promise<void> {
      panels = next
      members = new Map()
      unlisted.clear()
      await list(panels)
    },
    /** Asks again for what could not be asked; with `all`, for every panel by prefix or tag. */
    async relist(all: boolean): Promise<void> {
      await list(panels.filter(({ id, counts }) => counts && grows(counts) && (all || unlisted.has(id))))
    },
    /** Whether there is something to ask again. */
    incomplete: () => unlisted.size > 0,
    /** A count came or changed, or went (`undefined`). */
    lifecycle(count: string, info: CountInfo | undefined): void {
      for (const { id, counts } of panels) {
        if (!counts || !grows(counts)) continue
        meanwhile.get(id)?.push([count, info])
        const before = members.get(id)
        if (before) set(id, after(id, before, counts, count, info))
      }
    },
  }
}
