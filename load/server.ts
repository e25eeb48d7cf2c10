import { spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { freePort } from '@count/stack/ports'
import type { StoreAddresses } from '@count/stack/store-addresses'
import { until } from '@count/stack/until'
import { z } from 'zod'

/** A running `npm start`, with what it takes to use it. */
export interface Server {
  url: string
  apiKey: string
  admin: { username: string; password: string }
  /** variable → address, as in stores.json; empty when that is not known */
  stores: StoreAddresses
  /** of the server's process, when we started it */
  pid?: number
}

const credentials = z.object({
  url: z.url(),
  apiKey: z.string(),
  admin: z.object({ username: z.string(), password: z.string() }),
})

const root = join(import.meta.dirname, '..')
const startDeadlineMs = 300_000
const stopDeadlineMs = 15_000

/**
 * The server to use when there is one: COUNT_URL and COUNT_CREDENTIALS (path of a credentials.json, whose url COUNT_URL
 * replaces), else what credentials.json in DATA_DIR (`.data`) names, if it answers.
 * @throws when one of the variables is given and does not lead to a server
 */
export async function givenServer(env: NodeJS.ProcessEnv = process.env): Promise<Server | undefined> {
  const asked = Boolean(env.COUNT_URL || env.COUNT_CREDENTIALS)
  const file = env.COUNT_CREDENTIALS || join(root, env.DATA_DIR || '.data', 'credentials.json')
  try {
    const known = credentials.parse(JSON.parse(await readFile(file, 'utf8')))
    const url = (env.COUNT_URL || known.url).replace(/\/+$/, '')
    await fetch(`${url}/livez`, { signal: AbortSignal.timeout(2000) })
    return { ...known, url, stores: await storesBeside(file) }
  } catch (error) {
    if (asked)
      throw new Error(`no server to use by COUNT_URL and COUNT_CREDENTIALS (${file})`, { cause: error })
    return undefined
  }
}

const storesBeside = async (file: string): Promise<StoreAddresses> =>
  readFile(join(dirname(file), 'stores.json'), 'utf8').then(JSON.parse, () => ({}))

export interface StartOptions {
  /** Have Kafka as the event bus: the one of KAFKA_BROKERS, else one of its own. */
  kafka?: boolean
}

/**
 * Starts `npm start`'s server on a free port with its own stores in a temporary DATA_DIR, whatever stores the environment
 * names; stopped and removed by `closing`.
 * @throws with the end of its log when it does not start
 */
export async function startServer(
  closing: AsyncDisposableStack,
  { kafka = false }: StartOptions = {},
): Promise<Server> {
  const dataDir = await mkdtemp(join(tmpdir(), 'count-load-'))
  closing.defer(() => rm(dataDir, { recursive: true, force: true }))
  // PostgreSQL runs as another user when we are root, and passes through.
  await chmod(dataDir, 0o711)
  const log = join(dataDir, 'server.log')
  const port = await freePort()
  const env = {
    ...withoutStores(process.env),
    DATA_DIR: dataDir,
    HOST: '127.0.0.1',
    PORT: String(port),
    LOG_LEVEL: 'warn',
  }
  const brokers = kafka && process.env.KAFKA_BROKERS ? { KAFKA_BROKERS: process.env.KAFKA_BROKERS } : {}
  const command = [join(root, 'scripts/run.sh'), 'packages/stack/src/start.ts', ...(kafka ? ['--kafka'] : [])]
  const output = openSync(log, 'a')
  const child = spawn('sh', command, {
    cwd: root,
    env: { ...env, ...brokers },
    stdio: ['ignore', output, output],
  })
  closeSync(output)
  const exited = new Promise<void>((resolve) =>
    child.once('exit', () => resolve()).once('error', () => resolve()),
  )
  const running = () => child.exitCode === null && child.signalCode === null
  closing.defer(async () => {
    if (!running()) return
    child.kill('SIGTERM')
    const ended = await Promise.race([exited.then(() => true), delay(stopDeadlineMs, false, { ref: false })])
    if (!ended) child.kill('SIGKILL')
    await exited
  })

  const ready = async () => !running() || (await fetch(`http://127.0.0.1:${port}/readyz`)).ok
  const file = join(dataDir, 'credentials.json')
  try {
    await until('the server to be ready', ready, { deadlineMs: startDeadlineMs, everyMs: 100 })
    if (!running()) throw new Error('it ended at once')
    const known = await until('credentials.json', async () =>
      credentials.parse(JSON.parse(await readFile(file, 'utf8'))),
    )
    return { ...known, url: `http://127.0.0.1:${port}`, stores: await storesBeside(file), pid: child.pid }
  } catch (cause) {
    throw new Error(`the server did not start; the end of its log:\n${await lastLines(log)}`, { cause })
  }
}

/** The environment without the stores that it names: what is measured must not be somebody's data. */
const withoutStores = (env: NodeJS.ProcessEnv): NodeJS.ProcessEnv =>
  Object.fromEntries(
    Object.entries(env).filter(
      ([name]) => !/_(REDIS|DATABASE|MIGRATION)_URL$|^KAFKA_BROKERS$|^SHARDS$/.test(name),
    ),
  )

const lastLines = async (file: string) =>
  (await readFile(file, 'utf8').catch(() => '')).trimEnd().split('\n').slice(-20).join('\n')
