import { counterOf } from '@count/core/counters'
import { Gauge, Histogram, type Registry } from 'prom-client'
import type { Kind } from './analysis-job.ts'
import type { ChildPool } from './child-pool.ts'

export type AnalysisMetrics = ReturnType<typeof measureAnalyses>

/** How long analyses take from the queue to their answer, how many wait, and how many nobody waited for. */
export function measureAnalyses(registry: Registry, pool: Pick<ChildPool, 'waiting'>) {
  const registers = [registry]
  const duration = new Histogram({
    name: 'analysis_duration_seconds',
    help: 'Time to work out an analysis, waiting included',
    labelNames: ['kind'],
    buckets: [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20],
    registers,
  })
  new Gauge({
    name: 'analysis_queue_length',
    help: 'Analyses that wait for a process',
    registers,
    collect() {
      this.set(pool.waiting())
    },
  })
  return {
    /** @returns what to call when it is done */
    start: (kind: Kind): (() => void) => duration.startTimer({ kind }),
    cancelled: counterOf(registry, 'analysis_cancelled_total', 'Analyses whose client left', []),
  }
}
