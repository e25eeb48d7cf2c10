import { jsonSchema, type RoutePlugin, refuse } from '@count/core/http'
import { problem } from '@count/core/problem'
import {
  cookieName,
  ownOrigin,
  type SessionClaims,
  type SessionVerifier,
  type Site,
  sessionCookie,
  sessionList,
} from '@count/core/sessions'
import type { preHandlerAsyncHookHandler } from 'fastify'
import { credentials, signedIn } from '../schemas.ts'
import type { Sessions } from '../sessions.ts'
import { endSession, type SignIn, sessionSeconds } from '../sign-in.ts'

interface Parts {
  signIn: SignIn
  verifier: SessionVerifier
  site: Site
}

const path = '/api/v1/admin/session'
const viewOf = ({ user, role, csrf }: SessionClaims) => ({ username: user, role, csrfToken: csrf })

/** Gives a session in use a new token each hour, and notes that it is in use. */
export const renewal =
  (signIn: SignIn, sessions: Sessions, site: Site): preHandlerAsyncHookHandler =>
  async (request, reply) => {
    if (request.session) await sessions.see(request.session.sid).catch(() => undefined)
    const renewed = request.session && (await signIn.renew(request.session).catch(() => undefined))
    if (renewed) reply.header('set-cookie', sessionCookie(site, renewed.token, sessionSeconds))
  }

/** Signing in and out, and what other services verify sessions by. */
export const sessionRoutes =
  ({ signIn, verifier, site }: Parts): RoutePlugin =>
  async (app) => {
    app.post(
      path,
      {
        config: {
          access: { kind: 'public' },
          problems: ['unauthorized', 'forbidden', 'too-many-requests', 'unavailable'],
        },
        schema: {
          operationId: 'signIn',
          summary: `Signs an administrator in; sets the cookie ${cookieName(site)}`,
          tags: ['session'],
          body: jsonSchema(credentials),
          response: { 200: jsonSchema(signedIn, 'output') },
        },
      },
      async (request, reply) => {
        if (!ownOrigin(request, site))
          return refuse(reply, problem('forbidden', { detail: 'The request comes from a foreign page' }))
        const userAgent = (request.headers['user-agent'] ?? '').slice(0, 400)
        const client = { address: request.ip, userAgent }
        const answer = await signIn.signIn(request.body.username, request.body.password, client)
        if (answer.ok) {
          reply.header('set-cookie', sessionCookie(site, answer.session.token, sessionSeconds))
          return viewOf(answer.session.claims)
        }
        if (answer.retryAfter !== undefined) {
          return refuse(reply, problem('too-many-requests'), { 'retry-after': String(answer.retryAfter) })
        }
        return refuse(reply, problem('unauthorized', { detail: 'Wrong username or password' }))
      },
    )

    app.get(
      path,
      {
        config: { access: { kind: 'session', role: 'viewer' } },
        schema: {
          operationId: 'getSession',
          summary: 'Who is signed in',
          tags: ['session'],
          response: { 200: jsonSchema(signedIn, 'output') },
        },
      },
      async (request) => viewOf(request.session as SessionClaims),
    )

    app.delete(
      path,
      {
        config: { access: { kind: 'session', role: 'viewer' } },
        schema: {
          operationId: 'signOut',
          summary: 'Ends the session',
          tags: ['session'],
          response: { 204: { type: 'null' } },
        },
      },
      async (request, reply) => {
        await endSession(signIn, verifier, request.session as SessionClaims, request.ip)
        return reply
          .header('set-cookie', sessionCookie(site, '', 0))
          .code(204)
          .send()
      },
    )

    app.get(
      '/internal/sessions',
      {
        config: { access: { kind: 'service' }, problems: ['unavailable'] },
        schema: {
          operationId: 'listSessions',
          summary: "Management's public key, and the sessions that ended early",
          tags: ['internal'],
          response: { 200: jsonSchema(sessionList, 'output') },
        },
      },
      async () => await signIn.list(),
    )
  }
