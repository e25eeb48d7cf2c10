import { randomBytes } from 'node:crypto'
import { chown, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { type ChildServer, spawnServer } from './child-server.ts'
import { onPort } from './ports.ts'
import { canEnter, fallbackDirectory, postgresAccount, postgresBinaries } from './postgres-binaries.ts'
import { ensureData, forgetStranger, isReady } from './postgres-data.ts'

export type PostgresOptions = {
  /** holds the data below `data`; absent: a temporary one, removed by `stop` */
  dir?: string
  port?: number
  /** of the superuser `postgres`, set when the data is first made; absent: a random one */
  password?: string
  /** false: no fsync, for tests whose data may be lost with the machine */
  durable?: boolean
  detached?: boolean
  logFile?: string
  pidFile?: string
  /** more of postgres's arguments, as in `['-c', 'log_statement=all']` */
  args?: string[]
}

export type PostgresServer = {
  /** of the superuser, database `postgres` */
  url: string
  host: string
  port: number
  password: string
  dir: string
  readonly pid: number
  readonly exited: Promise<void>
  /** Sends a signal; after SIGKILL, awaits the end. */
  kill(signal: NodeJS.Signals): Promise<void>
  /** Fast shutdown: open transactions are rolled back; by force after 4 s. */
  stop(): Promise<void>
  /** Ends it if it runs, and starts it on the same port and data. */
  restart(): Promise<void>
}

const HOST = '127.0.0.1'
const RECOVERY_DEADLINE_MS = 120_000

/**
 * Where PostgreSQL can live for this directory: itself, or, where the account that runs it cannot enter (below root's
 * home, mode 700), a directory of this name under /var/lib/count.
 */
export async function postgresHome(dir: string, fallbackName: string): Promise<string> {
  await mkdir(dir, { recursive: true })
  return canEnter(postgresAccount(), dirname(dir)) ? dir : await fallbackDirectory(fallbackName)
}

/**
 * Starts PostgreSQL (UTF-8, C.UTF-8, scram) on 127.0.0.1, making its data directory first when there is none, and
 * awaits that it takes connections.
 * @throws with the end of its log when it does not
 */
export async function startPostgres(options: PostgresOptions = {}): Promise<PostgresServer> {
  const account = postgresAccount()
  const binaries = await postgresBinaries(account)
  const dir = options.dir ?? (await mkdtemp(join(tmpdir(), 'postgres-')))
  const password = options.password ?? randomBytes(24).toString('hex')
  const data = join(dir, 'data')
  const logFile = options.logFile ?? join(dir, 'postgres.log')
  const durable = options.durable ?? true
  let child: ChildServer

  async function launch(port: number): Promise<void> {
    await forgetStranger(data)
    const settings = [
      'listen_addresses=127.0.0.1',
      'unix_socket_directories=',
      'max_connections=200',
      ...(durable ? [] : ['fsync=off', 'synchronous_commit=off', 'full_page_writes=off']),
    ]
    const args = [
      '-D',
      data,
      '-p',
      String(port),
      ...settings.flatMap((one) => ['-c', one]),
      ...(options.args ?? []),
    ]
    const { detached, pidFile } = options
    child = await spawnServer({
      command: join(binaries, 'postgres'),
      args,
      cwd: dir,
      logFile,
      pidFile,
      detached,
      ...account,
    })
    const { pid } = child
    await child.ready(() => isReady(data, pid), RECOVERY_DEADLINE_MS)
  }

  await mkdir(dir, { recursive: true })
  if (account.uid !== undefined) await chown(dir, account.uid, account.gid as number)
  await ensureData({ binaries, account, data, password, durable })
  const launchAlone = (port: number) => afterOrphans(() => launch(port))
  const port = await onPort(options.port, launchAlone)

  const stopProcess = () => child.stop('SIGINT', 4_000)
  return {
    url: `postgres://postgres:${password}@${HOST}:${port}/postgres`,
    host: HOST,
    port,
    password,
    dir,
    get pid() {
      return child.pid
    },
    get exited() {
      return child.exited
    },
    kill: (signal) => child.kill(signal),
    async stop() {
      await stopProcess()
      if (options.dir === undefined) await rm(dir, { recursive: true, force: true })
    },
    async restart() {
      await stopProcess()
      await launchAlone(port)
    },
  }
}

/**
 * The backends of a server that was killed end a moment after it; until then no other may start on their data.
 * @param launch is repeated while it fails for that reason, for 10 s
 */
async function afterOrphans(launch: () => Promise<void>): Promise<void> {
  const end = performance.now() + 10_000
  for (;;) {
    try {
      return await launch()
    } catch (error) {
      if (!String(error).includes('is still in use') || performance.now() > end) throw error
      await delay(100)
    }
  }
}
