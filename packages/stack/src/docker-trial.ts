import { startContainer } from './docker-container.ts'
import { REDIS_IMAGE } from './docker-stores.ts'
import { freePort } from './ports.ts'
import { askRedis } from './redis-command.ts'

/** Runs a Redis in a container and speaks to it. @returns what went wrong, undefined when nothing did */
export async function tryImage(): Promise<string | undefined> {
  try {
    const port = await freePort()
    const trial = await startContainer({
      image: REDIS_IMAGE,
      label: `trial of process ${process.pid}`,
      command: ['redis-server', '--port', String(port), '--bind', '127.0.0.1', '--save', ''],
      binds: {},
      ready: async () => (await askRedis({ host: '127.0.0.1', port }, 'PING')) === 'PONG',
    })
    await trial.stop()
    return undefined
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}
