import { execFile } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { findSchemathesis } from '../src/schemathesis.ts'
import { type Session, startWholeSystem, type WholeSystem } from './whole-system.ts'

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

let system: WholeSystem
beforeAll(async () => {
  system = await startWholeSystem()
}, patience)
afterAll(() => system?.stop())

const session = ({ cookie, csrfToken }: Session) =>
  `[auth.openapi.session]\napi_key = "${cookie}"\n[auth.openapi.csrf]\napi_key = "${csrfToken}"\n`

async function key(...scopes: string[]): Promise<string> {
  const { key } = await system.post(
    '/api/v1/admin/api-keys',
    { name: 'fuzz', scopes },
    z.object({ key: z.string() }),
  )
  return `[auth.openapi.key]\nbearer = "${key}"\n`
}

async function user(role: string): Promise<string> {
  const account = { username: `fuzz-${role}`, password: 'long enough to be let in' }
  await system.post(
    '/api/v1/admin/users',
    { ...account, role },
    z.object({ username: z.literal(account.username) }),
  )
  return session(await system.signIn(account))
}

test('the document of all services is the one that `npm run openapi` wrote', async () => {
  const file = new URL('../../core/openapi.json', import.meta.url)
  const { servers, ...told } = z
    .looseObject({})
    .parse(await (await fetch(`${system.url}/openapi.json`)).json())
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
  ['an administrator', async () => session(system.session), 12],
]

test.each(callers)(
  'whatever %s sends is answered as the document says, never with a 5xx',
  { timeout: patience },
  async (_, credentials, refused, args = []) => {
    const config = join(system.dir, 'schemathesis.toml')
    await writeFile(config, await credentials())
    // Those who may do most are tried at every edge of every schema; for the others a few calls an operation tell.
    const phases = refused === undefined ? 'examples,fuzzing' : 'examples,coverage,fuzzing'
    const said = await run(
      await findSchemathesis(),
      [
        '--no-color',
        `--config-file=${config}`,
        'run',
        `${system.url}/openapi.json`,
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
      { cwd: system.dir, maxBuffer: 64 * 1024 * 1024 },
    ).catch((error: Error & { stdout?: string }) => ({ stdout: `FAILED ${error.stdout || error.message}` }))
    expect(said.stdout).not.toMatch(/^FAILED/)
    expect(said.stdout).toMatch(/\d+ generated, \d+ passed/)
    if (refused === undefined) return
    expect(Number(said.stdout.match(/(\d+) operations? returned only 401\/403/)?.[1] ?? 0)).toBe(refused)
  },
)
