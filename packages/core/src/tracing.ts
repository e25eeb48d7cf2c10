import {
  DiagLogLevel,
  diag,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  type Span as ToldSpan,
  TraceFlags,
  trace,
} from '@opentelemetry/api'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import {
  defaultResource,
  detectResources,
  envDetector,
  resourceFromAttributes,
} from '@opentelemetry/resources'
import {
  BatchSpanProcessor,
  ParentBasedSampler,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from '@opentelemetry/sdk-trace'
import type { FastifyInstance } from 'fastify'
import type { Logger } from 'pino'
import { loggedUrl } from './http.ts'
import { callerOf, type Span, setSpan } from './trace.ts'

interface TracingOptions {
  /** Of a collector that speaks OTLP by HTTP with JSON; spans go to /v1/traces below it. */
  endpoint: string
  /** Of the traces that begin here, how many are told: 0 to 1. */
  ratio: number
  log: Logger
}

export type Tracing = ReturnType<typeof openTracing>

/** What watches a service is not told of. */
const unwatched = /^\/(livez|readyz|metrics)$/

const below = ({ traceId, spanId, sampled }: Span) =>
  trace.setSpanContext(ROOT_CONTEXT, {
    traceId,
    spanId,
    traceFlags: sampled ? TraceFlags.SAMPLED : TraceFlags.NONE,
    isRemote: true,
  })

function asSpan(told: ToldSpan): Span {
  const { traceId, spanId, traceFlags } = told.spanContext()
  return { traceId, spanId, sampled: (traceFlags & TraceFlags.SAMPLED) !== 0 }
}

function fail(span: ToldSpan, type: string): void {
  span.setAttribute('error.type', type)
  span.setStatus({ code: SpanStatusCode.ERROR })
}

/**
 * Tells an OpenTelemetry collector the spans of a service, named by its semantic conventions of HTTP: one of each request,
 * one of each call made for it. Loaded only where a collector is configured.
 */
export function openTracing(service: string, { endpoint, ratio, log }: TracingOptions) {
  const say = (message: string, ...more: unknown[]) => log.warn({ more }, `OpenTelemetry: ${message}`)
  diag.setLogger(
    { error: say, warn: say, info() {}, debug() {}, verbose() {} },
    { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true },
  )
  const provider = new TracerProvider({
    resource: defaultResource()
      .merge(resourceFromAttributes({ 'service.name': service }))
      .merge(detectResources({ detectors: [envDetector] })),
    sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(ratio) }),
    spanProcessors: [
      new BatchSpanProcessor({
        exporter: new OTLPTraceExporter({ url: `${endpoint}/v1/traces` }),
        scheduledDelayMillis: 1000,
      }),
    ],
  })
  const tracer = provider.getTracer('count')

  return {
    /** Tells a span of every request. */
    serve(app: FastifyInstance): void {
      app.addHook('onRequest', (request, reply, done) => {
        const { method, protocol } = request
        const route = request.routeOptions.url
        if (route && unwatched.test(route)) return done()
        const caller = callerOf(request)
        const span = tracer.startSpan(
          route ? `${method} ${route}` : method,
          {
            kind: SpanKind.SERVER,
            attributes: {
              'http.request.method': method,
              'http.route': route,
              'url.path': loggedUrl(request).split('?', 1)[0],
              'url.scheme': protocol,
            },
          },
          caller ? below(caller) : ROOT_CONTEXT,
        )
        setSpan(request, asSpan(span))
        const { raw } = reply
        raw.once('close', () => {
          if (raw.headersSent) span.setAttribute('http.response.status_code', raw.statusCode)
          if (raw.statusCode >= 500) fail(span, String(raw.statusCode))
          span.end()
        })
        done()
      })
    },

    /** Tells a span of a call to another service, made within `parent`; `send` gets the call's. */
    async call(
      parent: Span,
      method: string,
      url: string,
      send: (span: Span) => Promise<Response>,
    ): Promise<Response> {
      const { origin, hostname, port, pathname } = new URL(url)
      const span = tracer.startSpan(
        method,
        {
          kind: SpanKind.CLIENT,
          attributes: {
            'http.request.method': method,
            'server.address': hostname,
            'server.port': port ? Number(port) : undefined,
            'url.full': origin + pathname,
          },
        },
        below(parent),
      )
      try {
        const response = await send(asSpan(span))
        span.setAttribute('http.response.status_code', response.status)
        if (response.status >= 400) fail(span, String(response.status))
        return response
      } catch (error) {
        fail(span, error instanceof Error ? error.name : 'Error')
        throw error
      } finally {
        span.end()
      }
    },

    /** Sends what has not been sent. */
    close: () => provider.shutdown(),
  }
}
