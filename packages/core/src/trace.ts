import { AsyncLocalStorage } from 'node:async_hooks'
import { randomBytes } from 'node:crypto'
import type { FastifyRequest } from 'fastify'
import type { Tracing } from './tracing.ts'

/** A piece of work and the trace that it belongs to, by W3C Trace Context: ids in hex. */
export interface Span {
  traceId: string
  spanId: string
  /** Whether a collector is told of it. */
  sampled: boolean
}

type Traced = Pick<FastifyRequest, 'headers'>
/** How other services are called. */
export type Fetch = (
  url: string,
  init?: Omit<RequestInit, 'headers'> & { headers?: Record<string, string> },
) => Promise<Response>

/** Version 00; all zeros are no id. */
const pattern = /^00-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-[0-9a-f]([0-9a-f])$/
const spans = new WeakMap<object, Span>()
const current = new AsyncLocalStorage<Span>()

const hex = (bytes: number) => randomBytes(bytes).toString('hex')
/** Begins a trace, or goes on with one. */
const begin = (traceId = hex(16), sampled = false): Span => ({ traceId, spanId: hex(8), sampled })

/** What a request's valid `traceparent` names: the caller's span. */
export function callerOf({ headers }: Traced): Span | undefined {
  const [, traceId, spanId, flags] = pattern.exec(String(headers.traceparent)) ?? []
  if (!traceId || !spanId || !flags) return undefined
  return { traceId, spanId, sampled: (Number.parseInt(flags, 16) & 1) === 1 }
}

/** The span of a request: in the trace of its caller, else in one of its own. Worked out when somebody asks. */
export function spanOf(request: Traced): Span {
  let span = spans.get(request)
  if (!span) {
    const caller = callerOf(request)
    span = begin(caller?.traceId, caller?.sampled)
    spans.set(request, span)
  }
  return span
}

/** Says which span is the request's, before anybody asks. */
export const setSpan = (request: Traced, span: Span): void => void spans.set(request, span)

/** What a log line about a request says of its trace; `span_id` is the request's own id. */
export function traceFields(request: Traced): { trace_id: string; span_id: string } {
  const { traceId, spanId } = spanOf(request)
  return { trace_id: traceId, span_id: spanId }
}

/** Does what a request asks for, so that the calls made for it belong to its trace. */
export const traced = <T>(request: Traced, work: () => T): T => current.run(spanOf(request), work)

/** `traceparent` of something sent within a span, else of a trace of its own that no collector is told of. */
export const traceparent = ({ traceId, spanId, sampled }: Span = begin()): string =>
  `00-${traceId}-${spanId}-0${sampled ? 1 : 0}`

/** Calls with a `traceparent`: of the request that a call is made for, and then with a span of its own where those are told. */
export function tracedFetch(fetch: Fetch, tracing?: Tracing): Fetch {
  return (url, init = {}) => {
    const send = (span?: Span) =>
      fetch(url, { ...init, headers: { ...init.headers, traceparent: traceparent(span) } })
    const span = current.getStore()
    return span && tracing ? tracing.call(span, init.method ?? 'GET', url, send) : send(span)
  }
}
