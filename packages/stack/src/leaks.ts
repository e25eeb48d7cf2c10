import { readdirSync, readFileSync } from 'node:fs'
import { commandLine, isRunning } from './process-identity.ts'
import { until } from './until.ts'

/**
 * Ends what tests left running: processes with a path of the run's directory on their command line or in their
 * environment (as TMPDIR). Vitest's own workers, our children, are not among them. On Linux; elsewhere finds nothing.
 * @returns a line for each
 */
export async function endLeaked(dir: string): Promise<string[]> {
  if (process.platform !== 'linux') return []
  const pids = readdirSync('/proc')
    .map(Number)
    .filter((pid) => pid > 0 && pid !== process.pid)
  const leaked = pids.filter((pid) => belongsTo(pid, dir) && parentOf(pid) !== process.pid)
  const lines = leaked.map((pid) => `${pid} ${commandLine(pid)}`)
  for (const pid of leaked) {
    try {
      process.kill(pid, 'SIGKILL')
    } catch {
      // It has ended by itself meanwhile.
    }
  }
  for (const pid of leaked) await until(`process ${pid} to end`, () => !isRunning(pid))
  return lines
}

function belongsTo(pid: number, dir: string): boolean {
  try {
    return commandLine(pid).includes(dir) || readFileSync(`/proc/${pid}/environ`, 'utf8').includes(dir)
  } catch {
    return false
  }
}

function parentOf(pid: number): number {
  try {
    // The name, in parentheses, may itself hold spaces and parentheses.
    const status = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return Number(status.slice(status.lastIndexOf(')') + 2).split(' ')[1])
  } catch {
    return 0
  }
}
