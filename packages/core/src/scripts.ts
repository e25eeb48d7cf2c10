import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import type { Writable } from 'node:stream'
import type { Cluster, Redis } from 'ioredis'

/** The verbs of the Lua core: one script in redis-scripts each, whose header is the contract. */
export type ScriptName =
  | 'cache_fill'
  | 'cache_invalidate'
  | 'cache_read'
  | 'count_apply'
  | 'count_create'
  | 'count_read'
  | 'count_remove'
  | 'count_restore'
  | 'count_update'
  | 'events_append'
  | 'history_import'
  | 'queue_ack'
  | 'queue_claim'
  | 'queue_renew'
  | 'recovery_finish'

const folder = dirname(createRequire(import.meta.url).resolve('@count/redis-scripts/package.json'))
const loaded = new Map<ScriptName, { source: string; sha: string }>()

function script(name: ScriptName) {
  let found = loaded.get(name)
  if (!found) {
    const source = readFileSync(join(folder, `${name}.lua`), 'utf8')
    found = { source, sha: createHash('sha1').update(source).digest('hex') }
    loaded.set(name, found)
  }
  return found
}

const packed = new WeakSet<Writable>()

/** Calls made in one go leave in one packet: fewer system calls here, one turn of the server's loop, one fsync for all. */
function packTurn(stream: Writable | undefined): void {
  if (!stream || packed.has(stream)) return
  packed.add(stream)
  stream.cork()
  process.nextTick(() => {
    packed.delete(stream)
    stream.uncork()
  })
}

/**
 * Runs a script by its digest, or whole where the server does not know it (NOSCRIPT, after every restart: nothing has run
 * then). Rejects with the server's error, or the connection's.
 */
export function callScript(
  redis: Redis | Cluster,
  name: ScriptName,
  keys: readonly string[],
  args: readonly (string | number)[],
): Promise<unknown> {
  const { source, sha } = script(name)
  if ('stream' in redis) packTurn(redis.stream)
  return redis.call('EVALSHA', [sha, keys.length, ...keys, ...args]).catch((error: Error) => {
    if (!error.message.startsWith('NOSCRIPT')) throw error
    return redis.call('EVAL', [source, keys.length, ...keys, ...args])
  })
}
