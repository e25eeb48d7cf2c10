import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { findProgram } from '@count/stack/programs'
import type { RedisServer } from '@count/stack/redis-server'

const run = promisify(execFile)

export interface RawLoad {
  redis: RedisServer
  command: 'incr' | 'get'
  connections: number
  /** commands in flight on each connection */
  pipeline: number
  ids: number
  /** ends it */
  signal: AbortSignal
}

/** Commands a second that Redis itself takes from C clients (redis-benchmark); undefined when that is not installed. */
export async function measureRedis(
  { redis, command, connections, pipeline, ids, signal }: RawLoad,
  seconds: number,
): Promise<number | undefined> {
  const program = findProgram('redis-benchmark')
  if (!program) return undefined
  const requests = 60_000 * seconds * (pipeline > 1 ? 4 : 1)
  const options = [
    ...['-h', redis.host, '-p', String(redis.port), '-c', String(connections), '-P', String(pipeline)],
    ...['-n', String(requests), '-r', String(ids), '--csv', command, 'raw:__rand_int__'],
  ]
  const { stdout } = await run(program, options, { signal })
  const [, line = ''] = stdout.trim().split('\n')
  return Number(line.split(',')[1]?.replaceAll('"', ''))
}
