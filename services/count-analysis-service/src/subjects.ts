import { type ProblemDocument, problem } from '@count/core/problem'
import { clockTime } from './calendar.ts'
import type { CountNames, Described, Group, Members } from './count-names.ts'
import { fewestSeries, mostSeries } from './schemas/comparison.ts'
import type { ComparisonQuery } from './schemas/query.ts'
import type { Named } from './series.ts'
import type { SeriesPlan, Span } from './series-plan.ts'

/** A series to be: of one count, or of all members of a group. */
export interface Subject {
  named: Named
  members: Described[]
}

export type Refused = { ok: false; problem: ProblemDocument }

export const invalid = (path: string, message: string): Refused => ({
  ok: false,
  problem: problem('invalid-request', { errors: [{ path, message }] }),
})

export function subjectOf(count: Described): Subject {
  const { id, name, unit, min, max } = count
  return { named: { id, name, unit, min, max }, members: [count] }
}

/** Counts and groups in the order in which a comparison names them. */
export async function subjectsOf(
  query: ComparisonQuery,
  names: CountNames,
  signal: AbortSignal,
): Promise<{ ok: true; subjects: Subject[] } | Refused> {
  const fault = faultOf(query)
  if (fault) return fault
  const groups: { path: string; of: Group; id: string; name: string }[] = [
    ...query.tag.map((tag, i) => ({ path: `tag.${i}`, of: { tag }, id: `tag:${tag}`, name: `#${tag}` })),
    ...query.prefix.map((prefix, i) => ({
      path: `prefix.${i}`,
      of: { prefix },
      id: `prefix:${prefix}`,
      name: `${prefix}*`,
    })),
  ]
  const [counts, ...members] = await Promise.all([
    names.named(query.count, signal),
    ...groups.map(({ of }) => names.members(of, signal)),
  ])
  if (!counts.ok) return counts
  const subjects = counts.items.map(subjectOf)
  for (const [i, { path, id, name }] of groups.entries()) {
    const { items, more } = members[i] as Members
    if (more) return invalid(path, `has more than ${items.length} counts`)
    if (items.length === 0) {
      const errors = [{ path, message: 'no count is in this group' }]
      return { ok: false, problem: problem('unknown-count', { errors }) }
    }
    const units = new Set(items.map(({ unit }) => unit))
    const unit = units.size === 1 ? ([...units][0] ?? '') : ''
    subjects.push({ named: { id, name, unit, min: null, max: null }, members: items })
  }
  return { ok: true, subjects }
}

/** What cannot be compared, whatever the stores hold. */
function faultOf({ count, tag, prefix, against }: ComparisonQuery): Refused | undefined {
  for (const [path, items] of Object.entries({ count, tag, prefix })) {
    const twice = items.findIndex((item, i) => items.indexOf(item) < i)
    if (twice >= 0) return invalid(`${path}.${twice}`, 'is named twice')
  }
  const all = count.length + tag.length + prefix.length
  if (against)
    return count.length === 1 && all === 1 ? undefined : invalid('against', 'goes with one count alone')
  return all >= fewestSeries && all <= mostSeries
    ? undefined
    : invalid('count', `${fewestSeries} to ${mostSeries} counts, tags and prefixes are compared, not ${all}`)
}

/** The same count at another time, called by the local days it spans. */
export function pastNamed(
  named: Named,
  against: string,
  { zone }: Pick<SeriesPlan, 'zone'>,
  { boundaries }: Span,
): Named {
  const day = (ms: number) => clockTime(ms, zone).slice(0, 10)
  const [first, last] = [day(boundaries[0] as number), day((boundaries.at(-1) as number) - 1)]
  const name = `${named.name} ${first === last ? first : `${first} – ${last}`}`
  return { ...named, id: `${named.id}@${against}`, name }
}
