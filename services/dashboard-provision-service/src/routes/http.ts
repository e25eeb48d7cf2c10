import type { Answer } from '@count/core/answer'
import { type Precondition, preconditionOf } from '@count/core/if-match'
import type { FastifyRequest } from 'fastify'

export const viewer = { access: { kind: 'session', role: 'viewer' } } as const
export const editor = { access: { kind: 'session', role: 'editor' } } as const
export const open = { access: { kind: 'public' } } as const
export const service = { access: { kind: 'service' } } as const

/** A secret that is shown once must stay in no cache on its way. */
export const once = { 'cache-control': 'no-store' }

export const etagOf = ({ revision }: { revision: number }): string => `"${revision}"`

/** Who is signed in; behind a session's guard only. */
export function userOf({ session }: Pick<FastifyRequest, 'session'>): string {
  if (!session) throw new Error('the route is not behind a session')
  return session.user
}

/** The change if the If-Match header can be judged, else why not. */
export async function guarded<T>(
  header: string | undefined,
  change: (match: Precondition) => Promise<Answer<T>>,
): Promise<Answer<T>> {
  const match = preconditionOf(header)
  return match.ok ? await change(match.value) : match
}
