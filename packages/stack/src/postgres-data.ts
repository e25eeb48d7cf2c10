import { execFile } from 'node:child_process'
import { chown, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import type { Account } from './postgres-binaries.ts'
import { commandLine, isRunning } from './process-identity.ts'

const run = promisify(execFile)

export type Initialisation = {
  binaries: string
  account: Account
  /** the data directory to be; the one above it belongs to the account */
  data: string
  /** of the superuser */
  password: string
  /** false: without fsync */
  durable: boolean
}

/** Makes the data directory (UTF-8, C.UTF-8, scram) unless it is there. @throws with what initdb said */
export async function ensureData({
  binaries,
  account,
  data,
  password,
  durable,
}: Initialisation): Promise<void> {
  if (await readFile(join(data, 'PG_VERSION')).catch(() => null)) return
  // Made aside and renamed: an initdb that was interrupted leaves nothing that looks like a database.
  const unfinished = `${data}.unfinished`
  const passwordFile = join(dirname(data), 'password')
  await rm(unfinished, { recursive: true, force: true })
  await writeFile(passwordFile, password, { mode: 0o600 })
  if (account.uid !== undefined) await chown(passwordFile, account.uid, account.gid as number)
  const flags = ['--username=postgres', '--auth=scram-sha-256', '--encoding=UTF8', '--locale=C.UTF-8']
  if (!durable) flags.push('--no-sync')
  try {
    const places = [`--pgdata=${unfinished}`, `--pwfile=${passwordFile}`]
    await run(join(binaries, 'initdb'), [...places, ...flags], { ...account, cwd: dirname(data) })
  } finally {
    await rm(passwordFile)
  }
  await rename(unfinished, data)
}

/** Whether this process serves the data and takes connections. @throws while it has not come that far */
export async function isReady(data: string, pid: number): Promise<boolean> {
  const { owner, status } = await readPidFile(data)
  return owner === pid && status === 'ready'
}

/**
 * Removes postmaster.pid where its process is another program by now, as after a container's restart, which gives the
 * same pids again: PostgreSQL itself would see a live process and refuse to start.
 */
export async function forgetStranger(data: string): Promise<void> {
  const { owner } = await readPidFile(data).catch(() => ({ owner: 0 }))
  if (owner && isRunning(owner) && !commandLine(owner).includes('postgres'))
    await rm(join(data, 'postmaster.pid'))
}

async function readPidFile(data: string): Promise<{ owner: number; status: string | undefined }> {
  const lines = (await readFile(join(data, 'postmaster.pid'), 'utf8')).split('\n')
  return { owner: Number(lines[0]), status: lines[7]?.trim() }
}
