import { connectPostgres } from '@count/core/postgres'
import { createLifecycle } from '../lifecycle.ts'
import { createExports } from './exports.ts'
import { createJobManager } from './job-manager.ts'
import { type RunnerParts, startJobRunner } from './job-runner.ts'

/** Some statements look at every line of a job. */
const statementTimeoutMs = 120_000

/** Opens everything about many counts at once: jobs with their workers, and exports. Has database connections of its own. */
export function openBulk(
  url: string,
  name: string,
  parts: Pick<RunnerParts, 'store' | 'zone' | 'cache' | 'records' | 'log' | 'onChange'>,
) {
  const sql = connectPostgres(url, { name, max: 6, statementTimeoutMs, plans: 'custom' })
  const lifecycle = createLifecycle({ sql, store: parts.store, cache: parts.cache })
  const runner = startJobRunner({ ...parts, sql, lifecycle })
  return {
    jobs: createJobManager({ sql, zone: parts.zone, runner }),
    exports: createExports({ ...parts, sql }),
    /** Ends after the rounds in hand. */
    drain: runner.close,
    async close(): Promise<void> {
      await runner.close()
      await sql.end({ timeout: 1 })
    },
  }
}
