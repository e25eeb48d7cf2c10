import { execFile } from 'node:child_process'
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { type ChildServer, spawnServer } from '../src/child-server.ts'
import { onPort } from '../src/ports.ts'
import { findSchemathesis } from '../src/schemathesis.ts'

const run = promisify(execFile)
const patience = 300_000
const seed = '7'

/** Streams have no end; these would end the session or take away the account or the key that asks. */
const leftOut = [
  'streamDashboard',
  'streamSharedDashboard',
  'signOut',
  'endSession',
  'changePassword',
  'changeUser',
  'removeUser',
  'revokeApiKey',
  'rotateApiKey',
]
/** What schemas cannot say: `from` after `to`, a bound below the value; and an id that is named like a list beside it. */
const notChecked = ['positive_data_acceptance', 'allow_header_conformance']

let dir: string
let url: string
let server: ChildServer | undefined
let admin: Session

interface Session {
  cookie: string
  csrfToken: string
}

async function call<T extends z.ZodType>(path: string, body: object, answer: T): Promise<z.output<T>> {
  const response = await fetch(`${url}${path}`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      cookie: `count_session=${admin.cookie}`,
      'x-csrf-token': admin.csrfToken,
    },
    body: JSON.stringify(body),
  })
  return answer.parse(await response.json())
}

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'fuzz-'))
  // PostgreSQL, another user when we are root, passes through.
  await chmod(dir, 0o711)
  const dataDir = join(dir, 'data')
  const program = join(import.meta.dirname, '../src/start.ts')
  await onPort(undefined, async (port) => {
    url = `http://127.0.0.1:${port}`
    server = await spawnServer({
      command: process.execPath,
      args: [program],
      cwd: dir,
      logFile: join(dir, 'server.log'),
      env: {
        PATH: process.env.PATH,
        HOME: process.env.HOME,
        TMPDIR: process.env.TMPDIR,
        DATA_DIR: dataDir,
        STACK: 'local',
        HOST: '127.0.0.1',
        PORT: String(port),
        LOG_LEVEL: 'warn',
      },
    })
    await server.ready(async () => (await fetch(`${url}/readyz`)).ok, 90_000)
  })
  const credentials = z
    .object({ admin: z.object({ username: z.string(), password: z.string() }) })
    .parse(JSON.parse(await readFile(join(dataDir, 'credentials.json'), 'utf8')))
  admin = await signIn(credentials.admin)
}, patience)

afterAll(async () => {
  await server?.stop('SIGTERM', 15_000)
  await rm(dir, { recursive: true, force: true })
})

async function signIn(user: { username: string; password: string }): Promise<Session> {
  const response = await fetch(`${url}/api/v1/admin/session`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(user),
  })
  const { csrfToken } = z.object({ csrfToken: z.string() }).parse(await response.json())
  const [cookie = ''] = response.headers.getSetCookie()
  return { cookie: cookie.slice(cookie.indexOf('=') + 1, cookie.indexOf(';')), csrfToken }
}

const session = ({ cookie, csrfToken }: Session) =>
  `[auth.openapi.session]\napi_key = "${cookie}"\n[auth.openapi.csrf]\napi_key = "${csrfToken}"\n`

async function key(...scopes: string[]): Promise<string> {
  const { key } = await call(
    '/api/v1/admin/api-keys',
    { name: 'fuzz', scopes },
    z.object({ key: z.string() }),
  )
  return `[auth.openapi.key]\nbearer = "${key}"\n`
}

async function user(role: string): Promise<string> {
  const account = { username: `fuzz-${role}`, password: 'long enough to be let in' }
  await call('/api/v1/admin/users', { ...account, role }, z.object({ username: z.literal(account.username) }))
  return session(await signIn(account))
}

test('the document of all services is the one that `npm run openapi` wrote', async () => {
  const file = new URL('../../core/openapi.json', import.meta.url)
  const { servers, ...told } = z.looseObject({}).parse(await (await fetch(`${url}/openapi.json`)).json())
  expect(JSON.parse(await readFile(file, 'utf8'))).toEqual(told)
})

/** Who asks, and how many operations refuse that caller whatever it sends; none says that this is not looked at. */
const callers: [who: string, credentials: () => Promise<string>, refused?: number, args?: string[]][] = [
  ['nobody', async () => ''],
  ['a key that may read', () => key('counts:read')],
  [
    'a key that may do all',
    () => key('counts:read', 'counts:write'),
    0,
    ['--include-path-regex=^/api/v1/counts'],
  ],
  ['a viewer', () => user('viewer')],
  ['an editor', () => user('editor')],
  // Those for keys, and between services.
  ['an administrator', async () => session(admin), 12],
]

test.each(callers)(
  'whatever %s sends is answered as the document says, never with a 5xx',
  { timeout: patience },
  async (_, credentials, refused, args = []) => {
    const config = join(dir, 'schemathesis.toml')
    await writeFile(config, await credentials())
    // Those who may do most are tried at every edge of every schema; for the others a few calls an operation tell.
    const phases = refused === undefined ? 'examples,fuzzing' : 'examples,coverage,fuzzing'
    const said = await run(
      await findSchemathesis(),
      [
        '--no-color',
        `--config-file=${config}`,
        'run',
        `${url}/openapi.json`,
        '--checks=all',
        `--exclude-checks=${notChecked.join()}`,
        `--phases=${phases}`,
        '--max-examples=4',
        `--seed=${seed}`,
        '--no-shrink',
        '--continue-on-failure',
        '--request-timeout=30',
        '--generation-database=none',
        ...leftOut.map((id) => `--exclude-operation-id=${id}`),
        ...args,
      ],
      { cwd: dir, maxBuffer: 64 * 1024 * 1024 },
    ).catch((error: Error & { stdout?: string }) => ({ stdout: `FAILED ${error.stdout || error.message}` }))
    expect(said.stdout).not.toMatch(/^FAILED/)
    expect(said.stdout).toMatch(/\d+ generated, \d+ passed/)
    if (refused === undefined) return
    expect(Number(said.stdout.match(/(\d+) operations? returned only 401\/403/)?.[1] ?? 0)).toBe(refused)
  },
)
