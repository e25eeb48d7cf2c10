import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'
import { type ChildServer, spawnServer } from '../src/child-server.ts'
import { freePort } from '../src/ports.ts'

const program = join(import.meta.dirname, '../src/start.ts')
const credentials = z.object({
  admin: z.object({ username: z.string(), password: z.string() }),
  apiKey: z.string(),
})

export interface Session {
  /** Of the cookie count_session. */
  cookie: string
  csrfToken: string
}

export type WholeSystem = Awaited<ReturnType<typeof startWholeSystem>>

type Credentials = z.output<typeof credentials>

/** A directory that the system's PostgreSQL, another user when we are root, passes through. */
export async function wholeSystemDir(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'whole-'))
  await chmod(dir, 0o711)
  return dir
}

/**
 * What `npm start` starts, in a process of its own on stores of its own, with its administrator signed in.
 * @param restored a directory whose `data` was restored from a backup, and the credentials that are in it
 */
export async function startWholeSystem(
  more: Record<string, string> = {},
  restored?: Credentials & { dir: string },
) {
  const dir = restored?.dir ?? (await wholeSystemDir())
  const dataDir = join(dir, 'data')
  const logFile = join(dir, 'server.log')
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  let server: ChildServer

  async function launch(): Promise<void> {
    const { PATH, HOME, TMPDIR } = process.env
    const env = {
      PATH,
      HOME,
      TMPDIR,
      DATA_DIR: dataDir,
      STACK: 'local',
      HOST: '127.0.0.1',
      PORT: String(port),
      LOG_LEVEL: 'warn',
      ...more,
    }
    server = await spawnServer({
      command: process.execPath,
      args: [program],
      cwd: dir,
      logFile,
      env,
    })
    await server.ready(async () => (await fetch(`${url}/readyz`)).ok, 90_000)
  }

  async function signIn(user: { username: string; password: string }): Promise<Session> {
    const response = await fetch(`${url}/api/v1/admin/session`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(user),
    })
    const { csrfToken } = z.object({ csrfToken: z.string() }).parse(await response.json())
    const [cookie = ''] = response.headers.getSetCookie()
    return { cookie: cookie.slice(cookie.indexOf('=') + 1, cookie.indexOf(';')), csrfToken }
  }

  await launch()
  const { admin, apiKey } =
    restored ?? credentials.parse(JSON.parse(await readFile(join(dataDir, 'credentials.json'), 'utf8')))
  const session = await signIn(admin)

  return {
    url,
    dir,
    dataDir,
    logFile,
    apiKey,
    admin,
    session,
    signIn,
    /** Calls as the administrator. */
    async post<T extends z.ZodType>(path: string, body: object, answer: T): Promise<z.output<T>> {
      const response = await fetch(`${url}${path}`, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          cookie: `count_session=${session.cookie}`,
          'x-csrf-token': session.csrfToken,
        },
        body: JSON.stringify(body),
      })
      return answer.parse(await response.json())
    },
    /** Kills a store that it started; it starts it again by itself. */
    async killStore(name: string): Promise<void> {
      process.kill(Number(await readFile(join(dataDir, 'run', `${name}.pid`), 'utf8')), 'SIGKILL')
    },
    /** Kills the services, and starts them again on what they left. */
    async killServices(): Promise<void> {
      await server.kill('SIGKILL')
      await launch()
    },
    async stop(): Promise<void> {
      await server.stop('SIGTERM', 15_000)
      await rm(dir, { recursive: true, force: true })
    },
  }
}
