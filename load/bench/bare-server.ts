import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { spawnServer } from '@count/stack/child-server'
import { onPort } from '@count/stack/ports'
import { keep } from '../closing.ts'

/** Starts load/bare.ts as a process of its own, letting this key in. @returns its address */
export async function startBare(closing: AsyncDisposableStack, apiKey: string): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'bare-'))
  closing.defer(() => rm(dir, { recursive: true, force: true }))
  const program = join(import.meta.dirname, '../bare.ts')
  const port = await onPort(undefined, async (port) => {
    const starting = spawnServer({
      command: process.execPath,
      args: [program],
      cwd: dir,
      logFile: join(dir, 'bare.log'),
      env: { ...process.env, PORT: String(port), BARE_KEY: apiKey },
    })
    const server = await keep(closing, starting, (started) => started.stop('SIGTERM', 10_000))
    await server.ready(async () => (await fetch(`http://127.0.0.1:${port}/livez`)).ok, 30_000)
  })
  return `http://127.0.0.1:${port}`
}
