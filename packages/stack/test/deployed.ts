import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { createApiKey } from '@count/core/api-keys'
import { databaseUrls, randomPasswords } from '@count/core/databases'
import { type ChildServer, spawnServer } from '../src/child-server.ts'
import { freePorts } from '../src/ports.ts'
import { startPostgres } from '../src/postgres-server.ts'
import { testKafka, testRedis } from '../src/testing.ts'
import { type Manifests, readCompose } from './manifests.ts'

export const services = [
  'count-write-service',
  'count-read-service',
  'count-management-service',
  'count-analysis-service',
  'dashboard-provision-service',
  'dashboard-update-service',
] as const
export type Service = (typeof services)[number]

const root = join(import.meta.dirname, '../../..')
const admin = { username: 'admin', password: 'a password of nobody' }

export interface DeployOptions {
  /** Processes of each service. */
  instances?: number
  /** Where services reach each other; else the first process of each. */
  inside?: (service: Service) => string
  /** The port of each service, the same in all its processes; else a free one. */
  ports?: ReadonlyMap<Service, number>
  publicUrl?: string
}

export type Deployed = Awaited<ReturnType<typeof startDeployed>>

/**
 * The six services as processes, started with the commands and variables of the manifests, on stores of their own. Each process has an
 * address of its own, 127.0.<service>.<process>.
 */
export async function startDeployed(
  closing: AsyncDisposableStack,
  manifests: Manifests,
  options: DeployOptions = {},
) {
  const { instances = 1, publicUrl = '' } = options
  const passwords = randomPasswords()
  const key = createApiKey()
  const [compose, value, cache, postgres, kafka, logs] = await Promise.all([
    readCompose(),
    testRedis(),
    testRedis(),
    startPostgres({ durable: false }),
    testKafka(),
    mkdtemp(join(tmpdir(), 'deployed-')),
  ])
  closing.defer(() => rm(logs, { recursive: true }))
  const replica = await testRedis({ replicaOf: value })
  for (const store of [postgres, cache, value, replica]) closing.defer(() => store.stop())
  await replica.linked()
  const ports = options.ports ?? (await servicePorts())
  const portOf = (service: Service) => ports.get(service) as number
  const hostOf = (service: Service, n: number) => `127.0.${services.indexOf(service) + 1}.${n + 1}`
  const url = (service: Service, n = 0) => `http://${hostOf(service, n)}:${portOf(service)}`
  const inside = options.inside ?? url
  const databases = databaseUrls(postgres.url, '', passwords)
  const own = {
    ...databases,
    POSTGRES_URL: postgres.url,
    VALUE_REDIS_URL: value.url,
    VALUE_REPLICA_REDIS_URL: replica.url,
    CACHE_REDIS_URL: cache.url,
    KAFKA_BROKERS: kafka.brokers,
    SERVICE_TOKEN: 'a-token-of-services-alone',
    ADMIN_USERNAME: admin.username,
    ADMIN_PASSWORD: admin.password,
    API_KEY: key.key,
    VALUE_PASSWORD: '-',
    CACHE_PASSWORD: '-',
    POSTGRES_PASSWORD: '-',
  }
  /** Who listens on a port, by the names of deploy/edges.yaml. The databases share one. */
  const places = new Map<number, string>([
    [value.port, 'value'],
    [replica.port, 'value-replica'],
    [cache.port, 'cache'],
    [postgres.port, 'postgres'],
    [Number(kafka.brokers.split(':')[1]), 'kafka'],
    ...services.map((service) => [portOf(service), service] as const),
  ])

  const secrets = compose.secretsOf(compose.text, own)
  const programOf = (name: string) => {
    const [program, ...args] = manifests.pods.get(name)?.spec.containers[0]?.command ?? []
    if (program !== 'node') throw new Error(`${name} is run by ${program}`)
    const env = Object.entries(manifests.environmentOf(name, secrets)).map(([variable, text]) => [
      variable,
      // The names of the cluster's own DNS.
      text.replace(/^http:\/\/([\w-]+):8080$/, (_, service: Service) => inside(service)),
    ])
    return { args, env: { ...Object.fromEntries(env), PATH: process.env.PATH, TMPDIR: tmpdir() } }
  }
  const setup = programOf('setup')
  await promisify(execFile)(process.execPath, setup.args, { cwd: root, env: setup.env })

  const processes = new Map<string, ChildServer>()
  const logFile = (service: Service, n: number) => join(logs, `${service}-${n}.log`)

  async function start(service: Service, n: number): Promise<void> {
    const { args, env } = programOf(service)
    const server = await spawnServer({
      command: process.execPath,
      args,
      cwd: root,
      logFile: logFile(service, n),
      env: {
        ...env,
        LOG_LEVEL: 'warn',
        PUBLIC_URL: publicUrl,
        HOST: hostOf(service, n),
        PORT: String(portOf(service)),
      },
    })
    processes.set(`${service} ${n}`, server)
    await server.ready(async () => (await fetch(`${url(service, n)}/readyz`)).ok, 60_000)
  }
  const stop = (service: Service, n: number) =>
    processes.get(`${service} ${n}`)?.stop('SIGTERM', 15_000) ?? Promise.resolve()

  const all = services.flatMap((service) =>
    Array.from({ length: instances }, (_, n) => [service, n] as const),
  )
  closing.defer(async () => {
    await Promise.all(all.map(([service, n]) => stop(service, n)))
  })
  await Promise.all(all.map(([service, n]) => start(service, n)))

  return {
    admin,
    apiKey: key.key,
    superuserUrl: postgres.url,
    databases,
    url,
    places,
    portOf,
    /** The addresses of a service's processes that have not ended. */
    addresses: (service: Service) =>
      all
        .filter(([name, n]) => name === service && processes.get(`${name} ${n}`)?.running())
        .map(([, n]) => hostOf(service, n)),
    pid: (service: Service, n = 0) => processes.get(`${service} ${n}`)?.pid as number,
    log: (service: Service, n = 0) => readFile(logFile(service, n), 'utf8'),
    start,
    /** Ends a process by SIGTERM. */
    stop,
  }
}

/** A free port for each service. */
export async function servicePorts(): Promise<Map<Service, number>> {
  const ports = await freePorts(services.length)
  return new Map(services.map((service, n) => [service, ports[n] as number]))
}
