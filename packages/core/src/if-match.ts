import type { Answer } from './answer.ts'
import { problem } from './problem.ts'

/** What a caller wants to have seen before it changes something: any of these revisions, or `*` for whatever there is. */
export type Precondition = '*' | number[]

/**
 * What an If-Match header (RFC 9110, 13.1.1) asks of a revision. A tag that is none of ours, or weak, matches nothing.
 * @returns the problem instead when it is missing (428) or malformed (400)
 */
export function preconditionOf(header: string | undefined): Answer<Precondition> {
  if (header === undefined) {
    const detail = 'If-Match: "<revision>", or * for any'
    return { ok: false, problem: problem('precondition-required', { detail }) }
  }
  const tags = header.split(',').map((tag) => tag.trim())
  if (tags.length === 1 && tags[0] === '*') return { ok: true, value: '*' }
  if (!tags.every((tag) => /^(W\/)?"[\x21\x23-\x7e]*"$/.test(tag))) {
    const errors = [{ path: 'if-match', message: 'must be "<revision>" or *' }]
    return { ok: false, problem: problem('invalid-request', { errors }) }
  }
  return { ok: true, value: tags.flatMap((tag) => /^"(\d{1,15})"$/.exec(tag)?.[1] ?? []).map(Number) }
}

/** Whether an If-None-Match header names this tag (weak comparison: RFC 9110, 13.1.2). */
export const matchesNone = (header: string | undefined, etag: string): boolean =>
  header?.split(',').some((tag) => tag.trim() === '*' || tag.trim().replace(/^W\//, '') === etag) ?? false
