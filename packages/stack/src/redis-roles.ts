import { totalmem } from 'node:os'
import type { RedisAddress } from './redis-command.ts'
import type { RedisSettings } from './redis-settings.ts'

type Role = Pick<RedisSettings, 'persistence' | 'maxmemory' | 'maxmemoryPolicy' | 'replicaOf'>

/** What distinguishes the three Redis servers of a stack. */
export const valueStoreRole = (): Role => ({
  persistence: 'always',
  maxmemory: String(
    Math.floor(Math.min(totalmem(), process.constrainedMemory() || Number.POSITIVE_INFINITY) / 2),
  ),
})
export const replicaRole = (primary: RedisAddress): Role => ({ persistence: 'none', replicaOf: primary })
export const cacheRole = (): Role => ({
  persistence: 'none',
  maxmemoryPolicy: 'allkeys-lru',
  maxmemory: '256mb',
})
