import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { spawnServer } from '@count/stack/child-server'
import { onPort } from '@count/stack/ports'
import { findProgram } from '@count/stack/programs'
import type { RedisServer } from '@count/stack/redis-server'
import { keep } from '../closing.ts'

/** Starts webdis, an HTTP front of Redis in C, before this Redis. @returns its address; undefined when it is not installed */
export async function startWebdis(
  closing: AsyncDisposableStack,
  redis: RedisServer,
): Promise<string | undefined> {
  const program = findProgram('webdis')
  if (!program) return undefined
  const dir = await mkdtemp(join(tmpdir(), 'webdis-'))
  closing.defer(() => rm(dir, { recursive: true, force: true }))
  const config = join(dir, 'webdis.json')
  const port = await onPort(undefined, async (http_port) => {
    const settings = {
      redis_host: redis.host,
      redis_port: redis.port,
      http_host: '127.0.0.1',
      http_port,
      threads: 2,
      daemonize: false,
      database: 0,
      verbosity: 1,
      logfile: join(dir, 'webdis.log'),
    }
    await writeFile(config, JSON.stringify(settings))
    const starting = spawnServer({
      command: program,
      args: [config],
      cwd: dir,
      logFile: join(dir, 'output.log'),
    })
    const server = await keep(closing, starting, (started) => started.stop('SIGTERM', 2000))
    await server.ready(async () => (await fetch(`http://127.0.0.1:${http_port}/PING`)).ok, 10_000)
  })
  return `http://127.0.0.1:${port}`
}
