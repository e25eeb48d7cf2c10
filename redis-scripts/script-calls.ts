import type { Callable } from './script-store.ts'

/** One operation of count_apply: kind 0 adds, 1 sets, 2 sets if the version is `version`. */
export interface Op {
  id: string
  kind: 0 | 1 | 2
  amount: number
  version?: number
}

export const add = (id: string, amount: number): Op => ({ id, kind: 0, amount })
export const set = (id: string, amount: number, version?: number): Op =>
  version === undefined ? { id, kind: 1, amount } : { id, kind: 2, amount, version }

export interface Request {
  operations: Op[]
  /** Absent: no answer is kept. */
  key?: string
  content?: string
  /** Default true: missing counts are refused one by one. */
  final?: boolean
}

/** What became of an operation: `["ok", value, version, delta]`, or the refusal with the present value and version. */
export type Outcome = [word: string, value: number, version: number, delta?: number]
export interface Answer {
  replayed: boolean
  outcomes: Outcome[]
}

/** What a zone's days are cut by: seconds east of UTC, and from `changesAt` (seconds since 1970) on, `next`. */
export interface Offsets {
  offset: number
  changesAt: number
  next: number
}
const utc: Offsets = { offset: 0, changesAt: 8_640_000_000_000, next: 0 }

export interface ApplyOptions {
  writer?: string
  number?: number
  deadline?: number
  replid?: string
  offsets?: Offsets
  keptMs?: number
  /** Which generation of answers the caller believes in; default the present one. */
  generation?: number
}

let calls = 0

/** KEYS and ARGV of count_apply. */
export function encodeApply(shard: Callable, requests: Request[], options: ApplyOptions = {}) {
  const { keys } = shard
  const { writer = `w${++calls}`, number = 1, deadline = 9e15, replid = shard.replid } = options
  const { offsets = utc, keptMs = 3_600_000 } = options
  const ids = [...new Set(requests.flatMap(({ operations }) => operations.map(({ id }) => id)))]
  const names = [...new Set(requests.flatMap(({ key }) => (key === undefined ? [] : [key])))]
  const json = requests.map(({ operations, key, content = '', final = true }) => [
    key === undefined ? 0 : names.indexOf(key) + 1,
    content,
    final ? 1 : 0,
    ...operations.flatMap((op) => [
      ids.indexOf(op.id) + 1,
      op.kind,
      op.amount,
      ...(op.kind === 2 ? [op.version] : []),
    ]),
  ])
  const generation = options.generation ?? Math.floor(Date.now() / keptMs)
  const kept = [generation + 1, generation, generation - 1].map(keys.idempotency)
  const named = [
    keys.clock,
    keys.recovered,
    keys.writer(writer),
    keys.dirty.queue,
    keys.changes.queue,
    ...kept,
  ]
  const counts = ids.flatMap((id) => [keys.count(id), keys.history(id)])
  const { offset, changesAt, next } = offsets
  return {
    keys: [...named, ...counts],
    args: [
      replid,
      number,
      deadline,
      offset,
      changesAt,
      next,
      keptMs,
      generation,
      JSON.stringify(json),
      ...names,
    ],
  }
}

export async function apply(shard: Callable, requests: Request[], options: ApplyOptions = {}) {
  const call = encodeApply(shard, requests, options)
  const reply = (await shard.call('count_apply', call.keys, call.args)) as [
    string,
    string,
    string,
    string,
    string,
  ]
  const [word, writer, number, answer, time] = reply
  return { word, writer, number: Number(number), answers: parseAnswers(answer), time: Number(time) }
}

function parseAnswers(text: string): Answer[] {
  const answers = text === '' ? [] : (JSON.parse(text) as [number, ...(string | number)[]][])
  return answers.map(([replayed, ...rest]) => {
    const outcomes: Outcome[] = []
    for (let i = 0; i < rest.length; i += 3) {
      const [first, second, third] = [rest[i], Number(rest[i + 1]), Number(rest[i + 2])]
      outcomes.push(typeof first === 'string' ? [first, second, third] : ['ok', Number(first), second, third])
    }
    return { replayed: replayed === 1, outcomes }
  })
}

/** Applies operations as one request without a key, in a call of its own; what became of each. */
export async function operate(shard: Callable, ...operations: Op[]): Promise<Outcome[]> {
  const { word, answers } = await apply(shard, [{ operations }])
  if (word !== 'done') throw new Error(`the call was ${word}`)
  return answers[0]?.outcomes ?? []
}

/** What CountManager knows of a count. */
export interface Info {
  id: string
  created?: number
  revision?: number
  status?: 'active' | 'paused' | 'archived'
  min?: number | ''
  max?: number | ''
}

/** `[word, value?, version?]` of a script about one record. */
export type Reply = [word: string, value?: number, version?: number]

const reply = ([word, value, version]: string[]): Reply => {
  if (version !== undefined) return [word as string, Number(value), Number(version)]
  return value === undefined ? [word as string] : [word as string, Number(value)]
}

const recordKeys = ({ keys }: Callable, id: string) => [
  keys.count(id),
  keys.history(id),
  keys.gone(id),
  keys.goneHistory(id),
]

export async function create(
  shard: Callable,
  { id, created = 1, revision = created, status = 'active', min = '', max = '' }: Info,
  { value = 0, restore = false }: { value?: number | string; restore?: boolean } = {},
): Promise<Reply> {
  const { clock, dirty, revision: revisions } = shard.keys
  const keys = [...recordKeys(shard, id), clock, dirty.queue, revisions]
  const args = [id, created, revision, status, min, max, value, restore ? '1' : '']
  return reply((await shard.call('count_create', keys, args)) as string[])
}

export async function update(shard: Callable, info: Info): Promise<Reply> {
  const { id, created = 1, revision = 2, status = 'active', min = '', max = '' } = info
  const { clock, dirty, revision: revisions } = shard.keys
  const keys = [shard.keys.count(id), clock, dirty.queue, revisions]
  return reply(
    (await shard.call('count_update', keys, [id, created, revision, status, min, max])) as string[],
  )
}

export async function remove(shard: Callable, { id, created = 1, revision = 2 }: Info): Promise<Reply> {
  const { clock, dirty, revision: revisions } = shard.keys
  const keys = [...recordKeys(shard, id), clock, dirty.queue, revisions]
  return reply((await shard.call('count_remove', keys, [id, created, revision])) as string[])
}

export interface Archived {
  id: string
  created?: number
  revision?: number
  status?: string
  min?: number | ''
  max?: number | ''
  value: number
  version: number
  /** Version to bring it back under. */
  anew: number
  removed?: boolean
  /** Packed blocks by field. */
  history?: Record<string, string>
}

export async function restore(shard: Callable, archived: Archived): Promise<Reply> {
  const {
    id,
    created = 1,
    revision = 1,
    status = 'a',
    min = '',
    max = '',
    removed = false,
    history = {},
  } = archived
  const keys = [...recordKeys(shard, id), shard.keys.changes.queue, shard.keys.dirty.queue]
  const args = [id, created, revision, status, min, max, archived.value, archived.version, archived.anew]
  const packed = JSON.stringify(Object.entries(history).flat())
  return reply((await shard.call('count_restore', keys, [...args, removed ? '1' : '', packed])) as string[])
}

export type QueueName = 'changes' | 'dirty'

export async function claim(shard: Callable, queue: QueueName, drainer: string, leaseMs = 10_000) {
  const keys = shard.keys[queue]
  return (await shard.call('queue_claim', [keys.queue, keys.claimed, keys.lease], [drainer, leaseMs])) as (
    | string
    | number
  )[]
}

export async function renew(
  shard: Callable,
  queue: QueueName,
  drainer: string,
  number: string,
  leaseMs = 10_000,
) {
  return (await shard.call('queue_renew', [shard.keys[queue].lease], [drainer, number, leaseMs])) as string[]
}

export async function ack(shard: Callable, queue: QueueName, drainer: string, number: string) {
  const { claimed, lease } = shard.keys[queue]
  return (await shard.call('queue_ack', [claimed, lease], [drainer, number])) as string[]
}

/** Past changes of one count: at (µs since 1970), delta. */
export interface Imported {
  id: string
  created?: number
  rows: [at: number, delta: number][]
}

const granularities = [
  { letter: 'm', seconds: 60, size: 60, ring: 50 },
  { letter: 'h', seconds: 3600, size: 24, ring: 92 },
  { letter: 'd', seconds: 86_400, size: 32, ring: 117 },
] as const

/** Seconds east of UTC at an instant. */
export const offsetAt = ({ offset, changesAt, next }: Offsets, seconds: number) =>
  seconds < changesAt ? offset : next

/** History buckets by granularity and index, as in `m29800123`; those without change are left out. */
export type Buckets = Record<string, number>

/** The buckets that a change falls into. */
export function bucketsOf(
  at: number,
  offsets: Offsets = utc,
): { letter: string; index: number; size: number; ring: number }[] {
  const time = Math.floor(at / 1e6)
  return granularities.map(({ letter, seconds, size, ring }) => {
    const local = letter === 'd' ? time + offsetAt(offsets, time) : time
    return { letter, index: Math.floor(local / seconds), size, ring }
  })
}

export async function importHistory(
  shard: Callable,
  job: string,
  block: number,
  counts: Imported[],
  offsets = utc,
) {
  const { keys } = shard
  const wanted = counts.map(({ id, created = 1, rows }) => {
    const quads = rows.flatMap(([at, delta]) =>
      bucketsOf(at, offsets).flatMap(({ letter, index, size, ring }) => {
        const stands = Math.floor(index / size)
        return [`${letter}${stands % ring}`, stands, index % size, delta]
      }),
    )
    return [id, String(created), Math.floor(Math.min(...rows.map(([at]) => at)) / 3.6e9), ...quads]
  })
  const named = [keys.clock, keys.dirty.queue, keys.imported(job)]
  const counted = counts.flatMap(({ id }) => [keys.count(id), keys.history(id)])
  return (await shard.call('history_import', [...named, ...counted], [block, JSON.stringify(wanted)])) as (
    | string
    | number
  )[]
}

/** What a reader makes of a history hash and the record's open buckets. */
export function readBuckets(packed: Record<string, string>, open = ''): Buckets {
  const sums: Buckets = {}
  const count = (name: string, delta: number) => {
    sums[name] = (sums[name] ?? 0) + delta
  }
  for (const [field, text] of Object.entries(packed)) {
    const [block, ...parts] = text.split(';')
    const letter = field.slice(0, 1)
    const shape = granularities.find((one) => one.letter === letter)
    if (!shape || Number(block) % shape.ring !== Number(field.slice(1)))
      throw new Error(`${field} holds ${text}`)
    for (const part of parts) {
      const [index, delta] = part.split(':').map(Number)
      count(`${letter}${Number(block) * shape.size + (index as number)}`, delta as number)
    }
  }
  if (open) {
    const [minute, inMinute, inHour, day, inDay] = open.split(':').map(Number) as [
      number,
      number,
      number,
      number,
      number,
    ]
    count(`m${minute}`, inMinute)
    count(`h${Math.floor(minute / 60)}`, inHour)
    count(`d${day}`, inDay)
  }
  return Object.fromEntries(Object.entries(sums).filter(([, sum]) => sum !== 0))
}

/** The buckets of a live count, closed and open. */
export async function history(shard: Callable, id: string): Promise<Buckets> {
  const open = await shard.redis.hget(shard.keys.count(id), 'o')
  return readBuckets(await shard.redis.hgetall(shard.keys.history(id)), open ?? '')
}

/** Moves the shard's clock ahead of every real one, so that the next version is `next`. */
export async function setClock(shard: Callable, next: number): Promise<void> {
  await shard.redis.set(shard.keys.clock, String(next - 1))
}

/** A time in µs far ahead of the store's own: from there on the clock alone decides versions. */
export const at = (iso: string): number => Date.parse(iso) * 1000
