/** What the administration API answers, as the pages use it. */
export interface Count {
  id: string
  name: string
  description: string
  unit: string
  tags: string[]
  min: number | null
  max: number | null
  initialValue: number
  status: 'active' | 'paused' | 'archived'
  metadata: Record<string, unknown>
  revision: number
  created: number
  createdAt: string
  updatedAt: string
  /** Null while the value store is away. */
  value: number | null
  version: number | null
  changedAt?: string | null
  today?: number | null
  spark?: number[]
}

export interface Page<T> {
  items: T[]
  nextCursor: string | null
}

export interface Job {
  id: string
  kind: string
  status: 'running' | 'done' | 'failed' | 'cancelled'
  createdAt: string
  finishedAt: string | null
  actor: string
  total: number | null
  processed: number
  created: number
  updated: number
  unchanged: number
  failed: number
  errors: { line: number; message: string }[]
  dryRun: boolean
  undoable?: boolean
  undone?: boolean
}

export interface AuditEntry {
  id: string
  at: string
  actor: string
  address: string
  action: string
  subject: string
  before: Record<string, unknown> | null
  after: Record<string, unknown> | null
  reason: string | null
  undoable: boolean
  undoneBy: string | null
}

export interface Key {
  id: string
  name: string
  scopes: string[]
  prefixes: string[] | null
  expiresAt: string | null
  rateLimit: number | null
  createdAt: string
  lastUsedAt: string | null
  revokedAt: string | null
  previousUntil?: string | null
}

export interface Trashed {
  id: string
  created: number
  name: string
  deletedAt: string
  purgedAt: string
  value: number | null
}

export interface User {
  username: string
  role: 'viewer' | 'editor' | 'admin'
  createdAt: string
  disabled: boolean
}

export interface SessionView {
  id: string
  username: string
  createdAt: string
  seenAt: string
  expiresAt: string
  address: string
  userAgent: string
  current: boolean
}
