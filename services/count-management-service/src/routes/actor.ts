import type { FastifyRequest } from 'fastify'
import type { Actor } from '../audit.ts'

/** Who asks, for the audit trail; behind a session's guard only. */
export function actorOf(request: Pick<FastifyRequest, 'session' | 'ip'>): Actor {
  if (!request.session) throw new Error('the route is not behind a session')
  return { username: request.session.user, address: request.ip }
}
