import type { FastifyInstance, RouteOptions } from 'fastify'
import { collectDefaultMetrics, type Registry } from 'prom-client'
import { loggedUrl } from './http.ts'
import { traceFields } from './trace.ts'

/** Upper bounds in seconds. */
const buckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

const name = 'http_request_duration_seconds'

/** Requests that took longer are told in the log. */
const slowMs = 1000

/**
 * Durations by method, route and status. prom-client's histogram looks its labels up anew at each observation, half a
 * microsecond of a request's forty; here a route holds its own series, and adding to one is two array writes.
 */
export function createRequestTimes() {
  const lines: (() => string)[] = []

  const series = (labels: string) => {
    const counts = new Float64Array(buckets.length + 1)
    let sum = 0
    lines.push(() => {
      let total = 0
      const cumulative = [...buckets, '+Inf'].map((bound, i) => {
        total += counts[i] ?? 0
        return `${name}_bucket{${labels},le="${bound}"} ${total}`
      })
      return [...cumulative, `${name}_sum{${labels}} ${sum}`, `${name}_count{${labels}} ${total}`].join('\n')
    })
    return (seconds: number) => {
      let i = 0
      while (i < buckets.length && seconds > (buckets[i] as number)) i++
      counts[i] = (counts[i] as number) + 1
      sum += seconds
    }
  }

  return {
    /** The observer of one route: status and milliseconds of each answer. */
    route(method: string, route: string) {
      const byStatus: ((seconds: number) => void)[] = []
      return (status: number, ms: number) => {
        byStatus[status] ??= series(`method="${method}",route="${route}",status="${status}"`)
        byStatus[status](ms / 1000)
      }
    },
    /** In Prometheus's text format. */
    text: () =>
      [
        `# HELP ${name} Time to answer a request`,
        `# TYPE ${name} histogram`,
        ...lines.map((line) => line()),
        '',
      ].join('\n'),
  }
}

/** Times every request by route pattern, method and status, logs the slow ones (at level debug all), and serves GET /metrics. */
export function measureRequests(app: FastifyInstance, registry: Registry): void {
  collectDefaultMetrics({ register: registry })
  const times = createRequestTimes()
  const debug = app.log.level === 'debug' || app.log.level === 'trace'
  app.addHook('onRoute', (route: RouteOptions) => {
    if (route.config?.longLived) return
    const observe = times.route(String(route.method), route.url)
    route.onResponse = [
      (request, reply, done) => {
        const ms = reply.elapsedTime
        observe(reply.statusCode, ms)
        if (ms > slowMs || debug) {
          const { method } = request
          const entry = {
            method,
            url: loggedUrl(request),
            status: reply.statusCode,
            ms,
            ...traceFields(request),
          }
          if (ms > slowMs) request.log.warn(entry, 'slow request')
          else request.log.debug(entry, 'request')
        }
        done()
      },
      ...[route.onResponse ?? []].flat(),
    ]
  })
  app.get(
    '/metrics',
    { config: { access: { kind: 'public' } }, schema: { hide: true } },
    async (_request, reply) =>
      reply.type(registry.contentType).send(`${await registry.metrics()}\n${times.text()}`),
  )
}
