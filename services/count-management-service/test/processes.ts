import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { freePort } from '@count/stack/ports'
import { until } from '@count/stack/until'
import { serviceToken, type World } from './world.ts'

export interface ServiceProcess {
  url: string
  /** Kills it, as by `kill -9`; ends when it has ended. */
  kill(): Promise<void>
}

/** Services as processes of their own, on the stores of a world; `end` kills those that are left. */
export function openProcesses(world: World) {
  const running = new Set<ServiceProcess>()

  async function start(service: 'count-management-service' | 'count-write-service'): Promise<ServiceProcess> {
    const port = await freePort()
    const { drop, ...urls } = world.databases
    const child: ChildProcess = spawn(
      process.execPath,
      [join(import.meta.dirname, `../../${service}/src/server.ts`)],
      {
        env: {
          ...process.env, ...urls, VALUE_REDIS_URL: world.value.url, CACHE_REDIS_URL: world.cache.url,
          SERVICE_TOKEN: serviceToken, HOST: '127.0.0.1', PORT: String(port), LOG_LEVEL: 'error',
        }, // biome-ignore format: a table
        stdio: ['ignore', 'ignore', 'inherit'],
      },
    )
    const url = `http://127.0.0.1:${port}`
    const started = {
      url,
      async kill() {
        running.delete(started)
        if (child.exitCode !== null || child.signalCode !== null) return
        child.kill('SIGKILL')
        await once(child, 'exit')
      },
    }
    running.add(started)
    await until(service, async () => (await fetch(`${url}/livez`).catch(() => undefined))?.ok)
    return started
  }

  return {
    start,
    async end() {
      for (const one of running) await one.kill()
    },
  }
}
