import type { CountReader } from '@count/core/count-reader'
import { type CountSelection, maxPanelCounts } from '@count/core/dashboards'
import type { CountInfo } from '@count/core/schemas'

/** The counts that a panel shows, in order; `more` when there are others that it leaves out. */
export interface Members {
  ids: string[]
  more: boolean
}

/** By prefix or tag a panel picks up new counts by itself. */
export const grows = (counts: CountSelection): boolean => counts.ids === undefined

/** Asks which counts a panel shows; undefined while CountInfoDB is away. */
export async function listMembers(
  reader: Pick<CountReader, 'list'>,
  { ids, prefix, tag }: CountSelection,
): Promise<Members | undefined> {
  if (ids) return { ids, more: false }
  const page = await reader.list({ prefix, tag, limit: maxPanelCounts }, null)
  return page.ok ? { ids: page.ids, more: page.nextCursor !== null } : undefined
}

const matches = ({ prefix, tag }: CountSelection, { id, tags }: CountInfo) =>
  (prefix !== undefined && id.startsWith(prefix)) || (tag !== undefined && tags.includes(tag))

/**
 * What a count's new CountInfo, or its end (`undefined`), makes of a growing panel's members. The same object when nothing;
 * `unknown` when a place has become free and only CountInfoDB knows who is next.
 */
export function afterLifecycle(
  members: Members,
  selection: CountSelection,
  id: string,
  info: CountInfo | undefined,
): Members | 'unknown' {
  const shown = members.ids.includes(id)
  const belongs = info !== undefined && matches(selection, info)
  if (shown === belongs) return members
  if (!belongs) {
    if (members.more) return 'unknown'
    return { ids: members.ids.filter((one) => one !== id), more: false }
  }
  const next = members.ids.findIndex((one) => one > id)
  // What lies past the last shown is one of the others.
  if (next < 0 && (members.more || members.ids.length >= maxPanelCounts))
    return members.more ? members : { ...members, more: true }
  const ids = members.ids.toSpliced(next < 0 ? members.ids.length : next, 0, id)
  return { ids: ids.slice(0, maxPanelCounts), more: members.more || ids.length > maxPanelCounts }
}
