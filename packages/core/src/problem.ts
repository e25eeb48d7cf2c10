import { z } from 'zod'

/** Every way a request can be refused: name → status and title. The name is the stable end of the problem's `type`. */
export const problems = {
  'invalid-request': [400, 'The request is not valid'],
  unauthorized: [401, 'A valid credential is needed'],
  forbidden: [403, 'The credential does not allow this'],
  'not-found': [404, 'There is nothing here'],
  'unknown-count': [404, 'No such count'],
  'method-not-allowed': [405, 'The method is not allowed here'],
  'not-acceptable': [406, 'There is no answer of that type'],
  'out-of-bounds': [409, 'The value would leave its bounds'],
  'count-paused': [409, 'The count is paused'],
  'count-archived': [409, 'The count is archived'],
  'already-exists': [409, 'It is there already'],
  conflict: [409, 'The change contradicts the present state'],
  'version-mismatch': [412, 'It has changed meanwhile'],
  'body-too-large': [413, 'The body is larger than 1 MiB'],
  'unsupported-media-type': [415, 'The content type is not supported'],
  'key-reused': [422, 'The idempotency key was used with another request'],
  'precondition-required': [428, 'If-Match is needed'],
  'too-many-requests': [429, 'Too many requests'],
  internal: [500, 'Something went wrong on our side'],
  'too-busy': [503, 'Too much is being worked out at the moment'],
  'took-too-long': [503, 'It took too long to work out'],
  unavailable: [503, 'A store that this call needs is away'],
} as const satisfies Record<string, readonly [number, string]>

export type ProblemName = keyof typeof problems

/** RFC 9457 problem document; `errors` names each invalid field by its JSON path. */
export const problemDocument = z.object({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  detail: z.string().optional(),
  errors: z.array(z.object({ path: z.string(), message: z.string() })).optional(),
})

export type ProblemDocument = z.infer<typeof problemDocument>

/** Builds the document of a refusal. `extra` may carry `detail` and `errors`. */
export function problem(
  name: ProblemName,
  extra: Partial<Pick<ProblemDocument, 'detail' | 'errors'>> = {},
): ProblemDocument {
  const [status, title] = problems[name]
  return { type: `urn:count:problem:${name}`, title, status, ...extra }
}
