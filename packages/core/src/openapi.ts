import { readFileSync } from 'node:fs'
import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import type { FastifyInstance, FastifySchema, RouteOptions } from 'fastify'
import { z } from 'zod'
import type { Access } from './access.ts'
import { jsonSchema } from './http.ts'
import { type ProblemName, problemDocument, problems } from './problem.ts'

const securitySchemes = (cookie: string) => ({
  key: { type: 'http' as const, scheme: 'bearer', description: 'An API key: `ck_<id>_<secret>_<checksum>`' },
  session: {
    type: 'apiKey' as const,
    in: 'cookie',
    name: cookie,
    description: 'Set by POST /api/v1/admin/session',
  },
  csrf: {
    type: 'apiKey' as const,
    in: 'header',
    name: 'X-CSRF-Token',
    description: "The session's `csrfToken`, told by POST and GET /api/v1/admin/session",
  },
  service: { type: 'http' as const, scheme: 'bearer', description: 'SERVICE_TOKEN, between services only' },
})

/** A change by session carries the session's token too. */
const securityOf = (kind: Exclude<Access['kind'], 'public'>, method: string) =>
  kind === 'session' && method !== 'GET' ? { session: [], csrf: [] } : { [kind]: [] }

/** What every caller of a kind may be told. */
const problemsOf: Record<Access['kind'], ProblemName[]> = {
  public: [],
  key: ['unauthorized', 'forbidden', 'too-many-requests', 'unavailable'],
  session: ['unauthorized', 'forbidden', 'unavailable'],
  service: ['unauthorized'],
}

/** Every refusal that a route may answer with: its own, its caller's, its method's and everybody's. */
function refusalsOf(route: RouteOptions): ProblemName[] {
  const { access, problems: own = [] } = route.config ?? {}
  const withBody: ProblemName[] = route.method === 'GET' ? [] : ['body-too-large', 'unsupported-media-type']
  return [
    ...new Set<ProblemName>([
      ...own,
      ...problemsOf[access?.kind ?? 'public'],
      ...withBody,
      'invalid-request',
      'internal',
    ]),
  ]
}

function describe(refusals: ProblemName[]): Record<string, unknown> {
  const responses: Record<string, unknown> = {}
  for (const [status, names] of Map.groupBy(refusals, (name) => problems[name][0])) {
    const comeBack = status === 429 || status === 503
    responses[status] = {
      description: names.map((name) => `\`${name}\`: ${problems[name][1]}`).join('; '),
      content: { 'application/problem+json': { schema: { $ref: 'Problem#' } } },
      ...(comeBack ? { headers: { 'Retry-After': { type: 'integer', description: 'Seconds' } } } : {}),
    }
  }
  return responses
}

/** A route's own schema with what its access and config add: security and every refusal. */
function complete(route: RouteOptions): FastifySchema {
  const { schema = {}, config } = route
  const kind = config?.access?.kind ?? 'public'
  const own = z.record(z.string(), z.unknown()).parse(schema.response ?? {})
  return {
    ...schema,
    security: kind === 'public' ? [] : [securityOf(kind, String(route.method))],
    response: {
      ...(Object.keys(own).length > 0 ? own : { 200: { description: 'Done', type: 'null' } }),
      ...describe(refusalsOf(route)),
    },
  }
}

/** Whatever a body may leave out, it may be left out whole. */
function relax(body: unknown): void {
  const parsed = z
    .object({
      content: z.record(
        z.string(),
        z.object({ schema: z.object({ required: z.array(z.string()).optional() }) }),
      ),
    })
    .safeParse(body)
  const schemas = Object.values(parsed.data?.content ?? {})
  if (schemas.length > 0 && schemas.every(({ schema }) => !schema.required?.length))
    Object.assign(Object(body), { required: false })
}

const contentSecurity =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

/** The document of all services together, as `npm run openapi` writes it. */
const wholeFile = new URL('../openapi.json', import.meta.url)
const apiDocument = z.looseObject({ paths: z.looseObject({}), components: z.looseObject({}) })
type ApiDocument = z.output<typeof apiDocument>

/** The document of all services, as reached where this one is. */
function wholeOf(own: ApiDocument): ApiDocument {
  const { info, paths, components } = apiDocument.parse(JSON.parse(readFileSync(wholeFile, 'utf8')))
  const { securitySchemes } = own.components
  return { ...own, info, paths, components: { ...components, securitySchemes } }
}

/**
 * GET /openapi.json (OpenAPI 3.1 of all routes registered after this, from their own schemas) and /docs, which draws it under
 * a CSP without inline scripts. `cookie` is the session's name; `whole`: this service answers for the document of all.
 */
export async function documentApi(
  app: FastifyInstance,
  info: { title: string; version: string; url?: string; cookie: string; whole: boolean },
): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: info.title, version: info.version, license: { name: 'MIT', identifier: 'MIT' } },
      servers: [{ url: info.url ?? '/' }],
      components: { securitySchemes: securitySchemes(info.cookie) },
    },
    stripBasePath: false,
    refResolver: { buildLocalReference: (json) => String(json.$id) },
    transform: ({ url, route }) => ({ url, schema: complete(route) }),
    transformObject: (document) => {
      if (!('openapiObject' in document)) return document.swaggerObject
      for (const path of Object.values(document.openapiObject.paths ?? {})) {
        for (const operation of [path?.post, path?.put, path?.patch, path?.delete])
          relax(operation?.requestBody)
      }
      return document.openapiObject
    },
  })
  app.addSchema({ $id: 'Problem', ...jsonSchema(problemDocument, 'output') })
  let drawing = true
  app.addHook('onRoute', (route) => {
    if (drawing) route.config = { access: { kind: 'public' }, ...route.config }
  })
  let made: ApiDocument | undefined
  const document = () => {
    if (made) return made
    const own = apiDocument.parse(app.swagger())
    made = info.whole ? wholeOf(own) : own
    return made
  }
  await app.register(swaggerUi, {
    routePrefix: '/docs',
    staticCSP: contentSecurity,
    transformSpecification: () => ({ ...document() }),
  })
  drawing = false
  app.get(
    '/openapi.json',
    { config: { access: { kind: 'public' } }, schema: { hide: true } },
    (_request, reply) => reply.header('content-type', 'application/json').send(document()),
  )
}
