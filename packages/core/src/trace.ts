import { AsyncLocalStorage } from 'node:async_hooks'
import { randomBytes } from 'node:crypto'
import type { FastifyRequest } from 'fastify'

/** W3C Trace Context, version 00; all zeros are no id. */
const pattern = /^00-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/
const traces = new WeakMap<object, string>()
const current = new AsyncLocalStorage<string>()

const hex = (bytes: number) => randomBytes(bytes).toString('hex')

/** The id of the trace that a request belongs to: of its `traceparent`, else a new one. Worked out when somebody asks. */
export function traceOf(request: Pick<FastifyRequest, 'headers'>): string {
  let trace = traces.get(request)
  if (trace === undefined) {
    trace = pattern.exec(String(request.headers.traceparent))?.[1] ?? hex(16)
    traces.set(request, trace)
  }
  return trace
}

/** Does what a request asks for, so that the calls made for it belong to its trace. */
export const traced = <T>(request: Pick<FastifyRequest, 'headers'>, work: () => T): T =>
  current.run(traceOf(request), work)

/** `traceparent` of something sent: of the request that it is sent for, else of a trace of its own. */
export const traceparent = (trace = current.getStore() ?? hex(16)): string => `00-${trace}-${hex(8)}-01`
