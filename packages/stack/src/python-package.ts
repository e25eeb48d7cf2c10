import { execFile } from 'node:child_process'
import { mkdir, rm, stat } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { aptInstall, canInstall } from './apt.ts'

const run = promisify(execFile)

/**
 * A Python environment that holds one package of PyPI, made at the first call and kept in the user's cache directory.
 * @param options more of pip's
 * @param complete what else has to be done in it
 * @returns its directory
 * @throws when Python is missing and cannot be installed, or PyPI does not answer
 */
export async function pythonPackage(
  name: string,
  version: string,
  { options = [], complete }: { options?: string[]; complete?: (home: string) => Promise<void> } = {},
): Promise<string> {
  const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'count')
  const home = join(cache, `${name}-${version}`)
  const done = join(home, 'complete')
  if (await stat(done).catch(() => null)) return home
  process.stderr.write(`installing ${name} with pip, once\n`)
  await rm(home, { recursive: true, force: true })
  await mkdir(cache, { recursive: true })
  const create = () => run('python3', ['-m', 'venv', home])
  await create().catch(async (error: unknown) => {
    if (!canInstall()) throw error
    await aptInstall(['python3-venv'])
    await rm(home, { recursive: true, force: true })
    await create()
  })
  await run(join(home, 'bin/pip'), ['-q', 'install', ...options, `${name}==${version}`], { cwd: home })
  await complete?.(home)
  await mkdir(done)
  return home
}
