import { createHash, timingSafeEqual } from 'node:crypto'
import type {
  FastifyInstance,
  FastifyReply,
  FastifyRequest,
  HookHandlerDoneFunction,
  RouteOptions,
} from 'fastify'
import { refuse } from './http.ts'
import { problem } from './problem.ts'

export type Scope = 'counts:read' | 'counts:write'
export type Role = 'viewer' | 'editor' | 'admin'

/** Who may call a route. Every route says so in its `config`; there is no default. */
export type Access =
  | { kind: 'public' }
  | { kind: 'key'; scope: Scope }
  | { kind: 'session'; role: Role }
  | { kind: 'service' }

declare module 'fastify' {
  interface FastifyContextConfig {
    access?: Access
  }
}

/** An onRequest hook: runs before the body is read, answers 401 or 403 itself, else calls `done()`. */
export type Guard = (request: FastifyRequest, reply: FastifyReply, done: HookHandlerDoneFunction) => void

/** For each kind of access: what makes the guard of one route, once, when the route is registered. */
export type Guards = {
  [K in Exclude<Access['kind'], 'public'>]?: (access: Extract<Access, { kind: K }>) => Guard
}

const guarded = new WeakSet<RouteOptions>()

function guardOf(access: Access, guards: Guards): Guard | undefined {
  if (access.kind === 'key') return guards.key?.(access)
  if (access.kind === 'session') return guards.session?.(access)
  if (access.kind === 'service') return guards.service?.(access)
  return undefined
}

/** Puts the guards before the routes that this plugin registers from here on. */
export function protect(app: FastifyInstance, guards: Guards): void {
  app.addHook('onRoute', (route) => {
    const access = route.config?.access
    const guard = access && !guarded.has(route) && guardOf(access, guards)
    if (!guard) return
    route.onRequest = [guard, ...[route.onRequest ?? []].flat()]
    guarded.add(route)
  })
}

/** Refuses to start with a route that names no access, or names one that nothing enforces. */
export function demandAccess(app: FastifyInstance): void {
  const routes: RouteOptions[] = []
  app.addHook('onRoute', (route) => {
    if (!route.config?.access) throw new Error(`${route.method} ${route.url} does not say who may call it`)
    routes.push(route)
  })
  app.addHook('onReady', (done) => {
    const open = routes.find((route) => route.config?.access?.kind !== 'public' && !guarded.has(route))
    done(open && new Error(`${open.method} ${open.url} is guarded by nothing`))
  })
}

const digest = (text: string) => createHash('sha256').update(text).digest()

/** Guard of /internal routes: SERVICE_TOKEN as bearer, compared in constant time. */
export function serviceAccess(token: string): NonNullable<Guards['service']> {
  const expected = digest(`Bearer ${token}`)
  return () => (request, reply, done) => {
    if (timingSafeEqual(digest(request.headers.authorization ?? ''), expected)) done()
    else refuse(reply, problem('unauthorized'), { 'www-authenticate': 'Bearer' })
  }
}
