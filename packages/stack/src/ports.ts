import { once } from 'node:events'
import { createServer } from 'node:net'

// Below 32768 begin the ports that Linux hands to outgoing connections: a server there could find its own port
// taken by some client when it starts again.
const FIRST = 20_000
const LAST = 32_000

/**
 * Finds a TCP port of 127.0.0.1 that nobody listens on now; it may be taken before it is used, so try again then.
 * @param preferred taken when it is free
 */
export async function freePort(preferred?: number): Promise<number> {
  if (preferred !== undefined && (await isFree(preferred))) return preferred
  for (;;) {
    const port = FIRST + Math.floor(Math.random() * (LAST - FIRST))
    if (await isFree(port)) return port
  }
}

/** As many ports as that, each another. */
export async function freePorts(count: number): Promise<number[]> {
  const ports = new Set<number>()
  while (ports.size < count) ports.add(await freePort())
  return [...ports]
}

/** Whether a server could listen on this port of 127.0.0.1 now. */
export async function isFree(port: number): Promise<boolean> {
  const server = createServer()
  try {
    server.listen(port, '127.0.0.1')
    await once(server, 'listening')
    return true
  } catch {
    return false
  } finally {
    server.close()
  }
}

/**
 * Launches a server on this port or, when none is asked for, on a free one; another when somebody took it meanwhile.
 * @returns the port
 * @throws what `launch` throws
 */
export async function onPort(
  asked: number | undefined,
  launch: (port: number) => Promise<void>,
): Promise<number> {
  for (let attempt = 1; ; attempt++) {
    const port = asked ?? (await freePort())
    try {
      await launch(port)
      return port
    } catch (error) {
      if (asked !== undefined || attempt === 5 || !String(error).includes('Address already in use'))
        throw error
    }
  }
}
