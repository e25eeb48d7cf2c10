import type { ShownCount, ShownPanel, ShownSeries } from '@count/core/dashboard-frames'
import type { Dashboard, Panel, Range } from '@count/core/dashboards'
import type { LiveCount } from './live-counts.ts'
import type { Members } from './members.ts'
import type { RangeSeries } from './series.ts'

/** What a dashboard's frames have said of a count's value. */
export interface Told {
  value: number | undefined
  version: number
}

/** Nothing of who made it: whoever has the link sees it. */
export function shownDashboard({ createdBy, updatedBy, ...shown }: Dashboard) {
  return shown
}

/** Whether a panel draws its counts' past. */
export const draws = ({ type, spark }: Panel): boolean =>
  type === 'line' || type === 'bar' || (type === 'number' && spark !== false)

export const shownPanel = (
  panel: Panel,
  { ids, more }: Members = { ids: [], more: false },
  dashboard: Dashboard,
): ShownPanel => ({ id: panel.id, counts: ids, more, range: panel.range ?? dashboard.range })

/** A count as a frame shows it, with the value that the frames have come to. */
export function shownCount(
  { id, info, missing, todayBase }: LiveCount,
  { value, version }: Told,
): ShownCount {
  if (missing) return { id, missing }
  const { name = id, unit = '', min = null, max = null } = info ?? {}
  const today = value === undefined || todayBase === undefined ? null : value + todayBase
  return { id, missing: false, name, unit, min, max, value: value ?? null, version, today }
}

/** The series of these counts; their last level is the value that the frames have come to. */
export function shownSeries(
  range: Range,
  { stepS, at, levels }: RangeSeries,
  told: ReadonlyMap<string, Told>,
  ids: Iterable<string>,
): ShownSeries {
  const counts: ShownSeries['counts'] = []
  for (const id of ids) {
    const found = levels.get(id)
    const value = told.get(id)?.value
    if (found && value !== undefined)
      counts.push({ id, base: found.base, values: found.values.with(-1, value) })
  }
  return { range, stepS, at, counts }
}
