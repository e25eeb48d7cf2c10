import type { GroupCommit } from '@count/core/group-commit'
import type { QueueKeys, ShardKeys } from '@count/core/keys'
import type { ValueStore } from '@count/core/value-store'
import { Gauge, Histogram, type Registry } from 'prom-client'
import type { Drainer } from './drainer.ts'

/** Observers of count_apply's calls; see `onCall` of group-commit.ts. */
export function callMetrics(metrics: Registry) {
  const size = new Histogram({
    name: 'count_group_commit_operations',
    help: 'Operations in one script call',
    buckets: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000],
    registers: [metrics],
  })
  const time = new Histogram({
    name: 'count_group_commit_duration_seconds',
    help: 'Time of one script call, network and fsync included',
    buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5],
    registers: [metrics],
  })
  return (operations: number, seconds: number) => {
    size.observe(operations)
    time.observe(seconds)
  }
}

export interface Measured {
  commit: Pick<GroupCommit, 'backlog'>
  store: ValueStore
  /** name → the drainer of a queue, and where the queue is. */
  queues: Record<string, { drainer: Pick<Drainer, 'lagMs'>; keys: (keys: ShardKeys) => QueueKeys }>
}

/** What waits: requests in this process, and entries of the queues of all shards. Read when asked for. */
export function measureBacklog(metrics: Registry, { commit, store, queues }: Measured): void {
  const gauge = (name: string, help: string, read: () => number) =>
    new Gauge({
      name,
      help,
      registers: [metrics],
      collect() {
        this.set(read())
      },
    })
  gauge(
    'count_writer_waiting_requests',
    'Requests that wait for the value store',
    () => commit.backlog().waiting,
  )
  gauge(
    'count_writer_oldest_seconds',
    'Age of the request that has waited longest',
    () => commit.backlog().oldestMs / 1000,
  )

  new Gauge({
    name: 'count_queue_lag_seconds',
    help: 'Time since the queue was last empty, of the shard that is worst off',
    labelNames: ['queue'],
    registers: [metrics],
    collect() {
      for (const [queue, { drainer }] of Object.entries(queues)) this.set({ queue }, drainer.lagMs() / 1000)
    },
  })
  new Gauge({
    name: 'count_queue_entries',
    help: 'Counts in the queue, claimed ones included, of all shards',
    labelNames: ['queue'],
    registers: [metrics],
    async collect() {
      for (const [queue, { keys }] of Object.entries(queues)) {
        const sizes = Array.from({ length: store.shards }, async (_, shard) => {
          const { redis } = await store.epoch(shard, 'drain')
          const { queue: waiting, claimed } = keys(store.keys(shard))
          const [a, b] = await Promise.all([redis.hlen(waiting), redis.hlen(claimed)])
          return a + b
        })
        await Promise.all(sizes).then(
          (all) =>
            this.set(
              { queue },
              all.reduce((sum, size) => sum + size, 0),
            ),
          // Away: what is not known is not told.
          () => this.remove({ queue }),
        )
      }
    },
  })
}
