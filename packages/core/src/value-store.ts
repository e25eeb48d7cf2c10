import { setTimeout as delay } from 'node:timers/promises'
import type { Redis } from 'ioredis'
import type { Logger } from 'pino'
import { deploymentKeys, type ShardKeys, shardKeys, shardOf } from './keys.ts'
import { connectRedis, untilReady } from './redis.ts'
import { openTopology } from './topology.ts'

/** The store, or the shard, cannot take the call now: 503 with Retry-After. */
export class StoreUnavailable extends Error {
  override name = 'StoreUnavailable'
}

/** SHARDS or TIME_ZONE contradict what the store was set up with: the service must not start. */
export class DeploymentMismatch extends Error {
  override name = 'DeploymentMismatch'
}

export interface ValueStoreSettings {
  VALUE_REDIS_URL: string
  VALUE_REPLICA_REDIS_URL?: string | undefined
  SHARDS?: number | undefined
  TIME_ZONE?: string | undefined
}

/** Brings a shard's data back before its first write (recovery.ts of count-write-service); rejects while it cannot. */
export type Recover = (shard: number, redis: Redis, replid: string) => Promise<void>

/** One connection to a primary, as long as it stands: what was found out about the server behind it holds until it closes. */
export interface Epoch {
  redis: Redis
  /** The primary's master_replid: new at every start and promotion, and when its first replica comes. */
  replid: string
  open: boolean
}

interface Standing {
  epoch: Promise<Epoch>
  recovered: Map<number, Promise<void>>
}

export type ValueStore = Awaited<ReturnType<typeof openValueStore>>

/**
 * The value store (CountValueDB, CA-704): one Redis server, or a Cluster (CA-704A) when the URL names several hosts. Hands
 * out plain connections to the node that owns a shard, so that every caller sees MOVED, READONLY and lost connections
 * itself. Rejects with DeploymentMismatch; waits up to `waitMs` for a store that is not up yet, then StoreUnavailable.
 */
export async function openValueStore(
  settings: ValueStoreSettings,
  { log, recover, waitMs = 30_000 }: { log: Logger; recover?: Recover; waitMs?: number },
) {
  const topology = openTopology(settings.VALUE_REDIS_URL, log, settings.VALUE_REPLICA_REDIS_URL)
  const { cluster } = topology
  const connections = new Map<string, Redis>()
  const standings = new WeakMap<Redis, Standing>()
  const keysOf = new Map<number, ShardKeys>()

  function connection(url: string, lane: string): Redis {
    const name = `${url} ${lane}`
    let redis = connections.get(name)
    if (!redis) {
      const made = connectRedis(url, { name: `count-${lane}`, log })
      if (cluster && lane === 'replica') made.on('ready', () => void made.call('READONLY').catch(() => {}))
      made.on('close', () => forget(made))
      connections.set(name, made)
      redis = made
    }
    return redis
  }

  function forget(redis: Redis): void {
    standings.get(redis)?.epoch.then(
      (epoch) => {
        epoch.open = false
      },
      () => {},
    )
    standings.delete(redis)
  }

  function primary(shard: number, lane = 'value'): Redis {
    const url = topology.primary(shard)
    if (!url) throw new StoreUnavailable('no node serves the shard')
    return connection(url, lane)
  }

  function replica(shard: number): Redis | undefined {
    const url = topology.replicas(shard)[0]
    return url === undefined ? undefined : connection(url, 'replica')
  }

  function keys(shard: number): ShardKeys {
    let found = keysOf.get(shard)
    if (!found) {
      found = shardKeys(shard)
      keysOf.set(shard, found)
    }
    return found
  }

  async function replidOf(redis: Redis): Promise<string> {
    const info = await redis.info('replication')
    if (!/^role:master/m.test(info)) throw new StoreUnavailable('the node is not a primary')
    return info.match(/^master_replid:(\w+)/m)?.[1] ?? ''
  }

  async function meet(redis: Redis): Promise<Epoch> {
    const epoch = { redis, replid: '', open: true }
    redis.once('close', () => {
      epoch.open = false
    })
    epoch.replid = await replidOf(redis)
    return epoch
  }

  /**
   * Who recovers looks each second whether a primary bears another replid: its first replica gives it one while every
   * connection stands, and who meets it afterwards would wait for a recovery that nobody begins.
   */
  async function look(redis: Redis): Promise<void> {
    const epoch = await standings.get(redis)?.epoch
    if (epoch && (await replidOf(redis)) !== epoch.replid) forget(redis)
  }
  const looking =
    recover &&
    setInterval(() => {
      for (const redis of connections.values()) look(redis).catch(() => {})
    }, 1000)

  async function recovered(shard: number, epoch: Epoch): Promise<void> {
    if ((await epoch.redis.get(keys(shard).recovered)) === epoch.replid) return
    if (!recover) {
      // The primary may have another replid by now: it is asked anew next time.
      forget(epoch.redis)
      throw new StoreUnavailable('the shard waits for recovery')
    }
    await recover(shard, epoch.redis, epoch.replid)
  }

  /**
   * The shard's primary, found to be one and recovered. Every writing script goes over such a connection only.
   * @param lane Name of the connection; callers that may block it (WAIT) use one of their own.
   * Rejects with StoreUnavailable while the primary is away or not recovered, after `waitMs` at most to connect.
   */
  async function epoch(shard: number, lane = 'value', waitMs = 1000): Promise<Epoch> {
    try {
      const redis = primary(shard, lane)
      await untilReady(redis, waitMs)
      let standing = standings.get(redis)
      if (!standing) {
        standing = { epoch: meet(redis), recovered: new Map() }
        standings.set(redis, standing)
        standing.epoch.catch(() => forget(redis))
      }
      const epoch = await standing.epoch
      let ready = standing.recovered.get(shard)
      if (!ready) {
        const { recovered: shards } = standing
        ready = recovered(shard, epoch)
        shards.set(shard, ready)
        ready.catch(() => shards.delete(shard))
      }
      await ready
      return epoch
    } catch (error) {
      void topology.refresh()
      if (error instanceof StoreUnavailable) throw error
      throw new StoreUnavailable(error instanceof Error ? error.message : String(error))
    }
  }

  /** To be told of READONLY, MOVED or `unrecovered`: what was found out about the shard's primary is asked anew. */
  async function doubt(epoch: Epoch): Promise<void> {
    epoch.open = false
    standings.delete(epoch.redis)
    await topology.refresh()
  }

  async function settle(): Promise<{ shards: number; zone: string }> {
    await topology.refresh()
    const redis = primary(0)
    await untilReady(redis, 1000)
    const wanted = { shards: settings.SHARDS ?? (cluster ? 64 : 4), zone: settings.TIME_ZONE ?? 'UTC' }
    await redis.call('HSETNX', [deploymentKeys.settings, 'shards', wanted.shards]).catch(readOnly)
    await redis.call('HSETNX', [deploymentKeys.settings, 'zone', wanted.zone]).catch(readOnly)
    const [shards, zone] = await redis.hmget(deploymentKeys.settings, 'shards', 'zone')
    if (!shards || !zone) throw new Error('the store has no settings yet')
    const faults = [
      settings.SHARDS !== undefined && settings.SHARDS !== Number(shards) && `SHARDS is ${shards} there`,
      settings.TIME_ZONE !== undefined && settings.TIME_ZONE !== zone && `TIME_ZONE is ${zone} there`,
    ].filter(Boolean)
    if (faults.length > 0)
      throw new DeploymentMismatch(`the value store was set up otherwise: ${faults.join(', ')}`)
    return { shards: Number(shards), zone }
  }

  async function close(): Promise<void> {
    clearInterval(looking)
    for (const redis of connections.values()) redis.disconnect()
    topology.close()
  }

  const until = Date.now() + waitMs
  for (;;) {
    try {
      const { shards, zone } = await settle()
      return {
        shards,
        zone,
        shardOf: (id: string) => shardOf(id, shards),
        keys,
        primary,
        replica,
        epoch,
        /** Where the embedded event bus is. */
        stream: { primary: () => primary(0, 'events'), refresh: topology.refresh },
        /** The connection alone; see `epoch`. */
        writable: async (shard: number): Promise<Redis> => (await epoch(shard)).redis,
        doubt,
        /** Asks a Cluster anew who owns what: for readers, after MOVED or when a node is away. */
        refresh: topology.refresh,
        close,
      }
    } catch (error) {
      if (error instanceof DeploymentMismatch || Date.now() > until) {
        await close()
        throw error
      }
      await delay(200)
    }
  }
}

function readOnly(error: Error): void {
  if (!/^(READONLY|OOM)/.test(error.message)) throw error
}
