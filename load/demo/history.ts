import { z } from 'zod'
import { forEach } from '../client.ts'
import type { Administrator } from '../management/administrator.ts'

/** A count and what it is to have been: changes in the order of time. */
export interface CountWithPast {
  id: string
  name: string
  unit: string
  tags: string[]
  /** The level before the first change; default 0. */
  begin?: number
  changes: { at: number; delta: number }[]
}

const dayMs = 86_400_000
const view = z.object({ points: z.array(z.object({ value: z.number() })) })

/**
 * Gives counts their past through the import API, as an administrator would. An import adds, so that each is imported but once:
 * counts that have a past already are left alone. A count's value is where its past leads.
 *
 * @returns how many counts got a past, and of how many lines
 */
export async function importPasts(
  administrator: Administrator,
  counts: readonly CountWithPast[],
): Promise<{ counts: number; lines: number }> {
  const header = 'id,name,unit,tags,initialValue\n'
  const made = counts.map(({ id, name, unit, tags, begin = 0, changes }) => {
    const value = changes.reduce((sum, { delta }) => sum + delta, begin)
    return `${id},${name},${unit},${tags.join('|')},${value}\n`
  })
  await administrator.importFile('counts', header + made.join(''), 'text/csv')
  const lacking: CountWithPast[] = []
  await forEach([...counts], 4, async (count) => {
    if (!(await hasPast(administrator, count))) lacking.push(count)
  })
  if (lacking.length === 0) return { counts: 0, lines: 0 }
  const lines = lacking.flatMap(({ id, changes }) =>
    changes.map(({ at, delta }) => `${id},${new Date(at).toISOString()},${delta}\n`),
  )
  await administrator.importFile('history', `id,timestamp,delta\n${lines.join('')}`, 'text/csv')
  return { counts: lacking.length, lines: lines.length }
}

async function hasPast(administrator: Administrator, { id, changes }: CountWithPast): Promise<boolean> {
  const from = new Date((changes[0]?.at ?? Date.now()) - dayMs).toISOString()
  const path = `/counts/${encodeURIComponent(id)}/history?granularity=day&measure=change&from=${from}`
  const { points } = view.parse(await administrator.get(path))
  return points.some(({ value }) => value !== 0)
}
