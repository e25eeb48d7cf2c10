import type { z } from 'zod'
import { type ProblemDocument, problem } from './problem.ts'

/** What came of a call: the value, or why it was refused. */
export type Answer<T> = { ok: true; value: T } | { ok: false; problem: ProblemDocument }

const maxErrors = 100

/** The input as the schema says, all of it: also what JSON schema cannot tell, and a route therefore let through. */
export function parsed<T extends z.ZodType>(schema: T, input: unknown): Answer<z.output<T>> {
  const { success, data, error } = schema.safeParse(input)
  if (success) return { ok: true, value: data }
  const errors = error.issues
    .slice(0, maxErrors)
    .map(({ path, message }) => ({ path: path.join('.'), message }))
  return { ok: false, problem: problem('invalid-request', { detail: 'The body is not valid', errors }) }
}
