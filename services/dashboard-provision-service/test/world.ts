import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import type { Role } from '@count/core/access'
import { readConfig } from '@count/core/config'
import { connectPostgres, type Sql } from '@count/core/postgres'
import { createContext, createServer } from '@count/core/service'
import { type SessionClaims, signSession } from '@count/core/sessions'
import { type TestDatabases, testDatabases } from '@count/stack/testing'
import type { FastifyInstance } from 'fastify'
import { openProvision } from '../src/app.ts'
import { provisionSettings } from '../src/config.ts'

export const serviceToken = 'a-service-token-of-tests'
const roles = ['viewer', 'editor', 'admin'] as const

/** DashboardConfigDB and processes of the service on it, with a key of sessions as management would have it. */
export interface World {
  databases: TestDatabases
  /** DashboardConfigDB as its owner. */
  sql: Sql
  /** The first process. */
  app: FastifyInstance
  viewer: Caller
  editor: Caller
  admin: Caller
  nobody: Caller
  service: Caller
  /** A session's claims, to be signed. */
  claims(role: Role): SessionClaims
  /** A token by management's key, or by another. */
  sign(claims: SessionClaims, key?: KeyObject): string
  /** Ends a session, as management would. */
  revoke(sid: string): void
  /** Another process. */
  open(env?: Record<string, string>): Promise<{ app: FastifyInstance; close(): Promise<void> }>
  /** Ends the first process. */
  end(): Promise<void>
  close(): Promise<void>
}

export async function openWorld(env: Record<string, string> = {}): Promise<World> {
  const databases = await testDatabases()
  const { publicKey, privateKey } = generateKeyPairSync('ed25519')
  const revoked: string[] = []
  const closing: (() => Promise<void>)[] = []
  const sessions = () =>
    Response.json({
      publicKey: publicKey.export({ format: 'der', type: 'spki' }).toString('base64'),
      revoked,
    })

  async function open(more: Record<string, string> = {}) {
    const { drop, ...urls } = databases
    const config = readConfig(provisionSettings, {
      ...urls,
      MANAGEMENT_URL: 'http://management.test',
      SERVICE_TOKEN: serviceToken,
      LOG_LEVEL: 'silent',
      ...env,
      ...more,
    })
    const context = { ...createContext('provision', config.LOG_LEVEL), fetch: async () => sessions() }
    const parts = await openProvision(config, context)
    const app = await createServer(context, [parts])
    let closed: Promise<void> | undefined
    const close = () => {
      closed ??= app
        .close()
        .then(() => parts.drain?.())
        .then(() => parts.close())
      return closed
    }
    closing.push(close)
    return { app, close }
  }

  const claims = (role: Role): SessionClaims => ({
    sid: role,
    user: role,
    role,
    csrf: `csrf-of-${role}`,
    exp: Math.floor(Date.now() / 1000) + 3600,
  })
  const sign = (of: SessionClaims, key = privateKey) => signSession(key, of)
  const { app, close: end } = await open()
  const sql = connectPostgres(databases.DASHBOARD_MIGRATION_URL, { name: 'test', max: 3 })
  const [viewer, editor, admin] = roles.map((role) => sessionOf(app, sign(claims(role)), claims(role))) as [
    Caller,
    Caller,
    Caller,
  ]
  return {
    databases,
    sql,
    app,
    viewer,
    editor,
    admin,
    nobody: caller(app),
    service: caller(app, { authorization: `Bearer ${serviceToken}` }),
    claims,
    sign,
    revoke: (sid) => void revoked.push(sid),
    open,
    end,
    async close() {
      for (const close of closing) await close()
      await sql.end({ timeout: 1 })
      await databases.drop()
    },
  }
}

/** What answers of this service may hold; which of it does is what tests look at. */
export interface Body {
  type: string
  detail: string
  errors: { path: string; message: string }[]
  items: Body[]
  nextCursor: string | null
  id: string
  name: string
  range: string
  panels: { id: string; title: string; type: string; layout: object }[]
  revision: number
  restored: number | null
  body: object
  createdBy: string
  updatedBy: string
  token: string
  url: string
  expired: boolean
  dashboards: Body[]
  shares: { hash: string; dashboard: string; expiresAt: string | null }[]
  secret: string | null
  state: string
  version: number | null
  value: number | null
  cause: string
  enabled: boolean
  rules: Body[]
  results: { rule: string; accepted: boolean; state: string | null }[]
  status: string
  attempts: number
  error: string | null
  responseStatus: number | null
  delivered: boolean
  takes: string[]
  webhook: { url: string } | null
}

export interface Reply {
  status: number
  headers: Record<string, string | string[] | number | undefined>
  body: Body
  text: string
}

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'

export interface Caller {
  headers: Record<string, string>
  call(method: Method, url: string, body?: object | string, headers?: Record<string, string>): Promise<Reply>
}

export function caller(app: FastifyInstance, headers: Record<string, string> = {}): Caller {
  return {
    headers,
    async call(method, url, body, more = {}) {
      const type = typeof body === 'string' ? { 'content-type': 'application/json' } : {}
      const response = await app.inject({
        method,
        url,
        headers: { ...headers, ...type, ...more },
        ...(body === undefined ? {} : { payload: body }),
      })
      const json = String(response.headers['content-type']).includes('json') && response.body !== ''
      return {
        status: response.statusCode,
        headers: response.headers,
        body: json ? JSON.parse(response.body) : undefined,
        text: response.body,
      }
    },
  }
}

export const sessionOf = (app: FastifyInstance, token: string, { csrf }: SessionClaims): Caller =>
  caller(app, { cookie: `count_session=${token}`, 'x-csrf-token': csrf })
