import type { Lifecycle } from '@count/core/events'
import type { CountInfo } from '@count/core/schemas'
import { z } from 'zod'
import { countCreation, countPatch } from '../schemas.ts'
import { type CountLine, countLine } from './file-lines.ts'
import type { Job } from './jobs.ts'

/** What a line comes to for the count as it is now. */
export type Decision =
  | { word: 'unchanged' }
  | { word: 'fault'; message: string }
  | { word: 'change'; kind: Lifecycle; info: CountInfo; change: Change; result: 'created' | 'updated' }

/** The fields that a change touched: what its audit entry says, and what its undo goes by. */
export const change = z.object({
  before: countPatch.default({}),
  after: countPatch.default({}),
})
export type Change = z.output<typeof change>

/** The count that a line names: live, or in the trash under the life that the line names. */
export interface Present {
  live: CountInfo | undefined
  trashed: CountInfo | undefined
}

export type Decide = (content: unknown, present: Present) => Decision

const fault = (message: string): Decision => ({ word: 'fault', message })
const unchanged: Decision = { word: 'unchanged' }

/** What a job's lines mean. */
export function decisionsOf({ kind, options }: Pick<Job, 'kind' | 'options'>): Decide {
  if (kind === 'import.counts') return (content, { live }) => imported(countLine.parse(content), live)
  if (kind === 'undo.counts') return (content, present) => undone(undoing.parse(content), present)
  const { action, tags } = options
  return (_, { live }) => {
    if (!live) return fault('there is no such count')
    switch (action) {
      case 'delete':
        return {
          word: 'change',
          kind: 'deleted',
          info: live,
          change: { before: {}, after: {} },
          result: 'updated',
        }
      case 'tag':
        return patched(live, { tags: [...new Set([...live.tags, ...tags])] })
      case 'untag':
        return patched(live, { tags: live.tags.filter((tag) => !tags.includes(tag)) })
      case 'pause':
        return patched(live, { status: 'paused' })
      case 'archive':
        return patched(live, { status: 'archived' })
      case 'activate':
        return patched(live, { status: 'active' })
      default:
        throw new Error(`the job ${kind} says not what to do`)
    }
  }
}

function imported({ id, initialValue, ...fields }: CountLine, live: CountInfo | undefined): Decision {
  if (live) {
    if (initialValue !== undefined && initialValue !== live.initialValue)
      return fault(`initialValue: is ${live.initialValue} since the count was created and cannot change`)
    return patched(live, fields)
  }
  const { success, data, error } = countCreation.safeParse({ id, initialValue, ...fields })
  if (!success)
    return fault(error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; '))
  const now = new Date().toISOString()
  const { min, max, initialValue: value } = data
  if ((min !== null && value < min) || (max !== null && value > max))
    return fault(boundsFault(min, max) ?? 'initialValue: must lie within min and max')
  const info: CountInfo = {
    ...data,
    tags: [...new Set(data.tags)],
    status: 'active',
    revision: 0,
    created: 0,
    createdAt: now,
    updatedAt: now,
  }
  const wrong = boundsFault(min, max)
  return wrong
    ? fault(wrong)
    : { word: 'change', kind: 'created', info, change: { before: {}, after: {} }, result: 'created' }
}

const boundsFault = (min: number | null, max: number | null) =>
  min !== null && max !== null && min > max ? 'min: must not be above max' : undefined

type Patch = z.output<typeof countPatch>

/** A change of a live count by what differs in it. */
function patched(live: CountInfo, given: Patch): Decision {
  const patch = countPatch.safeParse(given.tags ? { ...given, tags: [...new Set(given.tags)] } : given)
  if (!patch.success)
    return fault(patch.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; '))
  const info: CountInfo = { ...live, ...patch.data, updatedAt: new Date().toISOString() }
  const changed = fieldsOf(patch.data).filter((field) => !same(live[field], info[field]))
  if (changed.length === 0) return unchanged
  const wrong = boundsFault(info.min, info.max)
  if (wrong) return fault(wrong)
  return {
    word: 'change',
    kind: 'updated',
    info,
    change: { before: pick(live, changed), after: pick(info, changed) },
    result: 'updated',
  }
}

const fieldsOf = (patch: Patch) => countPatch.keyof().options.filter((field) => patch[field] !== undefined)
const pick = (info: CountInfo, fields: (keyof Patch)[]): Patch =>
  countPatch.parse(Object.fromEntries(fields.map((field) => [field, info[field]])))
const same = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b)

/** A line of an undo: what a line of the other job did, and to which life of the count. */
export const undoing = z.object({ did: z.enum(['created', 'updated', 'deleted']), life: z.int(), change })
export type Undoing = z.output<typeof undoing>

/** Takes a change back where nobody has changed the same since. */
function undone({ did, life, change: { before, after } }: Undoing, { live, trashed }: Present): Decision {
  if (did === 'deleted') {
    if (live?.created === life) return unchanged
    if (live) return fault('the id has a new life: the deleted count cannot come back over it')
    if (!trashed) return fault('is not in the trash any more')
    const info = { ...trashed, updatedAt: new Date().toISOString() }
    return { word: 'change', kind: 'restored', info, change: { before: {}, after: {} }, result: 'updated' }
  }
  if (live?.created !== life) return did === 'created' ? unchanged : fault('the count is not there any more')
  if (did === 'created')
    return {
      word: 'change',
      kind: 'deleted',
      info: live,
      change: { before: {}, after: {} },
      result: 'updated',
    }
  const others = fieldsOf(after).filter(
    (field) => !same(live[field], after[field]) && !same(live[field], before[field]),
  )
  if (others.length > 0) return fault(`${others.join(', ')}: has been changed since`)
  return patched(live, before)
}

/** The audit action of each kind of change. */
export const actions = {
  created: 'count.create',
  updated: 'count.update',
  deleted: 'count.delete',
  restored: 'count.restore',
} as const satisfies Record<Lifecycle, string>
