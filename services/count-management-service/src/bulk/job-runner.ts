import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { isAway, Unavailable } from '@count/core/away'
import type { Records } from '@count/core/count-records'
import type { Logger } from 'pino'
import { applyRound } from './apply-changes.ts'
import { checkRound } from './check-lines.ts'
import { type HistoryParts, importBlock } from './history-blocks.ts'
import { beginUndo } from './job-undo.ts'
import {
  claimJob,
  endJob,
  enterPhase,
  hasFaults,
  type Job,
  type JobView,
  keepJob,
  releaseJob,
} from './jobs.ts'
import type { SettleParts } from './settle-batch.ts'

export interface RunnerParts extends SettleParts, HistoryParts {
  records: Records
  log: Logger
  /** Told when changes wait for their events. */
  onChange: () => void
}

/** Jobs that this process takes up by itself at once: a small one need not wait for a large one. */
const lanes = 2
const pollMs = 1000
const retryMs = 1000
const renewMs = 10_000

/** The job has become another's, or this process ends: stop where it is. */
class Left extends Error {}

export type JobRunner = ReturnType<typeof startJobRunner>

/**
 * Runs jobs: checks their lines, applies them round by round, takes them back where all or nothing was asked. A job is
 * held under a lease; when its process dies, another goes on where it stopped. While a store is away, the job waits.
 */
export function startJobRunner(parts: RunnerParts) {
  const { sql, log, onChange } = parts
  const holder = randomUUID()
  const closing = new AbortController()
  const { signal } = closing
  const running = new Set<Promise<void>>()
  let wake = Promise.withResolvers<void>()

  /** Still ours? @returns whether to cancel */
  async function keep({ id }: Job): Promise<boolean> {
    const cancel = signal.aborted ? undefined : await keepJob(sql, holder, id)
    if (cancel === undefined) throw new Left()
    return cancel
  }

  async function work(job: Job): Promise<void> {
    const { id, options, undoes } = job
    const history = job.kind.endsWith('.history')
    if (job.phase === 'checking') {
      if (await keep(job)) return await end(job, 'cancelled')
      if (!(await check(job, history))) return
      await enterPhase(sql, id, 'applying')
    }
    if (job.phase !== 'reverting') {
      for (let after = -1; ; ) {
        const cancel = (await keep(job)) && undoes === null
        if (cancel) return options.onError === 'fail' ? await revert(job) : await end(job, 'cancelled')
        // The lines say it, also to whoever goes on where another died.
        if (options.onError === 'fail' && (await hasFaults(sql, id))) return await revert(job)
        const last = await (history ? importBlock(parts, job, after) : applyRound(parts, job, after))
        if (last === undefined) return await end(job, 'done')
        onChange()
        after = last
      }
    }
    await revert(job)
  }

  /** Judges every line before anything is changed. @returns whether to go on */
  async function check(job: Job, history: boolean): Promise<boolean> {
    const { id, options } = job
    const sums = { created: 0, updated: 0, unchanged: 0 }
    for (let after = -1; !history; ) {
      if (await keep(job)) {
        await end(job, 'cancelled')
        return false
      }
      const round = await checkRound(parts, job, after)
      if (!round) break
      sums.created += round.sums.created
      sums.updated += round.sums.updated
      sums.unchanged += round.sums.unchanged
      after = round.last
    }
    const [faults] = await sql<[{ failed: number; total: number }]>`
      select count(message)::int as failed, count(*)::int as total from import_row where job = ${id}`
    const stop = options.dryRun || faults.failed > 0
    if (!stop) return true
    if (history) sums.created = faults.total - faults.failed
    const told = options.dryRun ? sums : { created: 0, updated: 0, unchanged: 0 }
    await sql`update import_job set processed = total, created = ${told.created}, updated = ${told.updated},
      unchanged = ${told.unchanged} where id = ${id}`
    await end(job, faults.failed > 0 && options.onError === 'fail' ? 'failed' : 'done')
    return false
  }

  /** All or nothing: what was applied is taken back by an undo of its own, then the job ends as if nothing had been. */
  async function revert(job: Job): Promise<void> {
    await enterPhase(sql, job.id, 'reverting')
    const undo = await beginUndo(sql, job, job.actor, 'all or nothing was asked')
    await run(undo)
    const [left] = await sql`select from import_job where id = ${undo} and status = 'running'`
    if (left) throw new Unavailable('the undo')
    await sql`update import_job set created = 0, updated = 0, unchanged = 0 where id = ${job.id}`
    await end(job, (await keep(job)) ? 'cancelled' : 'failed')
  }

  const end = async ({ id }: Job, status: JobView['status']) => await endJob(sql, id, status)

  async function hold(job: Job): Promise<void> {
    const renewal = setInterval(() => void keepJob(sql, holder, job.id).catch(() => {}), renewMs)
    try {
      await work(job)
    } catch (error) {
      const left = error instanceof Left
      if (!left && !isAway(error)) {
        log.error({ error, job: job.id }, 'a job has failed')
        await endJob(sql, job.id, 'failed').catch(() => {})
      } else {
        log.debug({ reason: String(error), job: job.id }, 'a job waits')
        await releaseJob(sql, holder, job.id, left ? 0 : retryMs).catch(() => {})
      }
    } finally {
      clearInterval(renewal)
    }
  }

  const tracked = (work: Promise<void>): Promise<void> => {
    running.add(work)
    return work.finally(() => running.delete(work))
  }

  /** Runs this job now, unless somebody does; ends when it cannot go on here. */
  async function run(id: string): Promise<void> {
    const job = await claimJob(sql, holder, id)
    if (job) await tracked(hold(job))
  }

  async function takeUp(): Promise<void> {
    while (!signal.aborted) {
      try {
        const job = await claimJob(sql, holder)
        if (job) {
          await hold(job)
          continue
        }
        await clean()
      } catch (error) {
        log.debug({ reason: String(error) }, 'jobs wait')
      }
      await Promise.race([wake.promise, delay(pollMs, undefined, { ref: false })])
      wake = Promise.withResolvers()
    }
  }

  /** Jobs whose lines never came whole, or that nobody could go on with for so long that the scripts' memory of them ends. */
  async function clean(): Promise<void> {
    await sql`update import_job set status = 'failed', finished_at = now() where status = 'running'
      and ((phase = 'loading' and lease_until < now()) or created_at < now() - interval '6 days')`
    await sql`delete from import_job where finished_at < now() - interval '30 days'`
  }

  const takers = Array.from({ length: lanes }, takeUp)

  return {
    run,
    /** There is a job: do not wait for the next look. */
    wake: () => wake.resolve(),
    /** Ends after the rounds in hand; what is not done, another process or the next start goes on with. */
    async close() {
      closing.abort()
      wake.resolve()
      await Promise.allSettled([...takers, ...running])
    },
  }
}
