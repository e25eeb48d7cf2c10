import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { parseEnv, promisify } from 'node:util'
import type { Server } from './server.ts'

const root = join(import.meta.dirname, '..')

/** @returns what `docker compose` printed @throws with what it complained of */
export async function compose(...args: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)('docker', ['compose', ...args], {
    cwd: root,
    maxBuffer: 64 << 20,
  })
  return stdout
}

/** The system that `docker compose up` started, by its .env. From here on this process trusts the gateway's own authority. */
export async function composeServer(): Promise<Server> {
  const env = parseEnv(await readFile(join(root, '.env'), 'utf8')) as Record<string, string>
  const authority = '/data/caddy/pki/authorities/local/root.crt'
  setDefaultCACertificates([...getCACertificates(), await compose('exec', '-T', 'gateway', 'cat', authority)])
  return {
    url: `https://${env.COUNT_HOST}:${env.COUNT_PORT}`,
    apiKey: env.API_KEY as string,
    admin: { username: env.ADMIN_USERNAME as string, password: env.ADMIN_PASSWORD as string },
    stores: {},
  }
}
