import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { setPriority } from 'node:os'
import type { Logger } from 'pino'

/** `busy`: too many wait already, or it has waited for too long. `late`: it ran for too long and was stopped. */
export type Ran =
  | { ok: true; answer: unknown }
  | { ok: false; why: 'busy' | 'late' | 'cancelled' | 'crashed' }

export interface PoolOptions {
  /** A program that answers each message with one message. */
  program: string
  /** Processes at most. */
  size: number
  /** Jobs that may wait for one. */
  queue: number
  /** How long a job may run, and how long it may wait before that. */
  limitMs: number
  /** An idle process ends after this. */
  idleMs: number
  log: Logger
}

export type ChildPool = ReturnType<typeof openChildPool>

interface Job {
  message: object
  settle(outcome: Ran): void
}

interface Worker {
  child: ChildProcess
  job?: Job | undefined
  timer?: NodeJS.Timeout
  /** Of this process, as the job began. */
  began?: ReturnType<typeof performance.eventLoopUtilization>
  resting?: boolean
}

/**
 * Where this process serves others too and was busy for more than this share of a job's time, the worker rests so many times as
 * long, up to a limit, before the next.
 */
const busyShare = 0.5
const restTimes = 3
const restAtMostMs = 1000

/** The lowest: all that is idle, and nothing that anybody else wants. */
const nice = 19
const memoryMiB = 512

/**
 * Processes of the lowest priority for what would hold up this one. (A thread would share this process's priority: increments
 * kept 0.65 × their rate beside threads at work, 0.99 × beside such processes.) They are started when there is work, kept
 * for the next, and ended when there is none for a while. One job at a time in each; stopping a job ends its process.
 */
export function openChildPool({ program, size, queue, limitMs, idleMs, log }: PoolOptions) {
  const workers = new Set<Worker>()
  const waiting: Job[] = []
  let closed = false

  /** Linux weighs sessions (autogroups) before processes: the one of its own that `detached` gave it steps back as a whole. */
  function stepBack(pid: number): void {
    try {
      setPriority(pid, nice)
      writeFileSync(`/proc/${pid}/autogroup`, String(nice))
    } catch (err) {
      log.debug({ err }, 'the priority of a process could not be lowered')
    }
  }

  function start(): Worker {
    const child = fork(program, {
      // It needs nothing from the environment, least of all addresses and tokens.
      env: {},
      execArgv: [`--max-old-space-size=${memoryMiB}`],
      serialization: 'advanced',
      detached: true,
    })
    const worker: Worker = { child }
    workers.add(worker)
    if (child.pid !== undefined) stepBack(child.pid)
    child.on('message', (answer) => finish(worker, { ok: true, answer }))
    child.once('error', (err) => {
      log.error({ err }, 'an analysis process failed')
      end(worker, 'crashed')
    })
    child.once('exit', (code, signal) => {
      if (worker.job) log.error({ code, signal }, 'an analysis process ended over its work')
      end(worker, 'crashed')
    })
    return worker
  }

  function next(): void {
    while (waiting.length > 0) {
      const idle = [...workers].find(({ job, resting }) => !job && !resting)
      if (!idle && workers.size >= size) return
      const worker = idle ?? start()
      const job = waiting.shift() as Job
      clearTimeout(worker.timer)
      worker.job = job
      worker.began = performance.eventLoopUtilization()
      worker.timer = setTimeout(() => end(worker, 'late'), limitMs)
      // A process that cannot be spoken to exits, which tells the same.
      worker.child.send(job.message, () => {})
    }
  }

  function finish(worker: Worker, outcome: Ran): void {
    clearTimeout(worker.timer)
    worker.job?.settle(outcome)
    worker.job = undefined
    worker.timer = setTimeout(() => end(worker, 'cancelled'), idleMs).unref()
    const { active, idle, utilization } = performance.eventLoopUtilization(worker.began)
    if (utilization > busyShare) {
      worker.resting = true
      setTimeout(
        () => {
          worker.resting = false
          next()
        },
        Math.min(restTimes * (active + idle), restAtMostMs),
      ).unref()
    }
    next()
  }

  /** Ends a process, whatever it does; its job gets this outcome, the jobs that wait another process. */
  function end(worker: Worker, why: 'late' | 'cancelled' | 'crashed'): void {
    if (!workers.delete(worker)) return
    clearTimeout(worker.timer)
    worker.child.kill('SIGKILL')
    worker.job?.settle({ ok: false, why })
    worker.job = undefined
    next()
  }

  /** Has a process do a job. An aborted signal takes it out of the queue or stops it. */
  function run(message: object, signal: AbortSignal): Promise<Ran> {
    if (signal.aborted || closed) return Promise.resolve({ ok: false, why: 'cancelled' })
    if (waiting.length >= queue) return Promise.resolve({ ok: false, why: 'busy' })
    const { promise, resolve } = Promise.withResolvers<Ran>()
    const job: Job = {
      message,
      settle(outcome) {
        clearTimeout(patience)
        signal.removeEventListener('abort', abort)
        resolve(outcome)
      },
    }
    const leave = (why: 'busy' | 'cancelled') => {
      const place = waiting.indexOf(job)
      if (place < 0) return false
      waiting.splice(place, 1)
      job.settle({ ok: false, why })
      return true
    }
    const abort = () => {
      if (leave('cancelled')) return
      for (const worker of workers) if (worker.job === job) end(worker, 'cancelled')
    }
    const patience = setTimeout(() => leave('busy'), limitMs)
    signal.addEventListener('abort', abort)
    waiting.push(job)
    next()
    return promise
  }

  return {
    run,
    /** How many jobs wait for a process. */
    waiting: () => waiting.length,
    /** Process ids. */
    pids: () => [...workers].map(({ child }) => child.pid),
    async close(): Promise<void> {
      closed = true
      for (const job of waiting.splice(0)) job.settle({ ok: false, why: 'cancelled' })
      const gone = Array.from(workers, ({ child }) =>
        child.exitCode === null && child.signalCode === null ? once(child, 'exit') : undefined,
      )
      for (const worker of workers) end(worker, 'cancelled')
      await Promise.all(gone)
    },
  }
}
