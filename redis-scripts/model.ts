import type { Buckets, Info, Offsets, Op, Outcome, QueueName, Reply, Request } from './script-calls.ts'
import { bucketsOf } from './script-calls.ts'

export interface Record {
  value: number
  version: number
  min: number | ''
  max: number | ''
  status: 'active' | 'paused' | 'archived'
  revision: number
  created: number
  /** Every change of its life, imports included; at in µs. */
  changes: { at: number; delta: number }[]
}

export interface Change {
  from: number
  delta: number
  operations: number
  value: number
  version: number
}

/** Buckets that a reader may ask for, back from now: minutes 2 days, hours 90 days, days 10 years. */
const kept: { [letter: string]: number } = { m: 2 * 1440, h: 90 * 24, d: 3653 }
const range = 2 ** 52 - 1

/**
 * What the scripts promise of one shard, said plainly: no packing, no open buckets, no rings, no merging. Its clock is
 * ahead of every real one, so that it alone decides versions; `now` is the last one given out.
 */
export function createModel(now: number, offsets: Offsets) {
  const live = new Map<string, Record>()
  const gone = new Map<string, Record>()
  const answers = new Map<string, { content: string; outcomes: Outcome[] }>()
  const blocks = new Set<string>()
  const changes = { queue: new Map<string, Change>(), claimed: new Map<string, Change>() }
  const dirty = { queue: new Map<string, number>(), claimed: new Map<string, number>() }
  const leases = {
    changes: { holder: '', number: 0, held: false },
    dirty: { holder: '', number: 0, held: false },
  }
  let clock = now
  let revision = 0

  const take = () => ++clock
  const hourOf = (at: number) => Math.floor(at / 3.6e9)

  function touch(id: string, created: number, hour: number): void {
    const name = `${id} ${created}`
    if (!dirty.queue.has(name)) dirty.queue.set(name, hour)
  }

  function create(info: Required<Info>, value: number, restore: boolean): Reply {
    const [here, aside] = [live.get(info.id), gone.get(info.id)]
    if (here?.created === info.created) return ['exists', here.value, here.version]
    const back = restore && aside?.created === info.created && info.revision > aside.revision
    if ((here?.created ?? 0) > info.created || (here && back)) return ['stale']
    if (!back && (aside?.created ?? 0) >= info.created) return ['stale']
    const version = take()
    if (here) {
      gone.set(info.id, { ...here, revision: info.created - 1 })
      touch(info.id, here.created, hourOf(version))
    }
    const { id, created, min, max, status } = info
    const start = back && aside ? { value: aside.value, changes: aside.changes } : { value, changes: [] }
    if (back) gone.delete(id)
    live.set(id, { ...start, version, min, max, status, revision: info.revision, created })
    touch(id, created, hourOf(version))
    revision = Math.max(revision, info.revision)
    return [back ? 'restored' : 'created', start.value, version]
  }

  function update(info: Required<Info>): Reply {
    const here = live.get(info.id)
    if (!here || here.created < info.created) return ['missing']
    if (here.created > info.created || here.revision > info.revision) return ['stale']
    if (here.revision === info.revision) return ['same', here.value, here.version]
    const { min, max, status } = info
    if ((min !== '' && here.value < min) || (max !== '' && here.value > max)) return ['bounds', here.value]
    Object.assign(here, { min, max, status, revision: info.revision })
    revision = Math.max(revision, info.revision)
    const version = take()
    touch(info.id, here.created, hourOf(version))
    return ['updated', here.value, version]
  }

  function remove(info: Required<Info>): Reply {
    const [here, aside] = [live.get(info.id), gone.get(info.id)]
    if (here?.created !== info.created) {
      if (aside?.created === info.created) return ['gone', aside.value, aside.version]
      return [(here?.created ?? 0) > info.created ? 'stale' : 'missing']
    }
    if (here.revision > info.revision) return ['stale']
    live.delete(info.id)
    gone.set(info.id, { ...here, revision: info.revision })
    revision = Math.max(revision, info.revision)
    const version = take()
    touch(info.id, here.created, hourOf(version))
    return ['removed', here.value, version]
  }

  function operate({ id, kind, amount, version: expected }: Op, at: number): Outcome {
    const here = live.get(id)
    if (!here) return ['missing', 0, 0]
    const refused = (word: string): Outcome => [word, here.value, here.version]
    if (here.status !== 'active') return refused(here.status)
    if (kind === 2 && expected !== here.version) return refused('mismatch')
    const value = kind === 0 ? here.value + amount : amount
    if (Math.abs(value) > range) return refused('range')
    if ((here.min !== '' && value < here.min) || (here.max !== '' && value > here.max))
      return refused('bounds')
    const [delta, from, version] = [value - here.value, here.version, take()]
    Object.assign(here, { value, version })
    here.changes.push({ at, delta })
    const name = `${id} ${here.created}`
    const before = changes.queue.get(name) ?? { from, delta: 0, operations: 0 }
    const [sum, operations] = [before.delta + delta, before.operations + 1]
    changes.queue.set(name, { from: before.from, delta: sum, operations, value, version })
    touch(id, here.created, hourOf(at))
    return ['ok', value, version, delta]
  }

  function apply(requests: Request[]): { replayed: boolean; outcomes: Outcome[] }[] {
    const at = clock + 1
    return requests.map(({ operations, key, content = '', final = true }) => {
      const before = key === undefined ? undefined : answers.get(key)
      if (before?.content === content) return { replayed: true, outcomes: before.outcomes }
      if (before) return { replayed: false, outcomes: [['reused', 0, 0]] }
      if (!final && operations.some(({ id }) => !live.has(id))) {
        return {
          replayed: false,
          outcomes: operations.map(({ id }) => [live.has(id) ? 'waiting' : 'missing', 0, 0]),
        }
      }
      const outcomes = operations.map((operation) => operate(operation, at))
      if (key !== undefined && (outcomes.length === 0 || outcomes.some(([word]) => word === 'ok')))
        answers.set(key, { content, outcomes })
      return { replayed: false, outcomes }
    })
  }

  function claim(queue: QueueName, drainer: string): (string | number)[] {
    const [lease, moved] = [leases[queue], queue === 'changes' ? changes : dirty]
    if (lease.held && lease.holder !== drainer) return ['leased', lease.holder]
    if (moved.claimed.size === 0) {
      if (moved.queue.size === 0) return ['empty']
      Object.assign(moved, { claimed: moved.queue, queue: new Map() })
    }
    leases[queue] = { holder: drainer, number: lease.number + 1, held: true }
    return ['claimed', `${lease.number + 1}`, moved.claimed.size]
  }

  const holds = (queue: QueueName, drainer: string, number: number) =>
    leases[queue].holder === drainer && leases[queue].number === number

  function renew(queue: QueueName, drainer: string, number: number): string[] {
    if (!holds(queue, drainer, number)) return ['lost']
    leases[queue].held = true
    return ['renewed']
  }

  function ack(queue: QueueName, drainer: string, number: number): string[] {
    if (!holds(queue, drainer, number)) return ['lost']
    leases[queue] = { holder: '', number, held: false }
    ;(queue === 'changes' ? changes : dirty).claimed = new Map()
    return ['acknowledged']
  }

  function importHistory(
    job: string,
    block: number,
    counts: { id: string; created: number; rows: [number, number][] }[],
  ) {
    if (blocks.has(`${job} ${block}`)) return ['repeated']
    blocks.add(`${job} ${block}`)
    take()
    const missing = counts.flatMap(({ id, created, rows }, i) => {
      const here = live.get(id)
      if (here?.created !== created) return [i + 1]
      here.changes.push(...rows.map(([at, delta]) => ({ at, delta })))
      const hour = Math.min(...rows.map(([at]) => hourOf(at)))
      const name = `${id} ${created}`
      dirty.queue.set(name, Math.min(hour, dirty.queue.get(name) ?? hour))
      return []
    })
    return ['imported', ...missing]
  }

  /** Whether history still keeps the bucket: only those are promised. */
  function keeps(name: string): boolean {
    const letter = name.slice(0, 1)
    const current = bucketsOf(clock, offsets).find((bucket) => bucket.letter === letter)
    return (current?.index ?? 0) - Number(name.slice(1)) < (kept[letter] ?? 0)
  }

  /** The changes of a record, summed by bucket, as far back as history keeps them. */
  function buckets(record: Record): Buckets {
    const sums: Buckets = {}
    for (const { at, delta } of record.changes) {
      for (const { letter, index } of bucketsOf(at, offsets))
        sums[`${letter}${index}`] = (sums[`${letter}${index}`] ?? 0) + delta
    }
    return Object.fromEntries(Object.entries(sums).filter(([name, sum]) => sum !== 0 && keeps(name)))
  }

  return {
    create,
    update,
    remove,
    apply,
    claim,
    renew,
    ack,
    importHistory,
    keeps,
    /** Time passes: the next version is `ms` later. */
    pass: (ms: number) => {
      clock += ms * 1000
    },
    /** The lease's holder has been silent for too long. */
    expire: (queue: QueueName) => {
      leases[queue].held = false
    },
    live,
    gone,
    answers,
    clock: () => clock,
    /** All that can be seen of the shard. */
    state: () => {
      const seen = (records: Map<string, Record>) =>
        Object.fromEntries([...records].map(([id, record]) => [id, { ...record, changes: buckets(record) }]))
      const entries = <T>(map: Map<string, T>) => Object.fromEntries(map)
      return {
        clock,
        revision,
        live: seen(live),
        gone: seen(gone),
        changes: entries(changes.queue),
        changesClaimed: entries(changes.claimed),
        dirty: entries(dirty.queue),
        dirtyClaimed: entries(dirty.claimed),
        leases,
      }
    },
  }
}

export type Model = ReturnType<typeof createModel>
