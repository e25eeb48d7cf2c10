import { countSelection, dashboard, dashboardBody, dashboardId, range, title } from '@count/core/dashboards'
import { instant, limit, line } from '@count/core/schemas'
import { z } from 'zod'

export const page = <T extends z.ZodType>(item: T) =>
  z.object({ items: z.array(item), nextCursor: z.string().nullable() })

export interface Page<T> {
  items: T[]
  nextCursor: string | null
}

export const pageQuery = { cursor: z.string().max(1600).optional(), limit }
export const plainQuery = z.strictObject(pageQuery)
export const dashboardQuery = z.strictObject({
  q: line(200).optional().describe('Part of the name, in any case'),
  sort: z.enum(['name', '-name', 'updatedAt', '-updatedAt']).default('-updatedAt'),
  ...pageQuery,
})

export const dashboardSummary = z.object({
  id: dashboardId,
  name: z.string(),
  range,
  panels: z.int().describe('How many'),
  shares: z.int().describe('Links that show it now'),
  revision: z.int(),
  createdAt: instant,
  createdBy: z.string(),
  updatedAt: instant,
  updatedBy: z.string(),
})
export const trashedDashboard = z.object({
  id: dashboardId,
  name: z.string(),
  deletedAt: instant,
  deletedBy: z.string(),
  purgedAt: instant.describe('When it cannot be restored any more'),
})
/** Absent fields stay as they are. */
export const dashboardPatch = z.strictObject({
  name: dashboardBody.shape.name.optional(),
  range: dashboardBody.shape.range.unwrap().optional(),
  panels: dashboardBody.shape.panels.unwrap().optional(),
})
export const naming = z.strictObject({ name: title.optional() })

export const revisionSummary = z.object({
  revision: z.int(),
  name: z.string(),
  panels: z.int().describe('How many'),
  savedAt: instant,
  savedBy: z.string(),
  restored: z.int().nullable().describe('The revision that this one brought back'),
})
export const revisionView = revisionSummary.extend({
  body: z.object({ name: z.string(), range, panels: dashboard.shape.panels }),
})

/** A dashboard as a file. */
export const dashboardFile = z.strictObject({
  format: z.literal('count-dashboard'),
  version: z.literal(1),
  dashboard: dashboardBody,
})

export const language = z.enum(['en', 'ko'])
const bilingual = z.object({ en: z.string(), ko: z.string() })
export const templateView = z.object({
  id: z.string(),
  name: bilingual,
  description: bilingual,
  takes: z
    .array(z.enum(['ids', 'prefix', 'tag']))
    .describe('What its panels may be made for; none: it needs nothing'),
})
export const templateUse = z.strictObject({
  name: title.optional(),
  counts: countSelection.optional(),
  language: language.default('en'),
})

/** Goes into a header as it is, so nothing is let through but names, numbers and a port; no wildcards either. */
const origin = z
  .string()
  .max(255)
  .regex(/^https?:\/\/([a-z0-9.-]+|\[[0-9a-f:]+\])(:\d{1,5})?$/)
  .refine((text) => URL.parse(text)?.origin === text, 'must be an origin such as https://wiki.example')

export const shareCreation = z.strictObject({
  name: line(200).default(''),
  expiresAt: instant.nullable().default(null).describe('null: when it is revoked'),
  frameAncestors: z.array(origin).max(20).default([]).describe('Origins whose pages may show it in a frame'),
})
export const shareView = z.object({
  id: z.string(),
  name: z.string(),
  expiresAt: instant.nullable(),
  expired: z.boolean(),
  frameAncestors: z.array(z.string()),
  createdAt: instant,
  createdBy: z.string(),
})
export const shareShown = shareView.extend({ token: z.string(), url: z.string() })

export type DashboardQuery = z.output<typeof dashboardQuery>
export type DashboardSummary = z.output<typeof dashboardSummary>
export type DashboardPatch = z.output<typeof dashboardPatch>
export type PageQuery = z.output<typeof plainQuery>
export type TrashedDashboard = z.output<typeof trashedDashboard>
export type RevisionSummary = z.output<typeof revisionSummary>
export type RevisionView = z.output<typeof revisionView>
export type Language = z.output<typeof language>
export type TemplateView = z.output<typeof templateView>
export type TemplateUse = z.output<typeof templateUse>
export type ShareView = z.output<typeof shareView>
