import { execFile } from 'node:child_process'
import { mkdir, rm, stat } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { aptInstall, canInstall } from './apt.ts'

const run = promisify(execFile)
const version = '4.32.5'

/**
 * The path of schemathesis, which fuzzes an API by its OpenAPI document: installed from PyPI at the first call (about 20 s), kept
 * in the user's cache directory. @throws when Python is missing and cannot be installed, or PyPI does not answer
 */
export async function findSchemathesis(): Promise<string> {
  const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'count')
  const home = join(cache, `schemathesis-${version}`)
  const program = join(home, 'bin/schemathesis')
  const complete = join(home, 'complete')
  if (await stat(complete).catch(() => null)) return program
  process.stderr.write('installing schemathesis with pip, once\n')
  await rm(home, { recursive: true, force: true })
  await mkdir(cache, { recursive: true })
  const create = () => run('python3', ['-m', 'venv', home])
  await create().catch(async (error: unknown) => {
    if (!canInstall()) throw error
    await aptInstall(['python3-venv'])
    await rm(home, { recursive: true, force: true })
    await create()
  })
  await run(join(home, 'bin/pip'), ['-q', 'install', `schemathesis==${version}`])
  await mkdir(complete)
  return program
}
