import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs, promisify } from 'node:util'
import { findProgram } from '@count/stack/programs'
import { runToEnd } from './closing.ts'
import { givenServer, startServer } from './server.ts'

const folder = join(import.meta.dirname, 'k6')
const names = readdirSync(folder).flatMap((file) => (file === 'count.js' ? [] : file.slice(0, -'.js'.length)))
const usage = `npm run k6 -- <script> [--scale <n>] [--results <folder>]
  scripts    ${names.join(', ')}
  --scale    stretches or shortens it, as 0.1 for a first look
  --results  a folder for the summary in Markdown
The server: COUNT_URL and COUNT_CREDENTIALS, else the one that runs on DATA_DIR (.data), else one of its own.`

/** k6 of the PATH, else of Go's folder, else built by Go. @throws when there is neither k6 nor Go */
async function findK6(): Promise<string> {
  const built = join(process.env.GOPATH || join(homedir(), 'go'), 'bin')
  const found = findProgram('k6', built)
  if (found) return found
  if (!findProgram('go')) throw new Error('k6 is needed, or Go to build it')
  console.error('building k6 with Go, once: a few minutes')
  await promisify(execFile)('go', ['install', 'go.k6.io/k6@latest'], { maxBuffer: 64 << 20 })
  return join(built, 'k6')
}

runToEnd(async (closing) => {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      scale: { type: 'string', default: '1' },
      results: { type: 'string' },
      help: { type: 'boolean' },
    },
  })
  const [name = ''] = positionals
  if (values.help || !names.includes(name)) {
    console.log(usage)
    return values.help ? 0 : 2
  }
  const k6 = await findK6()
  const { url, apiKey, admin } = (await givenServer()) ?? (await startServer(closing))
  // By a file, so that no secret stands on a command line.
  const dir = await mkdtemp(join(tmpdir(), 'k6-'))
  closing.defer(() => rm(dir, { recursive: true, force: true }))
  const credentials = join(dir, 'credentials.json')
  await writeFile(credentials, JSON.stringify({ url, apiKey, admin }), { mode: 0o600 })
  const child = spawn(k6, ['run', '--quiet', join(folder, `${name}.js`)], {
    stdio: 'inherit',
    env: {
      ...process.env,
      COUNT_URL: url,
      COUNT_CREDENTIALS: credentials,
      SCALE: values.scale,
      RESULTS: values.results ?? '',
      K6_NO_USAGE_REPORT: 'true',
    },
  })
  closing.defer(async () => void child.kill())
  const [code] = await once(child, 'exit')
  return code ?? 1
})
