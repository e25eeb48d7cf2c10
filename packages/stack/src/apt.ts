import { execFile } from 'node:child_process'
import { rm, writeFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { findProgram } from './programs.ts'

const run = promisify(execFile)
const POLICY = '/usr/sbin/policy-rc.d'
const NO_SERVICES = '#!/bin/sh\n# Packages being installed now must not start their services.\nexit 101\n'

/** Whether `aptInstall` can work here: Debian or a relative of it, and we are root. */
export const canInstall = (): boolean => process.getuid?.() === 0 && findProgram('apt-get') !== undefined

/** Installs Debian packages without starting the services they bring. @throws when apt-get fails, with what it said */
export async function aptInstall(packages: string[]): Promise<void> {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', NEEDRESTART_MODE: 'l' }
  // Somebody else may be installing; 10 minutes are enough for most.
  const apt = (...args: string[]) =>
    run('apt-get', ['-qq', '-o', 'DPkg::Lock::Timeout=600', ...args], { env })
  const madePolicy = await writeFile(POLICY, NO_SERVICES, { mode: 0o755, flag: 'wx' }).then(
    () => true,
    // A container image brings one that says the same, and it is not ours to remove.
    () => false,
  )
  try {
    await apt('update')
    await apt('install', '-y', '--no-install-recommends', ...packages)
  } catch (error) {
    throw new Error(`apt-get could not install ${packages.join(' ')}`, { cause: error })
  } finally {
    if (madePolicy) await rm(POLICY, { force: true })
  }
}

/** Keeps a service that a package brought from starting with the machine. */
export async function disableService(name: string): Promise<void> {
  if (findProgram('update-rc.d')) await run('update-rc.d', [name, 'disable']).catch(() => {})
}
