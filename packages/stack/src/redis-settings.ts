import { join } from 'node:path'
import type { RedisAddress } from './redis-command.ts'

export type RedisSettings = {
  dir: string
  port: number
  persistence: 'always' | 'everysec' | 'none'
  maxmemoryPolicy?: string
  maxmemory?: string
  password?: string
  replicaOf?: RedisAddress
  clusterPort?: number
}

const quoted = (text: string) => `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`

/** The text of redis.conf. */
export function redisSettings(settings: RedisSettings): string {
  const { dir, port, persistence, password, replicaOf, clusterPort } = settings
  const masterPassword = replicaOf?.password ?? password
  return [
    'bind 127.0.0.1',
    `port ${port}`,
    `dir ${quoted(dir)}`,
    // The file's path stays on the command line: by it a later start recognises a server that was left running.
    'proc-title-template "{title} {config-file}"',
    'save ""',
    persistence === 'none' ? 'appendonly no' : `appendonly yes\nappendfsync ${persistence}`,
    `maxmemory-policy ${settings.maxmemoryPolicy ?? 'noeviction'}`,
    settings.maxmemory && `maxmemory ${settings.maxmemory}`,
    // A field of a count's history is a block of buckets.
    'hash-max-listpack-value 512',
    // A field of a longer list is found by reading half of it: queues and answers have many.
    'hash-max-listpack-entries 64',
    // A generation of idempotency answers expires as one large hash.
    'lazyfree-lazy-expire yes',
    // Readers judge a replica's lag by its last word from the primary, which by default comes each 10 s.
    'repl-ping-replica-period 1',
    'repl-diskless-sync-delay 0',
    'shutdown-timeout 1',
    password && `requirepass ${quoted(password)}`,
    masterPassword && `masterauth ${quoted(masterPassword)}`,
    replicaOf && `replicaof ${replicaOf.host} ${replicaOf.port}`,
    clusterPort &&
      [
        'cluster-enabled yes',
        `cluster-config-file ${quoted(join(dir, 'nodes.conf'))}`,
        `cluster-port ${clusterPort}`,
        'cluster-node-timeout 2000',
      ].join('\n'),
  ]
    .filter(Boolean)
    .join('\n')
}
