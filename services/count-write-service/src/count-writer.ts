import type { ApplyRequest, GroupCommit, Operation, Outcome } from '@count/core/group-commit'
import type { ValueStore } from '@count/core/value-store'
import type { LiveInfos } from './live-infos.ts'
import { applyLifecycle } from './recovery.ts'

/** Makes reads see a write: awaited before the answer. */
export type Invalidate = (changes: { id: string; version: number }[]) => Promise<void>

export interface CountWriterOptions {
  commit: Pick<GroupCommit, 'apply'>
  store: ValueStore
  liveInfos: LiveInfos
  invalidate: Invalidate
  /** Told which shard has changes to publish. */
  changed: (shard: number) => void
}

/** How long an id that CountInfoDB does not know is refused without asking again, in ms. */
const unknownMs = 500
const maxUnknown = 10_000

export type CountWriter = ReturnType<typeof openCountWriter>

/**
 * CountWriter (UC-001): applies operations through the group commit, completes a creation that has not reached the store,
 * and makes reads see the write before it is answered (CA-007, CA-012).
 */
export function openCountWriter({ commit, store, liveInfos, invalidate, changed }: CountWriterOptions) {
  const unknown = new Map<string, number>()

  /** Creates the records of those ids that CountInfoDB knows and the store lacks; whether there was any. */
  async function complete(ids: string[]): Promise<boolean> {
    const now = Date.now()
    const asked = ids.filter((id) => (unknown.get(id) ?? 0) < now)
    if (asked.length === 0) return false
    const found = await liveInfos(asked)
    if (unknown.size > maxUnknown) unknown.clear()
    for (const id of asked) if (!found.has(id)) unknown.set(id, now + unknownMs)
    for (const info of found.values()) {
      const shard = store.shardOf(info.id)
      await applyLifecycle(await store.writable(shard), store.keys(shard), { ...info, deleted: false })
    }
    return found.size > 0
  }

  async function applyOne(request: ApplyRequest): Promise<Outcome[]> {
    const outcomes = await commit.apply(request)
    const missing = outcomes.flatMap((outcome, i) =>
      outcome.word === 'missing' ? [(request.operations[i] as Operation).id] : [],
    )
    if (missing.length === 0) return outcomes
    const completed = await complete([...new Set(missing)])
    if (!completed && request.operations.length === 1) return outcomes
    return commit.apply({ ...request, final: true })
  }

  /**
   * Applies requests, each answered as one. Rejects with StoreUnavailable when the store did not answer in time, or when it
   * lacks a count and CountInfoDB is away.
   */
  async function write(requests: ApplyRequest[]): Promise<Outcome[][]> {
    const answers = await Promise.all(requests.map(applyOne))
    const versions = new Map<string, number>()
    for (const [i, outcomes] of answers.entries()) {
      for (const [n, outcome] of outcomes.entries()) {
        if (outcome.word !== 'ok') continue
        const { id } = (requests[i] as ApplyRequest).operations[n] as Operation
        versions.set(id, Math.max(versions.get(id) ?? 0, outcome.version))
      }
    }
    if (versions.size > 0) {
      for (const id of versions.keys()) changed(store.shardOf(id))
      await invalidate([...versions].map(([id, version]) => ({ id, version })))
    }
    return answers
  }

  /** One operation, answered alone: the hot path. */
  async function writeOne(
    operation: Operation,
    idempotency?: ApplyRequest['idempotency'] | '',
  ): Promise<Outcome> {
    const request = { operations: [operation], idempotency: idempotency || undefined }
    let [outcome] = (await commit.apply(request)) as [Outcome]
    if (outcome.word === 'missing' && (await complete([operation.id]))) {
      ;[outcome] = (await commit.apply({ ...request, final: true })) as [Outcome]
    }
    if (outcome.word === 'ok') {
      changed(store.shardOf(operation.id))
      await invalidate([{ id: operation.id, version: outcome.version }])
    }
    return outcome
  }

  /** Whether a key is free for this content: new, or used with the same before. It is kept from here on. */
  async function claim(idempotency: { scope: string; content: string }): Promise<boolean> {
    const [outcome] = await commit.apply({ operations: [], idempotency })
    return outcome === undefined
  }

  return { write, writeOne, claim }
}
