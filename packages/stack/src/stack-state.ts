import { randomBytes } from 'node:crypto'
import { readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Passwords, randomPasswords } from '@count/core/databases'
import { freePort } from './ports.ts'

export type StoreName = 'value' | 'replica' | 'cache' | 'postgres' | 'kafka'

/** What the stores keep from one start to the next, in `$DATA_DIR/stack.json`. */
export type StackState = {
  ports: Partial<Record<StoreName, number>>
  /** of the roles in PostgreSQL, and `redis`, `superuser` */
  passwords: Passwords & { redis: string; superuser: string }
  /** what made the data */
  source?: 'docker' | 'local'
  /** where PostgreSQL's data is, when that is not below DATA_DIR */
  postgresDir?: string
}

const FILE = 'stack.json'

/** Reads the state; a new one with random passwords at the first start. @throws when the file is there and is no JSON */
export async function readState(dataDir: string): Promise<StackState> {
  const text = await readFile(join(dataDir, FILE), 'utf8').catch(() => undefined)
  if (text !== undefined) return JSON.parse(text)
  const random = () => randomBytes(24).toString('hex')
  return { ports: {}, passwords: { ...randomPasswords(), redis: random(), superuser: random() } }
}

export async function writeState(dataDir: string, state: StackState): Promise<void> {
  await writeSecret(join(dataDir, FILE), state)
}

/** The store's port of the last time, or a new one when that is taken or there was none; remembered. */
export async function keptPort(state: StackState, name: StoreName): Promise<number> {
  const port = await freePort(state.ports[name])
  state.ports[name] = port
  return port
}

/** Writes JSON whole or not at all, for our eyes alone (mode 600). */
export async function writeSecret(file: string, content: unknown): Promise<void> {
  const unfinished = `${file}.unfinished`
  await writeFile(unfinished, `${JSON.stringify(content, null, 2)}\n`, { mode: 0o600 })
  await rename(unfinished, file)
}
