import { Ajv, type ErrorObject, type Options } from 'ajv'
import formats from 'ajv-formats'
import type {
  FastifyError,
  FastifyInstance,
  FastifyPluginAsync,
  FastifyReply,
  FastifyRequest,
  FastifySchemaCompiler,
  FastifyTypeProvider,
  RawServerDefault,
} from 'fastify'
import { z } from 'zod'
import { isAway } from './away.ts'
import { unicodeFormat } from './limits.ts'
import { type ProblemDocument, type ProblemName, problem } from './problem.ts'
import { traceFields } from './trace.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** What this route may answer besides its success and what every route may (see openapi.ts); documented only. */
    problems?: ProblemName[]
    /** A stream: neither timed nor called slow. */
    longLived?: boolean
  }
}

/** A JSON schema that remembers the type it describes. */
export interface JsonSchema<T = unknown> {
  readonly '~type'?: T
  [keyword: string]: unknown
}

/**
 * The JSON schema (draft 7) of a zod schema, for a route's `schema`: `input` for what comes in (params, querystring, headers,
 * body; defaults are filled in), `output` for a reply. Only what JSON schema can say is checked: no `refine`, no `transform`.
 */
export function jsonSchema<T extends z.ZodType>(
  schema: T,
  io: 'input' | 'output' = 'input',
): JsonSchema<z.output<T>> {
  const { $schema, '~standard': standard, ...rest } = z.toJSONSchema(schema, { target: 'draft-7', io })
  return rest
}

/** Gives handlers the types of their schemas: `request.body` is what the zod schema of the body says. */
interface SchemaTypes extends FastifyTypeProvider {
  validator: this['schema'] extends JsonSchema<infer T> ? T : unknown
}

/** A route file exports a function from its dependencies to one of these. */
export type RoutePlugin = FastifyPluginAsync<Record<never, never>, RawServerDefault, SchemaTypes>

/** What {@link refuse} needs of a reply, whatever its types. */
type AnyReply = Pick<FastifyReply, 'code' | 'raw'> & {
  header(name: string, value: string): unknown
  send(payload: string): unknown
}

/** Answers with a problem document; 429 and 503 say when to come back. Return its result from the handler. */
export function refuse<R extends AnyReply>(
  reply: R,
  document: ProblemDocument,
  headers: Record<string, string> = {},
): R {
  reply.code(document.status)
  reply.header('content-type', 'application/problem+json')
  if (document.status === 429 || document.status === 503) reply.header('retry-after', '1')
  for (const name in headers) reply.header(name, headers[name] as string)
  reply.send(JSON.stringify(document))
  return reply
}

/** Thrown where there is no reply at hand; controls return outcomes instead. */
export class Refusal extends Error {
  override name = 'Refusal'
  readonly document: ProblemDocument
  readonly headers: Record<string, string>
  constructor(document: ProblemDocument, headers: Record<string, string> = {}) {
    super(document.title)
    this.document = document
    this.headers = headers
  }
}

const options: Options = {
  allErrors: true,
  useDefaults: true,
  strict: true,
  strictTypes: false,
  strictRequired: false,
  formats: { [unicodeFormat]: (text: string) => text.isWellFormed() },
}

/** Bodies are taken as they are; query, path and headers are text, so theirs are coerced. A body all of whose fields are optional may be absent. */
export function validatorCompiler(): FastifySchemaCompiler<unknown> {
  const exact = formats.default(new Ajv(options))
  const coercing = formats.default(new Ajv({ ...options, coerceTypes: 'array' }))
  return ({ schema, httpPart }) => {
    const document = z.record(z.string(), z.unknown()).parse(schema)
    if (httpPart !== 'body') return coercing.compile(document)
    const validate = exact.compile(document)
    if (!validate({})) return validate
    // Fastify hands an absent body over as null; the parser below lets no other null through
    const optional = (body: unknown) => {
      if (body !== null) {
        const valid = validate(body)
        optional.errors = validate.errors
        return valid
      }
      const filled = {}
      validate(filled)
      return { value: filled }
    }
    optional.errors = validate.errors
    return optional
  }
}

/** The JSON path of an ajv error: `amount`, `operations.3.id`; '' is the whole. */
function pathOf({ instancePath, params }: Pick<ErrorObject, 'instancePath' | 'params'>): string {
  const inner = params.missingProperty ?? params.additionalProperty ?? params.propertyName
  return [...instancePath.split('/').slice(1), ...(inner === undefined ? [] : [String(inner)])]
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
    .join('.')
}

/** One body can be wrong in a million ways; the first hundred are told. */
const maxErrors = 100

function invalid(error: FastifyError): ProblemDocument {
  if (!error.validation) return problem('invalid-request', { detail: detailOf(error) })
  const errors = error.validation
    .slice(0, maxErrors)
    .map((fault) => ({ path: pathOf(fault), message: fault.message ?? 'is not valid' }))
  return problem('invalid-request', {
    detail: `The ${places[error.validationContext ?? 'body']} is not valid`,
    errors,
  })
}

const places = { body: 'body', params: 'path', querystring: 'query', headers: 'header' }

const details: Record<string, string> = {
  FST_ERR_CTP_INVALID_JSON_BODY: 'The body is not valid JSON',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'The body is not as long as Content-Length says',
  FST_ERR_BAD_URL: 'The path is not validly encoded',
  FST_ERR_MAX_PARAM_LENGTH: 'The path is too long',
}

const detailOf = (error: FastifyError) => details[error.code] ?? 'The request cannot be read'

/** The URL of a request as logs may have it: a share link's token opens what it names to whoever reads it. */
export const loggedUrl = ({ url }: Pick<FastifyRequest, 'url'>): string =>
  url.replace(/(\/shared?\/)[^/?]+/, '$1…')

/** Once a second is enough to say that a store is away. */
const quietMs = 1000
let nextNotice = 0

/** Turns whatever was thrown, or refused by Fastify itself, into a problem document. Nothing of a 5xx leaks. */
export function answerError(error: unknown, request: FastifyRequest, reply: FastifyReply): void {
  if (error instanceof Refusal) {
    refuse(reply, error.document, error.headers)
    return
  }
  if (isFastifyError(error)) {
    if (error.statusCode === 413) refuse(reply, problem('body-too-large'))
    else if (error.statusCode === 415) refuse(reply, problem('unsupported-media-type'))
    else refuse(reply, invalid(error))
    return
  }
  if (isAway(error)) {
    if (Date.now() >= nextNotice) {
      nextNotice = Date.now() + quietMs
      request.log.warn(told(error, request), 'a store is away')
    }
    refuse(reply, problem('unavailable'))
    return
  }
  request.log.error(told(error, request), 'request failed')
  refuse(reply, problem('internal'))
}

const told = (err: unknown, request: FastifyRequest) => ({
  err,
  method: request.method,
  url: loggedUrl(request),
  ...traceFields(request),
})

/** A client's fault as Fastify or Node's parser tells it. */
const isFastifyError = (error: unknown): error is FastifyError =>
  error instanceof Error &&
  'statusCode' in error &&
  typeof error.statusCode === 'number' &&
  error.statusCode >= 400 &&
  error.statusCode < 500

const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'] as const

/** 405 with Allow where another method would have been right, else 404. */
function answerUnknown(this: FastifyInstance, request: FastifyRequest, reply: FastifyReply): void {
  const url = request.raw.url?.split('?', 1)[0] ?? '/'
  const allowed = methods.filter((method) => this.findRoute({ method, url }) !== null)
  if (allowed.length > 0) refuse(reply, problem('method-not-allowed'), { allow: allowed.join(', ') })
  else refuse(reply, problem('not-found'))
}

/** JSON only, unless a plugin adds a parser of its own; an empty body is an absent one. */
function parseBodies(app: FastifyInstance): void {
  const parse = app.getDefaultJsonParser('error', 'error')
  app.removeAllContentTypeParsers()
  app.addContentTypeParser(
    'application/json',
    { parseAs: 'string' },
    (request: FastifyRequest, text: string, done) => {
      if (text.length === 0) return done(null, undefined)
      parse(request, text, (error: Error | null, body: unknown) => {
        if (error || body !== null) done(error, body)
        else
          done(
            Object.assign(new Error('null is no body'), {
              statusCode: 400,
              code: 'FST_ERR_CTP_INVALID_JSON_BODY',
            }),
          )
      })
    },
  )
}

/** Errors, unknown paths, bodies and validation, as every server of the system has them. */
export function setUpHttp(app: FastifyInstance): void {
  parseBodies(app)
  app.setValidatorCompiler(validatorCompiler())
  // a body that nobody would read cannot be wrong
  app.setErrorHandler((error, request, reply) =>
    request.is404 ? answerUnknown.call(app, request, reply) : answerError(error, request, reply),
  )
  app.setNotFoundHandler(answerUnknown)
  app.addHook('onRoute', (route) => {
    if (!/^\/(api|internal)\//.test(route.url) || route.schema?.querystring) return
    route.schema = {
      ...route.schema,
      querystring: { type: 'object', additionalProperties: false, properties: {} },
    }
  })
}
