import type { Redis } from 'ioredis'
import type { Logger } from 'pino'
import { crc16 } from './crc16.ts'
import { connectRedis, untilReady } from './redis.ts'

interface Route {
  primary: string
  replicas: string[]
}

/** Which server owns a shard: always the one named, or, on a Cluster, the node that serves the shard's slot. */
export interface Topology {
  /** URL of the shard's primary; undefined while no node is known to serve it. */
  primary(shard: number): string | undefined
  replicas(shard: number): string[]
  /** Asks the nodes anew who owns what. */
  refresh(): Promise<void>
  close(): void
}

export const singleNode = (primary: string, replica: string | undefined): Topology => ({
  primary: () => primary,
  replicas: () => (replica ? [replica] : []),
  refresh: async () => {},
  close: () => {},
})

/** Topology of a Redis Cluster, learnt from any of its nodes; credentials and TLS are those of the first URL. */
export function clusterTopology(urls: string[], log: Logger): Topology {
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
    type Slots = [from: number, to: number, ...nodes: [host: string, port: number][]]
    const slots = (await redis.call('CLUSTER', ['SLOTS'])) as Slots[]
    const found: (Route | undefined)[] = []
    for (const [from, to, ...owners] of slots) {
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

  const route = (shard: number) => routes[crc16(`s${shard}`) % 16384]
  return {
    primary: (shard) => route(shard)?.primary,
    replicas: (shard) => route(shard)?.replicas ?? [],
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
