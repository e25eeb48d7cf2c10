import { get, Problem, query } from '/assets/api.js'
import { useLoad } from '/assets/hooks.js'

/** @typedef {import('./types.js').Panel} Panel */
/** @typedef {import('./types.js').Range} Range */
/** @typedef {import('./types.js').CountSelection} CountSelection */
/** @typedef {import('/assets/panels/model.js').Shown} Shown */
/** @typedef {import('./live-board.js').Preview} Preview */

const mostCounts = 24
const mostLines = 6
/** @type {Record<Range, [granularity: 'minute' | 'hour' | 'day', seconds: number]>} */
const spans = {
  '15m': ['minute', 900],
  '1h': ['minute', 3600],
  '6h': ['minute', 21_600],
  '24h': ['minute', 86_400],
  '7d': ['hour', 604_800],
  '30d': ['hour', 2_592_000],
  '90d': ['hour', 7_776_000],
  '1y': ['day', 31_536_000],
}
const stepS = { minute: 60, hour: 3600, day: 86_400 }

/** @param {CountSelection} selection @param {AbortSignal} signal @returns {Promise<Shown[]>} */
async function countsOf({ ids, prefix, tag }, signal) {
  const shown = (/** @type {any} */ { id, name, unit, value, today, min, max }) => ({
    id,
    name,
    unit,
    value,
    today: today ?? null,
    min,
    max,
    missing: false,
  })
  if (ids) {
    const one = (/** @type {string} */ id) =>
      get(`/admin/counts/${encodeURIComponent(id)}`, { signal }).then(shown, (error) => {
        if (error instanceof Problem && error.status === 404)
          return { id, name: id, unit: '', value: null, today: null, missing: true }
        throw error
      })
    return await Promise.all(ids.slice(0, mostCounts).map(one))
  }
  if (!prefix && !tag) return []
  const { items } = await get(`/admin/counts${query({ q: prefix, tag, limit: 100 })}`, { signal })
  return items.filter((/** @type {Shown} */ { id }) => id.startsWith(prefix ?? '')).map(shown)
}

/** @param {Shown[]} counts @param {Range} range @param {AbortSignal} signal @returns {Promise<import('/assets/panels/model.js').Series>} */
async function seriesOf(counts, range, signal) {
  const [granularity, spanS] = spans[range]
  const from = new Date(Date.now() - spanS * 1000).toISOString()
  const known = counts.filter(({ missing }) => !missing).slice(0, mostLines)
  const pasts = await Promise.all(
    known.map(({ id }) =>
      get(
        `/admin/counts/${encodeURIComponent(id)}/history${query({ granularity, measure: 'value', from })}`,
        { signal },
      ),
    ),
  )
  /** @type {{ at: string, value: number }[][]} */
  const lines = pasts.map(({ points }) => points)
  const at = (lines[0] ?? []).map((point) => Date.parse(point.at) / 1000)
  return {
    stepS: stepS[granularity],
    at,
    counts: new Map(
      known.map(({ id }, n) => {
        const values = at.map((_, i) => lines[n]?.[i]?.value ?? 0)
        return [id, { base: values[0] ?? 0, values }]
      }),
    ),
  }
}

const drawsPast = (/** @type {Panel} */ { type, spark }) =>
  type === 'line' || type === 'bar' || (type === 'number' && spark !== false)

/**
 * What a panel will show once it is saved: the stream knows only what was. Undefined where the stream has it.
 * @param {Panel} panel @param {Panel | undefined} saved @param {Range} range of the dashboard @param {Range} savedRange
 * @returns {Preview | undefined}
 */
export function usePreview(panel, saved, range, savedRange) {
  const own = panel.range ?? range
  const held =
    saved !== undefined &&
    JSON.stringify(saved.counts) === JSON.stringify(panel.counts) &&
    (saved.range ?? savedRange) === own &&
    (!drawsPast(panel) || drawsPast(saved))
  const key = held || !panel.counts ? null : JSON.stringify([panel.counts, own, drawsPast(panel)])
  const loaded = useLoad(key, async (signal) => {
    const counts = await countsOf(panel.counts ?? {}, signal)
    return { counts, ...(drawsPast(panel) && { series: await seriesOf(counts, own, signal) }) }
  })
  return key === null ? undefined : (loaded.data ?? { counts: [] })
}
