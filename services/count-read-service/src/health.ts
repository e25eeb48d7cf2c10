import type { HealthCheck } from '@count/core/health'
import type { ValueStore } from '@count/core/value-store'
import type { Redis } from 'ioredis'

/** Values can be read while each shard's primary or replica answers; that only one of them does is told too. */
export function storeChecks(store: ValueStore): HealthCheck[] {
  const shards = [...Array(store.shards).keys()]
  const primary = (shard: number) => ping(store.primary(shard, 'read'))
  const replica = (shard: number) => ping(store.replica(shard))
  const all = async (one: (shard: number) => Promise<void>) => void (await Promise.all(shards.map(one)))
  const checks: HealthCheck[] = [
    {
      name: 'value-store',
      critical: true,
      check: () => all(async (shard) => Promise.any([primary(shard), replica(shard)])),
    },
  ]
  if (shards.every((shard) => store.replica(shard) === undefined)) return checks
  return [
    ...checks,
    { name: 'value-primary', critical: false, check: () => all(primary) },
    { name: 'value-replica', critical: false, check: () => all(replica) },
  ]
}

async function ping(redis: Redis | undefined): Promise<void> {
  if (!redis) throw new Error('there is none')
  await redis.ping()
}
