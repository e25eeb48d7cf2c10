import { z } from 'zod'
import { countId, instant, line, measure, tag, text } from './schemas.ts'

export const gridColumns = 12
export const maxPanels = 200
/** Counts that one panel shows at most: of more that match its prefix or tag, the first in the order of their ids. */
export const maxPanelCounts = 100

/** A name: a line that is not blank. */
export const title = line(200).regex(/\S/)

/** How far back a panel looks. */
export const ranges = ['15m', '1h', '6h', '24h', '7d', '30d', '90d', '1y'] as const
export const range = z.enum(ranges)

/** Seconds that a range spans. */
export const rangeSeconds: Record<Range, number> = {
  '15m': 900,
  '1h': 3600,
  '6h': 6 * 3600,
  '24h': 86_400,
  '7d': 7 * 86_400,
  '30d': 30 * 86_400,
  '90d': 90 * 86_400,
  '1y': 365 * 86_400,
}

/** Which counts: exactly one of the three. By prefix and by tag a panel picks up new counts by itself. */
export const countSelection = z
  .strictObject({
    ids: z.array(countId).min(1).max(maxPanelCounts).optional(),
    prefix: countId.optional(),
    tag: tag.optional(),
  })
  .superRefine(({ ids, prefix, tag }, { addIssue }) => {
    if ([ids, prefix, tag].filter((way) => way !== undefined).length !== 1)
      addIssue({ code: 'custom', message: 'must name exactly one of ids, prefix and tag' })
    if (ids && new Set(ids).size < ids.length)
      addIssue({ code: 'custom', path: ['ids'], message: 'must not name a count twice' })
  })

export const panelType = z.enum(['number', 'line', 'bar', 'table', 'gauge', 'markdown'])

/** Where a panel lies, in cells of a grid of 12 columns without end downwards; `x`, `y` of its upper left one. */
export const panelLayout = z.strictObject({
  x: z
    .int()
    .min(0)
    .max(gridColumns - 1),
  y: z.int().min(0).max(9_999),
  w: z.int().min(1).max(gridColumns),
  h: z.int().min(1).max(100),
})

const level = z.number().min(-1e16).max(1e16)

/** From `at` upwards the value has this tone, until the next threshold. */
export const threshold = z.strictObject({ at: level, tone: z.enum(['good', 'warn', 'bad']) })

const panelShape = z.strictObject({
  id: z
    .string()
    .regex(/^[A-Za-z0-9_-]{1,64}$/)
    .describe('Unique on its dashboard'),
  type: panelType,
  title: line(200).default(''),
  counts: countSelection.optional().describe('What it shows; every type but markdown needs it'),
  layout: panelLayout,
  range: range.optional().describe("Instead of the dashboard's"),
  measure: measure.optional().describe('Lines and bars; absent: lines show the value, bars the change'),
  unit: line(32).optional().describe("Instead of the count's"),
  format: z.enum(['compact', 'full']).optional().describe('Numbers as 1.2 M or 1,234,567; absent: full'),
  thresholds: z.array(threshold).max(10).optional(),
  spark: z.boolean().optional().describe('Numbers: a line of the range below the value; absent: yes'),
  min: level.optional().describe("Gauges: the left end; absent: the count's own bound, else 0"),
  max: level.optional().describe("Gauges: the right end; absent: the count's own bound"),
  text: text(10_000).optional().describe('Markdown panels have text and no counts'),
})

/** One panel. Counts that do not exist are kept as they are, and shown as missing. */
export const panel = panelShape.superRefine((panel, { addIssue }) => {
  const fault = (path: keyof typeof panel | string, message: string) =>
    addIssue({ code: 'custom', path: path.split('.'), message })
  if (panel.type === 'markdown') {
    if (panel.text === undefined) fault('text', 'is needed by a markdown panel')
    if (panel.counts) fault('counts', 'is not for markdown panels')
  } else {
    if (!panel.counts) fault('counts', `is needed by a ${panel.type} panel`)
    if (panel.text !== undefined) fault('text', 'is for markdown panels only')
  }
  if (panel.min !== undefined && panel.max !== undefined && panel.min >= panel.max)
    fault('max', 'must be greater than min')
  const { x, w } = panel.layout
  if (x + w > gridColumns) fault('layout', `must end within the ${gridColumns} columns: x + w is ${x + w}`)
  const levels = panel.thresholds?.map(({ at }) => at) ?? []
  if (new Set(levels).size < levels.length) fault('thresholds', 'must not have two at one value')
})

type Cells = z.infer<typeof panelLayout>

const overlaps = (a: Cells, b: Cells) =>
  a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h

/** What an administrator saves. Parse it with this schema: what panels are to each other JSON schema cannot say. */
export const dashboardBody = z.strictObject({
  name: title,
  range: range.default('24h'),
  panels: z
    .array(panel)
    .max(maxPanels)
    .default([])
    .superRefine((panels, { addIssue }) => {
      const seen = new Set<string>()
      for (const [i, { id, layout }] of panels.entries()) {
        if (seen.has(id)) addIssue({ code: 'custom', path: [i, 'id'], message: 'is the id of another panel' })
        seen.add(id)
        const other = panels.slice(0, i).find((earlier) => overlaps(earlier.layout, layout))
        if (other)
          addIssue({ code: 'custom', path: [i, 'layout'], message: `overlaps the panel ${other.id}` })
      }
    }),
})

export const dashboardId = line(64).min(1)

/** A dashboard as it stands; `revision` counts what was saved and is its ETag. */
export const dashboard = z.object({
  id: dashboardId,
  name: z.string(),
  range,
  panels: z.array(panelShape),
  revision: z.int(),
  createdAt: instant,
  createdBy: z.string().describe('Username'),
  updatedAt: instant,
  updatedBy: z.string(),
})

/** What a share link shows: nothing about who made it. */
export const sharedDashboard = dashboard.omit({ createdBy: true, updatedBy: true })

/** SHA-256 of a share link's token, hex. */
export const shareHash = z.string().regex(/^[0-9a-f]{64}$/)

/**
 * `GET /internal/dashboards?id=…&share=…`, each up to 100 times; the dashboards of the shares are among `dashboards`. What is
 * absent was deleted, revoked, has expired or never was.
 */
export const internalDashboardQuery = z.strictObject({
  id: z.array(dashboardId).max(100).default([]),
  share: z.array(shareHash).max(100).default([]),
})
export const internalDashboards = z.object({
  dashboards: z.array(dashboard),
  shares: z.array(z.object({ hash: shareHash, dashboard: dashboardId, expiresAt: instant.nullable() })),
})

export type Range = z.infer<typeof range>
export type CountSelection = z.infer<typeof countSelection>
export type PanelType = z.infer<typeof panelType>
export type PanelLayout = z.infer<typeof panelLayout>
export type Threshold = z.infer<typeof threshold>
export type Panel = z.infer<typeof panelShape>
export type DashboardBody = z.infer<typeof dashboardBody>
export type Dashboard = z.infer<typeof dashboard>
export type SharedDashboard = z.infer<typeof sharedDashboard>
export type InternalDashboards = z.infer<typeof internalDashboards>
