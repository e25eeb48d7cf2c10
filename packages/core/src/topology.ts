import type { Redis } from 'ioredis'
import type { Logger } from 'pino'
import { crc16 } from './crc16.ts'
import { connectRedis, untilReady } from './redis.ts'

interface Route {
  primary: string
  replicas: string[]
}

const slots = 16_384

/** Which server owns a shard: always the one named, or, on a Cluster, the node that serves the shard's slot. */
export interface Topology {
  readonly cluster: boolean
  /** URL of the shard's primary; undefined while no node is known to serve it. */
  primary(shard: number): string | undefined
  replicas(shard: number): string[]
  /** Every primary. @throws when it is not known of every slot who serves it */
  primaries(): string[]
  /** Asks the nodes anew who owns what. */
  refresh(): Promise<void>
  close(): void
}

/** The topology of one server, or of a Cluster when `setting` (as VALUE_REDIS_URL) names several hosts. */
export function openTopology(setting: string, log: Logger, replica?: string): Topology {
  const urls = setting.split(',').map((url) => url.trim().replace(/^(?!\w+:\/\/)/, 'redis://'))
  return urls.length > 1 ? clusterTopology(urls, log) : singleNode(urls[0] as string, replica)
}

const singleNode = (primary: string, replica: string | undefined): Topology => ({
  cluster: false,
  primary: () => primary,
  replicas: () => (replica ? [replica] : []),
  primaries: () => [primary],
  refresh: async () => {},
  close: () => {},
})

/** Topology of a Redis Cluster, learnt from any of its nodes; credentials and TLS are those of the first URL. */
function clusterTopology(urls: string[], log: Logger): Topology {
  const nodes = new Map<string, Redis>()
  let routes: (Route | undefined)[] = []
  let refreshing: Promise<void> | undefined

  function urlOf(host: string, port: number): string {
    const url = new URL(urls[0] as string)
    url.hostname = host.includes(':') ? `[${host}]` : host
    url.port = String(port)
    return url.href
  }

  function node(url: string): Redis {
    let redis = nodes.get(url)
    if (!redis) {
      redis = connectRedis(url, { name: 'count-topology', log })
      nodes.set(url, redis)
    }
    return redis
  }

  async function ask(url: string): Promise<boolean> {
    const redis = node(url)
    await untilReady(redis, 500)
    type Range = [from: number, to: number, ...nodes: [host: string, port: number][]]
    const ranges = (await redis.call('CLUSTER', ['SLOTS'])) as Range[]
    const found: (Route | undefined)[] = []
    for (const [from, to, ...owners] of ranges) {
      const [primary, ...replicas] = owners.map(([host, port]) => urlOf(host || new URL(url).hostname, port))
      if (!primary) continue
      const owner = { primary, replicas }
      for (let slot = from; slot <= to; slot++) found[slot] = owner
    }
    if (found.length > 0) routes = found
    return found.length > 0
  }

  async function refresh(): Promise<void> {
    const known = new Set<Route>()
    for (const route of routes) if (route) known.add(route)
    const nodes = [...known].flatMap((route) => [route.primary, ...route.replicas])
    for (const url of new Set([...nodes, ...urls])) {
      try {
        if (await ask(url)) return
      } catch (error) {
        log.debug({ node: new URL(url).host, error }, 'a cluster node does not answer')
      }
    }
  }

  const route = (shard: number) => routes[crc16(`s${shard}`) % slots]
  return {
    cluster: true,
    primary: (shard) => route(shard)?.primary,
    replicas: (shard) => route(shard)?.replicas ?? [],
    primaries() {
      const found = new Set(Array.from({ length: slots }, (_, slot) => routes[slot]?.primary))
      if (found.has(undefined)) throw new Error('no node of the Cluster is known to serve some of its slots')
      return [...found] as string[]
    },
    refresh() {
      refreshing ??= refresh().finally(() => {
        refreshing = undefined
      })
      return refreshing
    },
    close() {
      for (const redis of nodes.values()) redis.disconnect()
    },
  }
}
