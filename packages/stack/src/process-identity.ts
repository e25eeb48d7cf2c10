import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

/** The command line of a process with spaces between its arguments; empty when there is none (ended, or a zombie). */
export function commandLine(pid: number): string {
  try {
    if (process.platform !== 'linux')
      return execFileSync('ps', ['-p', String(pid), '-o', 'command='], { encoding: 'utf8' }).trim()
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim()
  } catch {
    return ''
  }
}

/** Whether the process is there and is no zombie. */
export function isRunning(pid: number): boolean {
  return commandLine(pid) !== ''
}

/**
 * Whether the process is this program, at work on this directory. Pids are used again, so a pid file alone proves
 * nothing; every server here is started with a path below its directory on its command line.
 */
export function serves(pid: number, program: string, dir: string): boolean {
  const line = commandLine(pid)
  return `/${line.replace(/ .*/, '')}`.endsWith(`/${program}`) && line.includes(`${dir}/`)
}
