import { type ProblemDocument, problem } from '@count/core/problem'
import type { Precondition } from '../count-manager.ts'

/**
 * What an If-Match header (RFC 9110, 13.1.1) asks of a revision. A tag that is none of ours, or weak, matches nothing.
 * @returns the problem instead when it is missing (428) or malformed (400)
 */
export function preconditionOf(header: string | undefined): Precondition | ProblemDocument {
  if (header === undefined)
    return problem('precondition-required', { detail: 'If-Match: "<revision>", or * for any' })
  const tags = header.split(',').map((tag) => tag.trim())
  if (tags.length === 1 && tags[0] === '*') return '*'
  if (!tags.every((tag) => /^(W\/)?"[\x21\x23-\x7e]*"$/.test(tag))) {
    return problem('invalid-request', {
      errors: [{ path: 'if-match', message: 'must be "<revision>" or *' }],
    })
  }
  return tags.flatMap((tag) => /^"(\d{1,15})"$/.exec(tag)?.[1] ?? []).map(Number)
}
