import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { findJava } from './binaries.ts'
import { type ChildServer, spawnServer } from './child-server.ts'
import { kafkaAnswers } from './kafka-answers.ts'
import { kafkaJars } from './kafka-jars.ts'
import { freePort, onPort } from './ports.ts'

export type KafkaOptions = {
  /** holds the log; absent: a temporary one, removed by `stop` */
  dir?: string
  port?: number
  detached?: boolean
  logFile?: string
  pidFile?: string
  /** one more listener: TLS with this PEM certificate and key, SASL PLAIN with these users (name: password) */
  secure?: { port: number; cert: string; key: string; users: Record<string, string> }
}

export type KafkaServer = {
  /** as in KAFKA_BROKERS */
  brokers: string
  host: string
  port: number
  dir: string
  readonly pid: number
  readonly exited: Promise<void>
  running(): boolean
  /** Sends a signal; after SIGKILL, awaits the end. */
  kill(signal: NodeJS.Signals): Promise<void>
  pause(): Promise<void>
  resume(): Promise<void>
  /** Ends it cleanly, by force after 4 s (what it has not synchronised it recovers from its log). */
  stop(): Promise<void>
  /** Ends it if it runs, and starts it on the same port and data. */
  restart(): Promise<void>
}

const HOST = '127.0.0.1'
const START_DEADLINE_MS = 90_000
const run = promisify(execFile)

/**
 * Starts one Kafka broker (KRaft, broker and controller in one) on 127.0.0.1, and awaits that it answers.
 * @throws with the end of its log when it does not
 */
export async function startKafka(options: KafkaOptions = {}): Promise<KafkaServer> {
  const java = await findJava()
  const jars = await kafkaJars()
  const dir = options.dir ?? (await mkdtemp(join(tmpdir(), 'kafka-')))
  const logFile = options.logFile ?? join(dir, 'kafka.log')
  const settingsFile = join(dir, 'server.properties')
  const { detached, pidFile } = options
  const command = (main: string, ...args: string[]) => [
    '-Xmx512m',
    '-XX:TieredStopAtLevel=1',
    '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn',
    '-cp',
    join(jars, '*'),
    main,
    ...args,
  ]
  let child: ChildServer

  async function launch(port: number): Promise<void> {
    const all = settings(join(dir, 'log'), port, await freePort())
    await writeFile(settingsFile, options.secure ? secured(all, options.secure) : all, { mode: 0o600 })
    await format()
    const args = command('kafka.Kafka', settingsFile)
    child = await spawnServer({ command: java, args, cwd: dir, logFile, pidFile, detached })
    await child.ready(() => kafkaAnswers(HOST, port), START_DEADLINE_MS)
  }

  /** Gives the log directory its cluster id; nothing when it has one. */
  async function format(): Promise<void> {
    if (await readFile(join(dir, 'log/meta.properties')).catch(() => null)) return
    // One word with its option: an id may begin with a dash.
    const id = `--cluster-id=${randomBytes(16).toString('base64url')}`
    await run(
      java,
      command('kafka.tools.StorageTool', 'format', id, '-c', settingsFile, '--ignore-formatted'),
    )
  }

  await mkdir(dir, { recursive: true, mode: 0o700 })
  const port = await onPort(options.port, launch)
  const stopProcess = () => child.stop('SIGTERM', 4_000)
  return {
    brokers: `${HOST}:${port}`,
    host: HOST,
    port,
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
  }
}

const settings = (log: string, port: number, controllerPort: number) => `
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@${HOST}:${controllerPort}
listeners=PLAINTEXT://${HOST}:${port},CONTROLLER://${HOST}:${controllerPort}
advertised.listeners=PLAINTEXT://${HOST}:${port}
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
log.dirs=${log.replaceAll('\\', '\\\\')}
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
group.initial.rebalance.delay.ms=0
# A broker that was killed waits for its own old session to end before it is taken back.
broker.session.timeout.ms=2000
broker.heartbeat.interval.ms=500
# Fewer than the default 50: a single broker opens files for each.
offsets.topic.num.partitions=4
transaction.state.log.num.partitions=4
`

/** The settings with a listener for TLS and SASL beside the plain one. */
function secured(all: string, { port, cert, key, users }: NonNullable<KafkaOptions['secure']>): string {
  const line = (pem: string) => pem.trim().replaceAll(/\r?\n/g, '\\n')
  const accounts = Object.entries(users).map(([name, password]) => `user_${name}="${password}"`)
  return `${all
    .replace(/^listeners=.*/m, `$&,SECURE://${HOST}:${port}`)
    .replace(/^advertised.listeners=.*/m, `$&,SECURE://${HOST}:${port}`)
    .replace(/^listener.security.protocol.map=.*/m, '$&,SECURE:SASL_SSL')}
sasl.enabled.mechanisms=PLAIN
listener.name.secure.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required ${accounts.join(' ')};
listener.name.secure.ssl.keystore.type=PEM
listener.name.secure.ssl.keystore.certificate.chain=${line(cert)}
listener.name.secure.ssl.keystore.key=${line(key)}
`
}
