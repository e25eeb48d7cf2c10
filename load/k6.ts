import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { homedir, tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs, promisify } from 'node:util'
import { findProgram } from '@count/stack/programs'
import { runToEnd } from './closing.ts'
import { composeServer } from './compose.ts'
import { givenServer, type Server, startServer } from './server.ts'
import { openWatchers } from './watchers.ts'

const folder = join(import.meta.dirname, 'k6')
const names = readdirSync(folder).flatMap((file) => (file === 'count.js' ? [] : file.slice(0, -'.js'.length)))
const usage = `npm run k6 -- <script> [--compose] [--scale <n>] [--results <folder>]
  scripts    ${names.join(', ')}
  --compose  k6 of compose.yaml against what docker compose started
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

/** Server and credentials as k6 takes them: by a file, so that no secret stands on a command line. */
async function credentialsOf(closing: AsyncDisposableStack, { url, apiKey, admin }: Server) {
  const dir = await mkdtemp(join(tmpdir(), 'k6-'))
  closing.defer(() => rm(dir, { recursive: true, force: true }))
  const credentials = join(dir, 'credentials.json')
  await writeFile(credentials, JSON.stringify({ url, apiKey, admin }), { mode: 0o600 })
  return { COUNT_URL: url, COUNT_CREDENTIALS: credentials }
}

function runHere(k6: string, settings: { K6_SCRIPT: string } & Record<string, string>) {
  return spawn(k6, ['run', '--quiet', join(folder, `${settings.K6_SCRIPT}.js`)], {
    stdio: 'inherit',
    // HTTP/1.1, as most services call.
    env: { ...process.env, ...settings, K6_NO_USAGE_REPORT: 'true', GODEBUG: 'http2client=0' },
  })
}

function runInCompose(settings: Record<string, string>, results: string | undefined) {
  const output = results
    ? ['-v', `${resolve(results)}:/results`, '-e', 'RESULTS=/results', '--user', String(process.getuid?.())]
    : []
  return spawn('docker', ['compose', '--profile', 'load', 'run', '--rm', '--no-deps', ...output, 'k6'], {
    cwd: join(import.meta.dirname, '..'),
    stdio: 'inherit',
    env: { ...process.env, ...settings },
  })
}

runToEnd(async (closing) => {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      compose: { type: 'boolean', default: false },
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
  const server = values.compose
    ? await composeServer()
    : ((await givenServer()) ?? (await startServer(closing)))
  const watchers = name === 'dashboards' ? await openWatchers(server) : undefined
  const settings = { SCALE: values.scale, K6_SCRIPT: name }
  const child = values.compose
    ? runInCompose(settings, values.results)
    : runHere(await findK6(), {
        ...settings,
        ...(await credentialsOf(closing, server)),
        RESULTS: values.results ?? '',
      })
  closing.defer(async () => void child.kill())
  const [code] = await once(child, 'exit')
  const watched = await watchers?.end()
  if (watched) console.log(watched.text)
  return watched?.served === false ? 1 : (code ?? 1)
})
