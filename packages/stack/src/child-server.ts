import { spawn } from 'node:child_process'
import { closeSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { until } from './until.ts'

export type ChildOptions = {
  command: string
  args: string[]
  cwd: string
  /** stdout and stderr are appended here */
  logFile: string
  /** holds the process id while it runs */
  pidFile?: string
  env?: NodeJS.ProcessEnv
  uid?: number
  gid?: number
  /** its own process group, so that the terminal's Ctrl-C does not reach it */
  detached?: boolean
}

export type ChildServer = {
  pid: number
  /** resolves when the process has ended */
  exited: Promise<void>
  running(): boolean
  /** Sends a signal; after SIGKILL, awaits the end. */
  kill(signal: NodeJS.Signals): Promise<void>
  /** Sends the signal, and SIGKILL when it has not ended after `deadlineMs`; awaits the end. */
  stop(signal: NodeJS.Signals, deadlineMs: number): Promise<void>
  /** Awaits the condition. @throws with the end of the log when the process ends or `deadlineMs` pass before it holds. */
  ready(condition: () => boolean | Promise<boolean>, deadlineMs: number): Promise<void>
}

/** Starts a server as a child process. @throws when the command cannot be run at all */
export async function spawnServer(options: ChildOptions): Promise<ChildServer> {
  const { command, args, logFile, pidFile, cwd, env, uid, gid, detached } = options
  const log = openSync(logFile, 'a', 0o600)
  const child = spawn(command, args, { cwd, env, uid, gid, detached, stdio: ['ignore', log, log] })
  closeSync(log)
  // At once, before anything can be awaited: whoever kills us now leaves a server that the next start must find.
  if (pidFile && child.pid) writeFileSync(pidFile, String(child.pid))
  let running = true
  const exited = new Promise<void>((resolve) => {
    child.once('exit', () => {
      running = false
      if (pidFile) rmSync(pidFile, { force: true })
      resolve()
    })
  })
  await new Promise<void>((resolve, reject) => child.once('spawn', resolve).once('error', reject))

  const server: ChildServer = {
    pid: child.pid as number,
    exited,
    running: () => running,
    async kill(signal) {
      child.kill(signal)
      if (signal === 'SIGKILL') await exited
    },
    async stop(signal, deadlineMs) {
      if (!running) return
      child.kill(signal)
      // A process that is paused takes no other signal.
      child.kill('SIGCONT')
      const timer = setTimeout(() => child.kill('SIGKILL'), deadlineMs)
      await exited
      clearTimeout(timer)
    },
    async ready(condition, deadlineMs) {
      const name = command.split('/').at(-1)
      const failure = (why: string) =>
        new Error(`${name} ${why}; the end of ${logFile}:\n${lastLines(logFile)}`)
      try {
        await until(`${name} to answer`, async () => !running || (await condition()), { deadlineMs })
      } catch (error) {
        await server.kill('SIGKILL')
        throw Object.assign(failure('did not become ready'), { cause: error })
      }
      if (!running) throw failure('ended at once')
    },
  }
  return server
}

function lastLines(file: string): string {
  return readFileSync(file, 'utf8').trimEnd().split('\n').slice(-15).join('\n')
}
