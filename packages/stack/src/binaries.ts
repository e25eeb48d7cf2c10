import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { aptInstall, canInstall, disableService } from './apt.ts'
import { findProgram } from './programs.ts'

const run = promisify(execFile)

type Wanted = {
  program: string
  /** Debian's package of it */
  package: string
  oldest: { major: number; args: string[]; pattern: RegExp }
  /** what else the user can do */
  otherwise: string
  /** what its package would start with the machine */
  service?: string
}

const REDIS: Wanted = {
  program: 'redis-server',
  package: 'redis-server',
  // The scripts declare flags, which came with 7.0.
  oldest: { major: 7, args: ['--version'], pattern: /v=(\d+)/ },
  otherwise: 'put redis-server 7 or later on PATH, or give VALUE_REDIS_URL and CACHE_REDIS_URL',
  service: 'redis-server',
}

const JAVA: Wanted = {
  program: 'java',
  package: 'default-jre-headless',
  oldest: { major: 17, args: ['-version'], pattern: /version "(\d+)/ },
  otherwise: 'put Java 17 or later on PATH, or give KAFKA_BROKERS',
}

const MAVEN: Wanted = {
  program: 'mvn',
  package: 'maven',
  oldest: { major: 3, args: ['--version'], pattern: /Apache Maven (\d+)/ },
  otherwise: 'put Maven 3 or later on PATH, or give KAFKA_BROKERS',
}

const CADDY: Wanted = {
  program: 'caddy',
  package: 'caddy',
  oldest: { major: 2, args: ['version'], pattern: /^v?(\d+)/ },
  otherwise: 'put Caddy 2 on PATH',
  service: 'caddy',
}

const PROMTOOL: Wanted = {
  program: 'promtool',
  package: 'prometheus',
  oldest: { major: 2, args: ['--version'], pattern: /version (\d+)/ },
  otherwise: "put promtool, Prometheus' tool, on PATH",
  service: 'prometheus',
}

const found = new Map<string, Promise<string>>()

/** The path of redis-server, installed when missing and possible. @throws telling what the user can do */
export const findRedisServer = (): Promise<string> => find(REDIS)
/** The path of java, installed when missing and possible. @throws telling what the user can do */
export const findJava = (): Promise<string> => find(JAVA)
/** The path of Maven's mvn, installed when missing and possible. @throws telling what the user can do */
export const findMaven = (): Promise<string> => find(MAVEN)
/** The path of caddy, installed when missing and possible. @throws telling what the user can do */
export const findCaddy = (): Promise<string> => find(CADDY)
/** The path of promtool, installed when missing and possible. @throws telling what the user can do */
export const findPromtool = (): Promise<string> => find(PROMTOOL)

function find(wanted: Wanted): Promise<string> {
  const already = found.get(wanted.program)
  if (already) return already
  const finding = search(wanted)
  found.set(wanted.program, finding)
  // A user who installs it meanwhile need not start again.
  finding.catch(() => found.delete(wanted.program))
  return finding
}

async function search(wanted: Wanted): Promise<string> {
  const { program, oldest } = wanted
  if (!findProgram(program) && canInstall()) await install(wanted)
  const path = findProgram(program)
  if (!path) throw new Error(`${program} is missing: ${wanted.otherwise}`)
  const { stdout, stderr } = await run(path, oldest.args)
  const major = Number((stdout + stderr).match(oldest.pattern)?.[1])
  if (major < oldest.major) throw new Error(`${path} is version ${major}: ${wanted.otherwise}`)
  return path
}

async function install(wanted: Wanted): Promise<void> {
  process.stderr.write(`installing ${wanted.package} with apt-get, once\n`)
  await aptInstall([wanted.package])
  if (wanted.service) await disableService(wanted.service)
}
