import { once } from 'node:events'
import { readFileSync, unwatchFile, watchFile } from 'node:fs'
import { createServer as createPlainServer, type Server } from 'node:http'
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https'
import { Server as NetServer, type Socket } from 'node:net'
import { setTimeout as delay, setImmediate } from 'node:timers/promises'
import {
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyPluginAsync,
  fastify,
  LogController,
} from 'fastify'
import { type Logger, pino } from 'pino'
import { Registry } from 'prom-client'
import type { z } from 'zod'
import { demandAccess } from './access.ts'
import { within } from './away.ts'
import { ConfigError, readConfig, type ServerConfig } from './config.ts'
import { type HealthCheck, reportHealth } from './health.ts'
import { answerError, setUpHttp } from './http.ts'
import type {} from './key-access.ts'
import { measureRequests } from './metrics.ts'
import { documentApi } from './openapi.ts'
import { problem } from './problem.ts'
import { cookieName } from './sessions.ts'
import { type Fetch, tracedFetch } from './trace.ts'
import type { Tracing } from './tracing.ts'

/** What a service gets from the process that runs it. */
export interface ServiceContext {
  log: Logger
  metrics: Registry
  /** How other services are called; where they share this process, without the network. */
  fetch: Fetch
  /** Where spans are told to a collector. */
  tracing?: Tracing
}

/**
 * One service, opened but not serving. `plugin` registers its routes, `start` runs before the first request, `drain`
 * after the last (what is queued), `close` ends its connections.
 */
export interface ServiceParts {
  name: string
  plugin: FastifyPluginAsync
  checks: HealthCheck[]
  /** Alone in its process, it still shows the document of all services: the gateway sends who asks for it here. */
  documentsAll?: boolean
  start?(): Promise<void>
  drain?(): Promise<void>
  close(): Promise<void>
}

export interface ServerOptions {
  publicUrl?: string
  /** Proxies in front that may be believed about the client's address. */
  trustProxy?: number
  tls?: { cert: string; key: string }
  /** Whether the server is about to stop (/readyz answers 503). */
  stopping?: () => boolean
  /** Gets the server that listens. */
  onServer?: (server: Server | TlsServer) => void
}

/** The log and the metrics of a process. */
export function createContext(name: string, level: ServerConfig['LOG_LEVEL'] = 'info'): ServiceContext {
  return { log: pino({ name, level }), metrics: new Registry(), fetch: tracedFetch(fetch) }
}

/** The same, with the spans of calls by `fetch` told where a collector is configured; else nothing of that is loaded. */
export async function openContext(
  name: string,
  config: ServerConfig,
  fetch: Fetch = globalThis.fetch,
): Promise<ServiceContext> {
  const context = createContext(name, config.LOG_LEVEL)
  const { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, OTEL_TRACES_SAMPLER_ARG: ratio = 1 } = config
  if (!endpoint) return { ...context, fetch: tracedFetch(fetch) }
  const { openTracing } = await import('./tracing.ts')
  const tracing = openTracing(name, { endpoint, ratio, log: context.log })
  return { ...context, tracing, fetch: tracedFetch(fetch, tracing) }
}

const version = '0.1.0'

/** Room for `?ids=` with a thousand of the longest ids. */
const maxHeaderSize = 160 * 1024

/** Longest path parameter: an id of 128 characters, each percent-encoded. */
const maxParamLength = 384

/** Over 60 s, so that the gateway's idle connections end first. */
const keepAliveTimeout = 72_000

/** Until a whole request has arrived; an import's body may be large and slow. */
const requestTimeout = 300_000

/** A request that Node cannot parse gets a problem too. */
function answerBroken(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) return
  const [status, reason] =
    error.code === 'HPE_HEADER_OVERFLOW' ? ['431', 'Request Header Fields Too Large']
    : error.code === 'ERR_HTTP_REQUEST_TIMEOUT' ? ['408', 'Request Timeout']
    : ['400', 'Bad Request'] // biome-ignore format: a table
  const body = JSON.stringify({ ...problem('invalid-request', { detail: reason }), status: Number(status) })
  socket.end(
    `HTTP/1.1 ${status} ${reason}\r\nContent-Type: application/problem+json\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`,
  )
}

/** The Fastify server of one service or, in one process, of several. Ready for `inject` and `listen`. */
export async function createServer(
  context: ServiceContext,
  parts: ServiceParts[],
  options: ServerOptions = {},
): Promise<FastifyInstance> {
  // Fastify asks for a child logger with every request: more than it tells, as what is logged names method and path itself
  const log: FastifyBaseLogger = Object.create(context.log, { child: { value: () => log } })
  const app: FastifyInstance = fastify({
    loggerInstance: log,
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: () => '',
    trustProxy: options.trustProxy ? (_address, hop) => hop < (options.trustProxy ?? 0) : false,
    bodyLimit: 1024 * 1024,
    routerOptions: { maxParamLength },
    // what arrives on a connection that is being closed is still answered (with `Connection: close`)
    return503OnClosing: false,
    frameworkErrors: answerError,
    clientErrorHandler: answerBroken,
    serverFactory: (handler): Server => {
      const settings = { ...options.tls, maxHeaderSize }
      const server = options.tls ? createTlsServer(settings, handler) : createPlainServer(settings, handler)
      Object.assign(server, { keepAliveTimeout, requestTimeout })
      options.onServer?.(server)
      return server
    },
  })
  await documentApi(app, {
    title: (parts.length === 1 && parts[0]?.name) || 'Count',
    version,
    url: options.publicUrl,
    whole: parts.length === 1 && parts[0]?.documentsAll === true,
    cookie: cookieName({
      secure: options.tls !== undefined || options.publicUrl?.startsWith('https:') === true,
    }),
  })
  app.decorateRequest('apiKey', null)
  context.tracing?.serve(app)
  demandAccess(app)
  setUpHttp(app)
  measureRequests(app, context.metrics)
  reportHealth(app, parts, context.metrics, options.stopping ?? (() => false))
  for (const part of parts) await app.register(part.plugin)
  await app.ready()
  return app
}

/** Reads a certificate and its key, and again whenever either file changes; a pair that does not fit leaves the last one. */
function watchTls(server: TlsServer, cert: string, key: string, log: Logger): () => void {
  const reload = () => {
    try {
      server.setSecureContext(readTls(cert, key))
      log.info({ cert }, 'certificate reloaded')
    } catch (err) {
      log.warn({ err, cert }, 'certificate not reloaded')
    }
  }
  for (const file of [cert, key]) watchFile(file, { interval: 1000, persistent: false }, reload)
  return () => {
    for (const file of [cert, key]) unwatchFile(file, reload)
  }
}

const readTls = (cert: string, key: string) => ({
  cert: readFileSync(cert, 'utf8'),
  key: readFileSync(key, 'utf8'),
})

/** Milliseconds for each step of stopping; together under 10 s. */
const patience = { requests: 4500, drain: 2500, close: 1500 }

/** Of those for requests, how long a connection may idle: behind a gateway longer than that keeps one (deploy/Caddyfile). */
const idleMs = ({ TRUST_PROXY }: ServerConfig) => (TRUST_PROXY ? 2500 : 500)

export interface RunningServer {
  /** Where it listens. */
  url: string
  app: FastifyInstance
  /** Stops taking requests, finishes those in hand, drains, closes; within 10 s, whatever hangs. */
  stop(): Promise<void>
}

/** Starts the parts and listens. The caller stops it; see {@link serve} for a process of its own. */
export async function listen(
  config: ServerConfig,
  context: ServiceContext,
  parts: ServiceParts[],
): Promise<RunningServer> {
  const { log, tracing } = context
  const { TLS_CERT: cert, TLS_KEY: key } = config
  const servers: (Server | TlsServer)[] = []
  let stopped: Promise<void> | undefined
  const app = await createServer(context, parts, {
    publicUrl: config.PUBLIC_URL,
    trustProxy: config.TRUST_PROXY,
    tls: cert && key ? readTls(cert, key) : undefined,
    stopping: () => stopped !== undefined,
    onServer: (server) => servers.push(server),
  })
  for (const part of parts) await part.start?.()
  const tell = (address: string) => (cert ? address.replace(/^http:/, 'https:') : address)
  const address = await app.listen({
    host: config.HOST,
    port: config.PORT,
    listenTextResolver: (address) => `listening at ${tell(address)}`,
  })
  const unwatch = servers.map((server) =>
    cert && key && 'setSecureContext' in server ? watchTls(server, cert, key, log) : () => {},
  )

  const step = (ms: number, what: string, work: Promise<unknown>) =>
    within(ms, what, work).catch((err: unknown) => log.warn({ err }, `${what} was cut short`))

  const stop = async () => {
    for (const end of unwatch) end()
    await Promise.all(servers.map((server) => releaseConnections(server, idleMs(config))))
    const left = patience.requests - idleMs(config)
    const force = setTimeout(() => {
      for (const server of servers) server.closeAllConnections()
    }, left)
    await step(left + 500, 'finishing requests', app.close())
    clearTimeout(force)
    await Promise.all(
      parts.map((part) => part.drain && step(patience.drain, `draining ${part.name}`, part.drain())),
    )
    await Promise.all([
      ...parts.map((part) => step(patience.close, `closing ${part.name}`, part.close())),
      tracing && step(patience.close, 'telling the last spans', tracing.close()),
    ])
  }
  return {
    url: tell(address),
    app,
    stop: () => {
      stopped ??= stop()
      return stopped
    },
  }
}

/** How long a turn of the event loop may take to be a quiet one, and for how long one is awaited. */
const quietMs = 0.2
const quietWithinMs = 400

/**
 * Awaits a turn of the event loop in which no connection came and hardly anything else was done. A listener that closes then
 * resets no caller: connections that the kernel has made and nobody took yet, one in each turn, go with it.
 */
async function quietTurn(server: Server | TlsServer): Promise<void> {
  let connections = 0
  server.on('connection', () => connections++)
  const end = performance.now() + quietWithinMs
  // The first ends the turn we are in.
  await setImmediate()
  for (let begin = performance.now(); ; ) {
    const before = connections
    await setImmediate()
    const now = performance.now()
    if ((connections === before && now - begin < quietMs) || now > end) return
    begin = now
  }
}

/**
 * Takes no more connections and lets each open one know with its next answer. Closing idle ones at once would fail the
 * request that a keep-alive client is just sending; so they get a moment to use theirs and hear of it.
 */
async function releaseConnections(server: Server | TlsServer, graceMs: number): Promise<void> {
  server.prependListener('request', (_request, response) => {
    response.shouldKeepAlive = false
  })
  const closed = once(server, 'close')
  await quietTurn(server)
  // http.Server's own close would close the idle ones too
  NetServer.prototype.close.call(server)
  await Promise.race([closed, delay(graceMs)])
}

/** Longest time from the signal to the end of the process, whatever holds it. */
const stopMs = 9500

/**
 * Resolves at the first SIGTERM or SIGINT. From here on they do not end the process at once; further ones change nothing, as
 * npm sends its own beside the terminal's.
 */
export function stopSignal(): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const stop = () => {
    setTimeout(() => process.exit(0), stopMs).unref()
    resolve()
  }
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, stop)
  return promise
}

export interface ServeOptions {
  /** Done last, such as stopping the stores of `npm start`. */
  after?: () => Promise<void>
  /** Where the caller has awaited the signal since before it opened the parts. */
  signalled?: Promise<void>
}

/** Runs the parts as this process until SIGTERM or SIGINT, then stops and exits 0. */
export async function serve(
  config: ServerConfig,
  context: ServiceContext,
  parts: ServiceParts[],
  { after, signalled = stopSignal() }: ServeOptions = {},
): Promise<RunningServer> {
  const server = await listen(config, context, parts)
  const stop = async () => {
    await signalled
    context.log.info('stopping')
    await server.stop()
    await after?.()
    context.log.info('stopped')
  }
  stop().then(
    () => process.exit(0),
    (err: unknown) => {
      context.log.error({ err }, 'stopping failed')
      process.exit(1)
    },
  )
  return server
}

/** All of a service's server.ts: settings from the environment, context, open, serve. A fault is told once, and exits 1. */
export async function runService<C extends ServerConfig>(
  name: string,
  settings: z.ZodObject & z.ZodType<C>,
  open: (config: C, context: ServiceContext) => Promise<ServiceParts>,
): Promise<void> {
  try {
    const config = readConfig(settings)
    const signalled = stopSignal()
    const context = await openContext(name, config)
    await serve(config, context, [await open(config, context)], { signalled })
  } catch (error) {
    process.stderr.write(
      error instanceof ConfigError
        ? `${name}: wrong settings\n${error.message}\n`
        : `${name}: ${error instanceof Error ? error.stack : error}\n`,
    )
    process.exit(1)
  }
}
