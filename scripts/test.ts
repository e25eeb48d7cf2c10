// npm test: every suite on real stores. Further arguments go to vitest.
// The last line says "N passed, N failed"; the exit code is vitest's, and not 0 when no test ran.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findJava, findPromtool, findRedisServer } from '../packages/stack/src/binaries.ts'
import { findChromium } from '../packages/stack/src/chromium.ts'
import { kafkaJars } from '../packages/stack/src/kafka-jars.ts'
import { findKubectl, findKubernetesValidate } from '../packages/stack/src/kubernetes-tools.ts'
import { endLeaked } from '../packages/stack/src/leaks.ts'
import { findPostgresClients } from '../packages/stack/src/postgres-clients.ts'
import { findSchemathesis } from '../packages/stack/src/schemathesis.ts'

type Result = {
  numPassedTests: number
  numFailedTests: number
  testResults: { status: string; assertionResults: unknown[] }[]
}

/** Installs what the tests need before they run: a test's time limit is not meant for it. */
async function prepare(): Promise<void> {
  await findRedisServer()
  await findJava()
  await kafkaJars()
  await findPromtool()
  await findChromium()
  await findSchemathesis()
  await findPostgresClients()
  await findKubectl()
  await findKubernetesValidate()
}

/** Runs vitest on our own output. @returns its exit code */
async function runVitest(dir: string, resultFile: string): Promise<number> {
  const args = ['node_modules/vitest/vitest.mjs', 'run', '--config', 'vitest.workspace.ts']
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${resultFile}`]
  const child = spawn(process.execPath, [...args, ...reporters, ...process.argv.slice(2)], {
    stdio: 'inherit',
    env: { ...process.env, TMPDIR: dir },
  })
  // Ctrl-C reaches vitest by the terminal; a signal sent to us alone is passed on. Either way we end after it.
  process.on('SIGINT', () => {})
  process.on('SIGTERM', () => child.kill('SIGTERM'))
  const [code] = await once(child, 'exit')
  return code ?? 1
}

/** @returns how many tests passed and failed; a file that could not be loaded counts as one that failed */
function count(resultFile: string): { passed: number; failed: number } {
  let result: Result
  try {
    result = JSON.parse(readFileSync(resultFile, 'utf8'))
  } catch {
    // Vitest ended before it could write it.
    return { passed: 0, failed: 0 }
  }
  const broken = result.testResults.filter(
    (file) => file.status === 'failed' && !file.assertionResults.length,
  )
  return { passed: result.numPassedTests, failed: result.numFailedTests + broken.length }
}

process.chdir(join(import.meta.dirname, '..'))
const dir = mkdtempSync(join(tmpdir(), 'count-'))
// PostgreSQL, another user when we are root, passes through.
chmodSync(dir, 0o711)
try {
  await prepare()
  const resultFile = join(dir, 'result.json')
  const code = await runVitest(dir, resultFile)
  const { passed, failed } = count(resultFile)
  const ok = code === 0 && failed === 0 && passed > 0
  process.exitCode = ok ? 0 : code || 1
  // A run that failed without a failed test, as by a process that a test left running, shows it here too.
  console.log(`${passed} passed, ${ok ? 0 : failed || 1} failed`)
} finally {
  // Left by a vitest that was killed: its own teardown has no part in that.
  await endLeaked(dir)
  rmSync(dir, { recursive: true, force: true })
}
