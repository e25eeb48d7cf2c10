import type { Outcome, Refused } from '@count/core/group-commit'
import { type ProblemDocument, type ProblemName, problem } from '@count/core/problem'

const names: Record<Refused, ProblemName> = {
  missing: 'unknown-count',
  waiting: 'unavailable',
  archived: 'count-archived',
  paused: 'count-paused',
  mismatch: 'version-mismatch',
  range: 'out-of-bounds',
  bounds: 'out-of-bounds',
  reused: 'key-reused',
}

/** The problem that a refused operation is answered with. */
export function refusalOf(outcome: Outcome & { word: Refused }): ProblemDocument {
  const { word, value, version } = outcome
  if (word === 'mismatch') return problem('version-mismatch', { detail: `The version is ${version}` })
  if (word === 'bounds' || word === 'range')
    return problem('out-of-bounds', { detail: `The value is ${value}` })
  return problem(names[word])
}
