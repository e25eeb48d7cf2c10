import { hash, randomBytes } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type { Logger } from 'pino'
import { maxOperations } from './limits.ts'
import { callScript } from './scripts.ts'
import { type Epoch, StoreUnavailable, type ValueStore } from './value-store.ts'
import type { Zone } from './zone.ts'

/** One change of one count. `amount` is 1 … 2^52 − 1; for `set` it is the value. */
export interface Operation {
  id: string
  kind: 'increment' | 'decrement' | 'set'
  amount: number
  /** With `set`: only if the count's version is still this one. */
  ifVersion?: number | undefined
}

/**
 * Operations on counts of one shard that are answered, and kept under an idempotency key, as one. None: the key alone is kept,
 * and refused as `reused` when it was used with another content.
 */
export interface ApplyRequest {
  operations: readonly Operation[]
  /** `scope` names key and place it was used in; `content` fingerprints the parsed request, in [A-Za-z0-9_-]. */
  idempotency?: { scope: string; content: string } | undefined
  /** Judge missing counts one by one; otherwise one of them refuses the whole request, so that it can be completed. */
  final?: boolean
}

export type Refused =
  | 'missing'
  | 'waiting'
  | 'archived'
  | 'paused'
  | 'mismatch'
  | 'range'
  | 'bounds'
  | 'reused'

/** What became of one operation. A refused one wrote nothing; `value` and `version` are then the present ones. */
export type Outcome =
  | { word: 'ok'; value: number; version: number; delta: number; replayed: boolean }
  | { word: Refused; value: number; version: number; replayed: boolean }

export interface GroupCommitOptions {
  log: Logger
  /** Offset of the deployment's zone, for the day buckets. */
  zone: Zone
  /** `replica`: an answer waits until one replica has the write. */
  ack: 'local' | 'replica'
  /** How long an answer is kept under its idempotency key at least, and 30 s; at most twice as long. */
  idempotencyTtlMs: number
  /** Told of every answered call: how many operations it carried, and its time in s. */
  onCall?: (operations: number, seconds: number) => void
}

interface Waiting extends ApplyRequest {
  since: number
  resolve(outcomes: Outcome[]): void
  reject(error: Error): void
}

interface Lane {
  shard: number
  name: string
  writerKey: string
  number: number
  queue: Waiting[]
  call: Waiting[] | undefined
  epoch: Epoch | undefined
  /** Store's clock less ours, in µs. */
  ahead: number | undefined
}

const kinds = { increment: 0, decrement: 0, set: 1 }
const patienceMs = 2000
const deadlineMicros = 10_000_000
const replicaWaitMs = 1000
/** A call must not outlive the generations of answers that it names. */
const leastKeptMs = 30_000

export type GroupCommit = ReturnType<typeof openGroupCommit>

/**
 * Group commit (CA-012, CA-009): at most one count_apply call in flight per shard; what arrives meanwhile is the next call's
 * batch, so that one call and one fsync serve them all. An unanswered call is repeated under its number until it is
 * answered, and the script runs each number once: a lost reply, a lost connection or a late packet counts nothing twice.
 */
export function openGroupCommit(store: ValueStore, options: GroupCommitOptions) {
  const { log, ack } = options
  const keptMs = Math.max(options.idempotencyTtlMs, leastKeptMs)
  const writer = randomBytes(12).toString('base64url')
  const lanes: Lane[] = Array.from({ length: store.shards }, (_, shard) => ({
    shard,
    // WAIT blocks what is pipelined behind it on a connection: then each shard has its own.
    name: ack === 'replica' ? `writer${shard}` : 'writer',
    writerKey: store.keys(shard).writer(writer),
    number: 0,
    queue: [],
    call: undefined,
    epoch: undefined,
    ahead: undefined,
  }))
  const due = new Set<Lane>()
  let closed = false

  /**
   * Applies a request, together with what else is waiting for its shard.
   * Rejects with StoreUnavailable after 2 s, or at once when the store refuses: the request may or may not have been
   * applied, and the same request under the same idempotency key tells the truth.
   */
  function apply(request: ApplyRequest): Promise<Outcome[]> {
    const place = request.operations[0]?.id ?? request.idempotency?.scope ?? ''
    const lane = lanes[store.shardOf(place)] as Lane
    return new Promise((resolve, reject) => {
      if (closed) return reject(new StoreUnavailable('the writer is closing'))
      const { operations, idempotency, final } = request
      lane.queue.push({ operations, idempotency, final, since: performance.now(), resolve, reject })
      if (!lane.call) schedule(lane)
    })
  }

  /** At the end of this event-loop turn, so that the rest of its requests join the call. */
  function schedule(lane: Lane): void {
    due.add(lane)
    if (due.size === 1) setImmediate(startDue)
  }

  function startDue(): void {
    for (const lane of due) start(lane)
    due.clear()
  }

  function start(lane: Lane): void {
    if (lane.call || lane.queue.length === 0) return
    let operations = 0
    let end = 0
    for (const waiting of lane.queue) {
      operations += waiting.operations.length
      if (operations > maxOperations && end > 0) break
      end++
    }
    lane.call = end === lane.queue.length ? lane.queue : lane.queue.slice(0, end)
    lane.queue = end === lane.queue.length ? [] : lane.queue.slice(end)
    lane.number++
    void run(lane, lane.call)
  }

  async function run(lane: Lane, waiting: Waiting[]): Promise<void> {
    try {
      const answer = await untilAnswered(lane, waiting)
      if (answer) settle(waiting, answer)
      else lane.queue = [...patient(waiting), ...lane.queue]
    } catch (error) {
      for (const one of waiting) one.reject(error as Error)
    }
    lane.call = undefined
    if (lane.queue.length > 0) schedule(lane)
  }

  /** The script's answer to this call; undefined when the call has not run and never will. */
  async function untilAnswered(lane: Lane, waiting: Waiting[]): Promise<string | undefined> {
    let call: ReturnType<typeof encode> | undefined
    for (let attempt = 0; ; attempt++) {
      if (closed && attempt > 0 && performance.now() - (waiting[0] as Waiting).since > patienceMs)
        throw new StoreUnavailable('closed before the store answered')
      try {
        const epoch = lane.epoch?.open ? lane.epoch : await store.epoch(lane.shard, lane.name)
        lane.epoch = epoch
        if (lane.ahead === undefined) {
          const [seconds, micros] = await epoch.redis.time()
          lane.ahead = Number(seconds) * 1e6 + Number(micros) - performance.now() * 1000
        }
        call ??= encode(lane, lane.ahead, waiting)
        const sent = performance.now()
        const reply = await callScript(epoch.redis, 'count_apply', call.keys, [epoch.replid, ...call.args])
        const [word, key, number, answer, time] = reply as [string, string, string, string, string]
        if (key !== lane.writerKey || number !== call.args[0]) {
          // Another call's reply: replies were lost on this connection, and none of it can be trusted.
          epoch.redis.stream.destroy()
          continue
        }
        lane.ahead = Number(time) - performance.now() * 1000
        if (word === 'done') {
          options.onCall?.(call.operations, (performance.now() - sent) / 1000)
          if (ack === 'replica') await replicated(epoch)
          return answer
        }
        if (word !== 'unrecovered') {
          log.warn({ shard: lane.shard, word }, 'a call came too late and was not run')
          return undefined
        }
        await store.doubt(epoch)
      } catch (error) {
        if (!(error instanceof Error)) throw error
        if (/^(OOM|NOREPLICAS|MISCONF|WAIT)/.test(error.message)) throw new StoreUnavailable(error.message)
        if (/^(BAD_ARG|ERR|NOPERM|WRONGTYPE|CROSSSLOT)/.test(error.message)) throw error
        if (lane.epoch && /^(READONLY|MOVED|ASK|CLUSTERDOWN)/.test(error.message))
          await store.doubt(lane.epoch)
        if (!lane.epoch?.open) lane.epoch = undefined
        if (attempt === 3)
          log.warn({ shard: lane.shard, reason: error.message }, 'a call is not answered; repeating it')
      }
      await delay(Math.min(10 * 2 ** Math.min(attempt, 5), 200))
    }
  }

  async function replicated(epoch: Epoch): Promise<void> {
    const replicas = await epoch.redis.wait(1, replicaWaitMs)
    if (replicas < 1) throw new StoreUnavailable('WAIT: no replica has the write yet')
  }

  function encode(lane: Lane, ahead: number, waiting: readonly Waiting[]) {
    const keys = store.keys(lane.shard)
    const generation = Math.floor((performance.now() + ahead / 1000) / keptMs)
    const named = [keys.clock, keys.recovered, lane.writerKey, keys.dirty.queue, keys.changes.queue]
    for (const n of [generation + 1, generation, generation - 1]) named.push(keys.idempotency(n))
    const counts = new Map<string, number>()
    const names = new Map<string, number>()
    let requests = ''
    let size = 0
    for (const { idempotency, final, operations } of waiting) {
      size += operations.length
      let key = 0
      if (idempotency) {
        const name = hash('sha1', idempotency.scope, 'base64url')
        key = names.get(name) ?? names.size + 1
        names.set(name, key)
      }
      requests += `${requests ? ',' : ''}[${key},"${idempotency?.content ?? ''}",${final ? 1 : 0}`
      for (const { id, kind, amount, ifVersion } of operations) {
        let count = counts.get(id)
        if (count === undefined) {
          count = counts.size + 1
          counts.set(id, count)
          named.push(keys.count(id), keys.history(id))
        }
        requests += `,${count},${ifVersion === undefined ? kinds[kind] : 2},${kind === 'decrement' ? -amount : amount}`
        if (ifVersion !== undefined) requests += `,${ifVersion}`
      }
      requests += ']'
    }
    const { offset, changesAt, next } = options.zone.offsets(Date.now())
    const deadline = Math.floor(performance.now() * 1000 + ahead + deadlineMicros)
    const times = [deadline, offset, changesAt, next, keptMs, generation]
    return {
      operations: size,
      keys: named,
      args: [String(lane.number), ...times, `[${requests}]`, ...names.keys()],
    }
  }

  function settle(waiting: readonly Waiting[], answer: string): void {
    const answers = JSON.parse(answer) as (string | number)[][]
    for (let i = 0; i < waiting.length; i++) {
      const results = answers[i] as (string | number)[]
      const replayed = results[0] === 1
      const outcomes: Outcome[] = []
      for (let at = 1; at < results.length; at += 3) {
        const [first, second, third] = [results[at], results[at + 1] as number, results[at + 2] as number]
        if (typeof first === 'string')
          outcomes.push({ word: first as Refused, value: second, version: third, replayed })
        else outcomes.push({ word: 'ok', value: first as number, version: second, delta: third, replayed })
      }
      ;(waiting[i] as Waiting).resolve(outcomes)
    }
  }

  /** Those that may go on waiting; the others are told that the store does not answer. */
  function patient(waiting: Waiting[]): Waiting[] {
    const before = performance.now() - patienceMs
    return waiting.filter((one) => {
      if (one.since >= before) return true
      one.reject(new StoreUnavailable('the value store does not answer'))
      return false
    })
  }

  /** What has waited too long is told so; its call goes on being repeated, what was never sent is dropped. */
  function sweep(): void {
    const before = performance.now() - patienceMs
    for (const lane of lanes) {
      if (lane.call) patient(lane.call)
      if (lane.queue[0] && lane.queue[0].since < before) lane.queue = patient(lane.queue)
    }
  }
  const sweeper = setInterval(sweep, 100)

  /** Takes no more requests and answers those in hand; resolves when none is left. */
  async function close(): Promise<void> {
    closed = true
    while (lanes.some((lane) => lane.call || lane.queue.length > 0)) await delay(10)
    clearInterval(sweeper)
  }

  return {
    apply,
    /** Finds every shard's primary and recovers what needs it, before the first write asks for it. */
    warm: () => Promise.allSettled(lanes.map((lane) => store.epoch(lane.shard, lane.name))),
    /** Requests waiting, and the age of the oldest in ms. */
    backlog: () => {
      const oldest = Math.min(
        ...lanes.map((lane) => (lane.call ?? lane.queue)[0]?.since ?? Number.POSITIVE_INFINITY),
      )
      return {
        waiting: lanes.reduce((sum, lane) => sum + lane.queue.length + (lane.call?.length ?? 0), 0),
        oldestMs: Number.isFinite(oldest) ? performance.now() - oldest : 0,
      }
    },
    close,
  }
}
