import { once } from 'node:events'
import { statSync } from 'node:fs'
import { createConnection, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'

/**
 * Makes this process the one that uses a directory, until `release` or its end, however it ends.
 * @throws naming the process that uses it already
 */
export async function lockDirectory(dir: string): Promise<{ release(): void }> {
  const { dev, ino } = statSync(dir)
  const name = `count-${dev}-${ino}`
  // Linux's abstract sockets leave no file that a killed process could leave behind.
  const path = process.platform === 'linux' ? `\0${name}` : join(tmpdir(), `${name}.sock`)
  const server = createServer((connection) => {
    connection.on('error', () => {})
    connection.end(String(process.pid))
  })
  server.listen(path)
  try {
    await once(server, 'listening')
  } catch (cause) {
    const holder = await text(createConnection(path)).catch(() => 'unknown')
    throw new Error(`${dir} is in use by another server (process ${holder})`, { cause })
  }
  server.unref()
  return { release: () => server.close() }
}
