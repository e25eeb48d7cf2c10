import { readdir, readFile, readlink } from 'node:fs/promises'
import { connected } from '@count/core/databases'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { until } from '../src/until.ts'
import { type Deployed, type Service, services, startDeployed } from './deployed.ts'
import { type Manifests, manifestsOf, type Overlay, readEdges } from './manifests.ts'
import { routed } from './routed.ts'

const closing = new AsyncDisposableStack()
let manifests: Manifests
let deployed: Deployed
const url = (service: Service) => deployed.url(service)

beforeAll(async () => {
  manifests = await manifestsOf('single')
  deployed = await startDeployed(closing, manifests)
}, 180_000)
afterAll(() => closing.disposeAsync())

/** Sockets of a process, as local and remote ports. */
async function socketsOf(pid: number): Promise<{ local: number; remote: number }[]> {
  const [links, table] = await Promise.all([
    readdir(`/proc/${pid}/fd`).then((fds) =>
      Promise.all(fds.map((fd) => readlink(`/proc/${pid}/fd/${fd}`).catch(() => ''))),
    ),
    readFile(`/proc/${pid}/net/tcp`, 'utf8'),
  ])
  const inodes = new Set(links.flatMap((link) => link.match(/^socket:\[(\d+)\]$/)?.[1] ?? []))
  const portOf = (address = '') => Number.parseInt(address.split(':')[1] ?? '', 16)
  return table
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter((columns) => inodes.has(columns[9] ?? ''))
    .map(([, local, remote]) => ({ local: portOf(local), remote: portOf(remote) }))
}

/** What a process is connected to now, by the names of deploy/edges.yaml. */
async function calledBy(service: Service): Promise<string[]> {
  const { places, portOf } = deployed
  const sockets = (await socketsOf(deployed.pid(service))).filter(
    ({ local, remote }) => local !== portOf(service) && remote !== 0,
  )
  const databases = await connected(deployed.superuserUrl, async (sql) => {
    const clients = sockets
      .filter(({ remote }) => places.get(remote) === 'postgres')
      .map(({ local }) => local)
    if (clients.length === 0) return []
    const rows = await sql<{ datname: string }[]>`
      select distinct datname from pg_stat_activity where client_port in ${sql(clients)} and datname is not null`
    return rows.map(({ datname }) => datname.replace(/^(?:count_)?(\w+?)(?:_config)?$/, '$1-database'))
  })
  const others = sockets.map(({ remote }) => places.get(remote) ?? `port ${remote}`)
  return [...databases, ...others.filter((name) => name !== 'postgres')]
}

/** Uses everything once: each service's own work, over its own port. */
async function useEverything(): Promise<void> {
  const json = { 'content-type': 'application/json' }
  const asked = async (response: Promise<Response>) => {
    const answer = await response
    if (!answer.ok) throw new Error(`${answer.url}: ${answer.status} ${await answer.text()}`)
    return answer
  }
  const signed = await asked(
    fetch(`${url('count-management-service')}/api/v1/admin/session`, {
      method: 'POST',
      headers: json,
      body: JSON.stringify(deployed.admin),
    }),
  )
  const { csrfToken } = z.object({ csrfToken: z.string() }).parse(await signed.json())
  const cookie = signed.headers.getSetCookie()[0]?.split(';')[0] ?? ''
  const session = { ...json, cookie, 'x-csrf-token': csrfToken }
  const external = { ...json, authorization: `Bearer ${deployed.apiKey}` }
  await asked(
    fetch(`${url('count-management-service')}/api/v1/admin/counts`, {
      method: 'POST',
      headers: session,
      body: JSON.stringify({ id: 'deployed', name: 'Deployed' }),
    }),
  )
  await until('the key to be known', () =>
    asked(
      fetch(`${url('count-write-service')}/api/v1/counts/deployed/increment`, {
        method: 'POST',
        headers: external,
        body: '{}',
      }),
    ),
  )
  await asked(fetch(`${url('count-read-service')}/api/v1/counts/deployed`, { headers: external }))
  await asked(fetch(`${url('count-read-service')}/api/v1/counts?prefix=dep`, { headers: external }))
  await asked(
    fetch(`${url('count-read-service')}/api/v1/counts/deployed/history?granularity=hour`, {
      headers: external,
    }),
  )
  await until('the session to be known', () =>
    asked(
      fetch(`${url('count-analysis-service')}/api/v1/analysis/trend?count=deployed`, { headers: { cookie } }),
    ),
  )
  const made = await asked(
    fetch(`${url('dashboard-provision-service')}/api/v1/dashboards`, {
      method: 'POST',
      headers: session,
      body: JSON.stringify({
        name: 'Deployed',
        range: '24h',
        panels: [
          {
            id: 'a',
            type: 'line',
            title: 'a',
            counts: { ids: ['deployed'] },
            layout: { x: 0, y: 0, w: 4, h: 4 },
          },
        ],
      }),
    }),
  )
  const { id } = z.object({ id: z.string() }).parse(await made.json())
  const stream = await asked(
    fetch(`${url('dashboard-update-service')}/api/v1/dashboards/${id}/stream`, { headers: { cookie } }),
  )
  let said = ''
  for await (const part of stream.body ?? []) {
    said += Buffer.from(part).toString()
    if (said.includes('event: snapshot')) break
  }
  expect(said).toContain('event: snapshot')
}

describe('six processes with the variables of the manifests', () => {
  test('work together, and connect to what deploy/edges.yaml names and to nothing else', {
    timeout: 90_000,
  }, async () => {
    const edges = await readEdges()
    const wanted = (service: Service) => (edges.get(service) ?? []).filter((to) => to !== 'webhooks').sort()
    const seen = new Map(services.map((service) => [service, new Set<string>()]))
    const look = async () => {
      await Promise.all(
        services.map(async (service) => {
          for (const name of await calledBy(service)) seen.get(service)?.add(name)
        }),
      )
    }
    await useEverything()
    const found = () => Object.fromEntries([...seen].map(([service, names]) => [service, [...names].sort()]))
    await until('every edge to be used', async () => {
      await look()
      return services.every((service) => wanted(service).every((name) => seen.get(service)?.has(name)))
    }).catch(() => {})
    expect(found()).toEqual(Object.fromEntries(services.map((service) => [service, wanted(service)])))
  })

  test.each(['single', 'scaled'] satisfies Overlay[])(
    'are reached by the routes of the overlay %s for what they serve, and for nothing inside',
    async (overlay) => {
      const [routes] = overlay === 'single' ? manifests.routes : (await manifestsOf(overlay)).routes
      const documents = await Promise.all(
        services.map(async (service) => {
          const document = z
            .object({ paths: z.record(z.string(), z.record(z.string(), z.unknown())) })
            .parse(await (await fetch(`${url(service)}/openapi.json`)).json())
          return [service, document.paths] as const
        }),
      )
      // The document of provision is that of all: what is another's is not its own.
      const own = documents.filter(([service]) => service !== 'dashboard-provision-service')
      const elsewhere = (path: string) => own.some(([, paths]) => path in paths)
      const operations = documents.flatMap(([service, paths]) =>
        Object.entries(paths)
          .filter(([path]) => service !== 'dashboard-provision-service' || !elsewhere(path))
          .flatMap(([path, methods]) =>
            Object.keys(methods).map((method) => ({ service, path, method: method.toUpperCase() })),
          ),
      )
      expect(operations.length).toBeGreaterThan(70)
      const pages = [
        { service: 'count-management-service', path: '/management/' },
        { service: 'count-management-service', path: '/management/app.js' },
        { service: 'count-analysis-service', path: '/analysis/' },
        { service: 'dashboard-provision-service', path: '/' },
        { service: 'dashboard-provision-service', path: '/dashboards/' },
        { service: 'dashboard-provision-service', path: '/dashboards/share/abc' },
        { service: 'dashboard-provision-service', path: '/assets/kit.js' },
        { service: 'dashboard-provision-service', path: '/docs' },
        { service: 'dashboard-provision-service', path: '/openapi.json' },
        ...['/livez', '/readyz', '/metrics', '/internal', '/elsewhere'].map((path) => ({
          service: undefined,
          path,
        })),
      ].map((page) => ({ ...page, method: 'GET' }))
      const inside = (path: string) => path.startsWith('/internal/')
      for (const { service, path, method } of [...operations, ...pages]) {
        const real = path.replace(/\{\w+\}/g, 'abc:1')
        expect([method, real, ...routed(routes, method, real)]).toEqual([
          method,
          real,
          ...(inside(path) || !service ? [undefined, undefined] : [service, service]),
        ])
      }
    },
  )
})
