import {
  countId,
  countInfo,
  granularity,
  instant,
  limit,
  line,
  measure,
  status,
  tag,
  text,
  value,
  version,
} from '@count/core/schemas'
import { role } from '@count/core/sessions'
import { z } from 'zod'

const name = line(200).min(1)
/** `|` separates tags in an export. */
const tags = z.array(tag.regex(/^[^|]+$/)).max(32)
const bound = value.nullable()
const metadata = z.record(z.string(), z.unknown())

export const maxMetadataBytes = 4 * 1024

export const countCreation = z.strictObject({
  id: countId,
  name,
  description: text(2000).default(''),
  unit: line(32).default(''),
  tags: tags.default([]),
  min: bound.default(null),
  max: bound.default(null),
  initialValue: value.default(0),
  metadata: metadata.default({}).describe('JSON of at most 4 KiB'),
})

/** What an editor may change; `null` takes a bound away. */
export const countPatch = z.strictObject({
  name: name.optional(),
  description: text(2000).optional(),
  unit: line(32).optional(),
  tags: tags.optional(),
  min: bound.optional(),
  max: bound.optional(),
  status: status.optional(),
  metadata: metadata.optional(),
})

/** A count with its live value; null while the value store is away or has not taken the creation yet. */
export const adminCount = countInfo.extend({
  value: value.nullable(),
  version: version.nullable(),
  changedAt: instant.nullable().describe('When the value last changed'),
  today: z.int().nullable().describe('Change of the current day, in the zone of the deployment'),
  spark: z.array(z.int()).describe('Changes of the last 24 hours, oldest first'),
})

export const pageQuery = { cursor: z.string().max(1600).optional(), limit }
export const countQuery = z.strictObject({
  q: line(200).optional().describe('Part of an id or name, in any case'),
  tag: tag.optional(),
  status: status.optional(),
  sort: z.enum(['id', '-id', 'name', '-name', 'updatedAt', '-updatedAt']).default('id'),
  ...pageQuery,
})
export const historyQuery = z.strictObject({
  granularity,
  measure: measure.default('change'),
  from: instant.optional(),
  to: instant.optional(),
})
export const page = <T extends z.ZodType>(item: T) =>
  z.object({ items: z.array(item), nextCursor: z.string().nullable() })

export interface Page<T> {
  items: T[]
  nextCursor: string | null
}

export const correction = z.strictObject({ value, reason: text(500).min(1) })

export const scope = z.enum(['counts:read', 'counts:write'])
const prefix = z.string().regex(/^[a-z0-9][a-z0-9._:-]{0,127}$/)

export const keyCreation = z.strictObject({
  name,
  scopes: z.array(scope).min(1).max(10),
  prefixes: z
    .array(prefix)
    .min(1)
    .max(100)
    .optional()
    .describe('Only counts whose id begins with one of these'),
  expiresAt: instant.optional(),
  rateLimit: z.int().min(1).max(1_000_000).optional().describe('Requests a second'),
})
export const keyRotation = z.strictObject({
  overlapSeconds: z
    .int()
    .min(0)
    .max(7 * 86_400)
    .default(0)
    .describe('How long the old secret goes on'),
})
export const keyView = z.object({
  id: z.string(),
  name: z.string(),
  scopes: z.array(scope),
  prefixes: z.array(z.string()).nullable(),
  expiresAt: instant.nullable(),
  rateLimit: z.int().nullable(),
  createdAt: instant,
  lastUsedAt: instant.nullable(),
  revokedAt: instant.nullable(),
  previousUntil: instant.nullable().describe('Until when the secret before the last rotation goes on'),
})
export const keyShown = keyView.extend({ key: z.string().describe('Shown this once') })
export const keyId = z.string().regex(/^[0-9a-f]{16}$/)

export const username = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$/)
/** Bounded, as hashing costs. */
export const password = z.string().min(1).max(256)
export const credentials = z.strictObject({ username, password })
export const signedIn = z.object({ username: z.string(), role, csrfToken: z.string() })

export const passwordChange = z.strictObject({ currentPassword: password, newPassword: password })
export const userCreation = z.strictObject({ username, password, role })
export const userPatch = z.strictObject({
  role: role.optional(),
  password: password.optional().describe('A new one; ends all sessions of the user'),
  disabled: z.boolean().optional(),
})
export const userView = z.object({
  username: z.string(),
  role,
  createdAt: instant,
  disabled: z.boolean(),
})
export const sessionId = z.string().regex(/^[\w-]{22}$/)
export const sessionQuery = z.strictObject({
  username: username.optional().describe('Sessions of another user (admins only)'),
  all: z.boolean().optional().describe('Sessions of everybody (admins only)'),
  ...pageQuery,
})
export const sessionView = z.object({
  id: z.string(),
  username: z.string(),
  createdAt: instant,
  seenAt: instant.describe('Last used, to the minute'),
  expiresAt: instant,
  address: z.string(),
  userAgent: z.string(),
  current: z.boolean().describe('The one that asks'),
})

export const auditFilter = {
  actor: username.optional(),
  action: z
    .string()
    .regex(/^[a-z.-]{1,64}$/)
    .optional(),
  subject: line(128).optional(),
  from: instant.optional(),
  to: instant.optional().describe('Not included'),
}
export const auditQuery = z.strictObject({ ...auditFilter, ...pageQuery })
export const auditExport = z.strictObject({ format: z.enum(['csv', 'ndjson']), ...auditFilter })
const facts = z.record(z.string(), z.unknown()).nullable()
export const auditView = z.object({
  id: z.string(),
  at: instant,
  actor: z.string(),
  address: z.string(),
  action: z.string(),
  subject: z.string(),
  before: facts,
  after: facts,
  reason: z.string().nullable(),
  undoable: z.boolean(),
  undoneBy: z.string().nullable().describe('Id of the entry that undid this one'),
})
export const auditId = z.string().regex(/^[1-9]\d{0,14}$/)
export const undo = z.strictObject({ reason: text(500).optional() })

export const trashQuery = z.strictObject({
  q: line(200).optional().describe('Part of an id or name, in any case'),
  ...pageQuery,
})
export const trashed = z.object({
  id: countId,
  created: z.int(),
  name: z.string(),
  deletedAt: instant,
  purgedAt: instant.describe('When it goes for good'),
  value: value.nullable().describe('null while the value store is away, or when it is kept no more'),
})
export const tagQuery = z.strictObject({ q: line(64).optional().describe('Part of a tag'), ...pageQuery })
export const tagView = z.object({ tag: z.string(), counts: z.int() })

export const maxStateBytes = 8 * 1024
export const analysisInput = z.strictObject({
  name,
  state: z
    .record(z.string(), z.unknown())
    .describe('What the page shows, as it wrote it: JSON of at most 8 KiB'),
})
export const analysisView = z.object({
  id: z.uuid(),
  name: z.string(),
  state: z.record(z.string(), z.unknown()),
  createdBy: z.string(),
  createdAt: instant,
  updatedAt: instant,
})

export type CountCreation = z.output<typeof countCreation>
export type CountPatch = z.output<typeof countPatch>
export type CountQuery = z.output<typeof countQuery>
export type HistoryQuery = z.output<typeof historyQuery>
export type AdminCount = z.output<typeof adminCount>
export type KeyCreation = z.output<typeof keyCreation>
export type KeyView = z.output<typeof keyView>
export type UserCreation = z.output<typeof userCreation>
export type UserPatch = z.output<typeof userPatch>
export type UserView = z.output<typeof userView>
export type SessionQuery = z.output<typeof sessionQuery>
export type SessionView = z.output<typeof sessionView>
export type AuditFilter = Omit<z.output<typeof auditQuery>, 'cursor' | 'limit'>
export type AuditQuery = z.output<typeof auditQuery>
export type AuditView = z.output<typeof auditView>
export type TrashQuery = z.output<typeof trashQuery>
export type Trashed = z.output<typeof trashed>
export type TagQuery = z.output<typeof tagQuery>
export type TagView = z.output<typeof tagView>
export type AnalysisInput = z.output<typeof analysisInput>
export type AnalysisView = z.output<typeof analysisView>
