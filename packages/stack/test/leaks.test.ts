import { execFileSync } from 'node:child_process'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { endLeaked } from '../src/leaks.ts'
import { isRunning } from '../src/process-identity.ts'

test('a process that outlives its test is found by its TMPDIR, and ended', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'run-'))
  const start = (place: string) => {
    const command = ['-c', 'sleep 600 >/dev/null 2>&1 & echo $!']
    return Number(execFileSync('sh', command, { env: { ...process.env, TMPDIR: place }, encoding: 'utf8' }))
  }
  const leaked = start(dir)
  const other = start(tmpdir())
  expect(await endLeaked(dir)).toEqual([`${leaked} sleep 600`])
  expect(isRunning(leaked)).toBe(false)
  expect(isRunning(other)).toBe(true)
  process.kill(other)
})
