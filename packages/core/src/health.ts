import type { FastifyInstance } from 'fastify'
import { Gauge, type Registry } from 'prom-client'
import { z } from 'zod'
import { within } from './away.ts'
import { jsonSchema } from './http.ts'

/** Something a service depends on. `check` throws or rejects when it is away; a critical one makes /readyz answer 503. */
export interface HealthCheck {
  name: string
  critical: boolean
  check(): Promise<void> | void
}

/** A service's dependencies, by its name. */
export interface HealthSource {
  name: string
  checks: HealthCheck[]
}

const state = z.enum(['ok', 'degraded', 'unavailable', 'stopping'])
const health = z.object({
  status: state,
  services: z.record(z.string(), z.record(z.string(), z.enum(['ok', 'away']))),
})
type Health = z.infer<typeof health>

const checkMs = 1000

/** One look at everything serves all who ask within half a second. */
const keepMs = 500

/**
 * GET /livez (the process answers), GET /readyz (200 ok or degraded, 503 when a critical dependency is away or the server
 * stops) and the gauge `dependency_up`. Neither names more than the dependency.
 */
export function reportHealth(
  app: FastifyInstance,
  sources: HealthSource[],
  registry: Registry,
  stopping: () => boolean,
): void {
  const up = new Gauge({
    name: 'dependency_up',
    help: '1 while a service can use its dependency',
    labelNames: ['service', 'dependency'],
    registers: [registry],
    collect: async () => {
      await look()
    },
  })
  let last: { at: number; health: Promise<Health> } | undefined

  const judge = async (): Promise<Health> => {
    let status: Health['status'] = 'ok'
    const services: Health['services'] = {}
    const one = async (service: string, { name, critical, check }: HealthCheck) => {
      const ok = await within(checkMs, name, (async () => check())()).then(
        () => true,
        () => false,
      )
      up.labels(service, name).set(ok ? 1 : 0)
      services[service] = { ...services[service], [name]: ok ? 'ok' : 'away' }
      if (!ok && critical) status = 'unavailable'
      else if (!ok && status === 'ok') status = 'degraded'
    }
    await Promise.all(sources.flatMap((source) => source.checks.map((check) => one(source.name, check))))
    return { status, services }
  }
  const look = () => {
    if (!last || Date.now() - last.at > keepMs) last = { at: Date.now(), health: judge() }
    return last.health
  }

  const open = { access: { kind: 'public' } } as const
  const livez = { hide: true, response: { 200: jsonSchema(z.object({ status: z.literal('ok') }), 'output') } }
  app.get('/livez', { config: open, schema: livez }, (_request, reply) => reply.send({ status: 'ok' }))
  app.get('/readyz', { config: open, schema: { hide: true } }, async (_request, reply) => {
    const answer = stopping() ? { status: 'stopping' as const, services: {} } : await look()
    return reply.code(answer.status === 'ok' || answer.status === 'degraded' ? 200 : 503).send(answer)
  })
}
