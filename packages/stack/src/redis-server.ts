import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findRedisServer } from './binaries.ts'
import { type ChildServer, spawnServer } from './child-server.ts'
import { freePort, onPort } from './ports.ts'
import { type RedisAddress, redisInfo } from './redis-command.ts'
import { redisSettings } from './redis-settings.ts'
import { until } from './until.ts'

export type RedisOptions = {
  /** holds redis.conf and the data; absent: a temporary one, removed by `stop` */
  dir?: string
  /** absent: a free one; taken by someone else: the start fails */
  port?: number
  binary?: string
  persistence: 'always' | 'everysec' | 'none'
  replicaOf?: RedisAddress
  maxmemoryPolicy?: string
  maxmemory?: string
  password?: string
  /** more of redis-server's arguments, as in `['--maxclients', '10']` */
  args?: string[]
  detached?: boolean
  logFile?: string
  pidFile?: string
  cluster?: boolean
}

export type RedisServer = {
  url: string
  host: string
  port: number
  password?: string
  dir: string
  /** of the process that runs now, or ran last */
  readonly pid: number
  /** resolves when the process that runs now has ended */
  readonly exited: Promise<void>
  running(): boolean
  /** Sends a signal; after SIGKILL, awaits the end. */
  kill(signal: NodeJS.Signals): Promise<void>
  /** SIGSTOP: connections stay open and nothing answers. */
  pause(): Promise<void>
  resume(): Promise<void>
  /** Ends it cleanly, by force after 4 s. */
  stop(): Promise<void>
  /** Ends it if it runs, and starts it on the same port and data. */
  restart(): Promise<void>
  /** A lost disk: kills it, deletes its data and starts it empty on the same port. */
  wipe(): Promise<void>
  /** For a replica: awaits its first synchronisation (20 s). */
  linked(): Promise<void>
}

const HOST = '127.0.0.1'
const LOADING_DEADLINE_MS = 120_000

/**
 * Starts a redis-server on 127.0.0.1 and awaits that it answers and has loaded its data.
 * @throws with the end of its log when it does not
 */
export async function startRedis(options: RedisOptions): Promise<RedisServer> {
  const binary = options.binary ?? (await findRedisServer())
  const dir = options.dir ?? (await mkdtemp(join(tmpdir(), 'redis-')))
  await mkdir(dir, { recursive: true, mode: 0o700 })
  const { password, detached, pidFile } = options
  const logFile = options.logFile ?? join(dir, 'redis.log')
  let child: ChildServer

  async function launch(port: number): Promise<void> {
    const file = join(dir, 'redis.conf')
    const clusterPort = options.cluster ? await freePort() : undefined
    await writeFile(file, redisSettings({ ...options, dir, port, clusterPort }), { mode: 0o600 })
    const args = [file, ...(options.args ?? [])]
    child = await spawnServer({ command: binary, args, cwd: dir, logFile, pidFile, detached })
    const { pid } = child
    // Asking for the process id too: another Redis may hold this port.
    const answers = async () =>
      (await redisInfo({ host: HOST, port, password }, 'server', 'process_id')) === String(pid) &&
      (await redisInfo({ host: HOST, port, password }, 'persistence', 'loading')) === '0'
    await child.ready(answers, LOADING_DEADLINE_MS)
  }

  const port = await onPort(options.port, launch)

  const stopProcess = () => child.stop('SIGTERM', 4_000)
  return {
    url: `redis://${password ? `:${encodeURIComponent(password)}@` : ''}${HOST}:${port}`,
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
    running: () => child.running(),
    kill: (signal) => child.kill(signal),
    pause: () => child.kill('SIGSTOP'),
    resume: () => child.kill('SIGCONT'),
    async stop() {
      await stopProcess()
      if (options.dir === undefined) await rm(dir, { recursive: true, force: true })
    },
    async restart() {
      await stopProcess()
      await launch(port)
    },
    async wipe() {
      await child.kill('SIGKILL')
      const data = (await readdir(dir)).filter((name) => !name.endsWith('.log') && name !== 'nodes.conf')
      await Promise.all(data.map((name) => rm(join(dir, name), { recursive: true })))
      await launch(port)
    },
    async linked() {
      const address = { host: HOST, port, password }
      const isUp = async () => (await redisInfo(address, 'replication', 'master_link_status')) === 'up'
      await until(`the replica on port ${port} to reach its primary`, isUp)
    },
  }
}
