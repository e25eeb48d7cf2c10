import { readFile, rm } from 'node:fs/promises'
import { isRunning, serves } from './process-identity.ts'
import { until } from './until.ts'

/** How to recognise a store's process, and to end it cleanly. */
export type Program = { name: string; signal: NodeJS.Signals }

/**
 * Ends the server of `dir` that a killed process of ours left running; what the pid file names is left alone when it is
 * not that server.
 * SIGKILL follows when it has not ended after 10 s.
 * @returns the process id, undefined when there was none
 */
export async function endLeftover(
  pidFile: string,
  dir: string,
  program: Program,
): Promise<number | undefined> {
  const pid = Number(await readFile(pidFile, 'utf8').catch(() => ''))
  if (!pid || !serves(pid, program.name, dir)) {
    await rm(pidFile, { force: true })
    return undefined
  }
  const ended = (deadlineMs: number) => until(`process ${pid} to end`, () => !isRunning(pid), { deadlineMs })
  send(pid, program.signal)
  send(pid, 'SIGCONT')
  await ended(10_000).catch(() => {
    send(pid, 'SIGKILL')
    return ended(5_000)
  })
  await rm(pidFile, { force: true })
  return pid
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch {
    // It has ended meanwhile.
  }
}
