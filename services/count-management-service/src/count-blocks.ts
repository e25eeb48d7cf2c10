import { setTimeout as delay } from 'node:timers/promises'
import { within } from '@count/core/away'
import type { Sql, TransactionSql } from '@count/core/postgres'
import type { Logger } from 'pino'

/** Counts of a block at most. */
export const blockCounts = 256
/** Of a signature: a power of two. */
const signatureBits = 16_384
const bitsPerFeature = 4
/** A block whose counts are of many features is smaller, so that a look at its signature still says something. */
const mostBitsSet = signatureBits * 0.4
/** Blocks made in one transaction: some 20 ms of work. */
const blocksAtOnce = 16
/** Written counts whose blocks are looked for. */
const fewNotes = 10_000
/** Written counts that are taken note of in one transaction. */
const mostNotes = 200_000
/** Counts written since the last time while somebody writes very many: an import, which has the machine for itself. */
const busyNotes = 1000
const everyMs = 2000
const patienceMs = 60_000
/** How much longer than the work the rest after it is. */
const rest = 4
/** When a block is made again: it forgets what its counts no longer have, and small ones become one. */
const old = '1 day'
/** Any number: processes take turns in this work. */
const turn = 7_268_102

/** A count as searches see it. */
interface Searched {
  search: string
  tags: string[]
  status: string
}

/** What a count has that a search may want is known by its hash: FNV-1a, its bits mixed. */
function featureOf(text: string, from = 0, to = text.length): number {
  let hash = 0x811c9dc5
  for (let at = from; at < to; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d)
  return hash ^ (hash >>> 13)
}

/** Every three characters in a row, and the first of the id and of each word: of text as the column `search` has it. */
function eachRun(text: string, visit: (feature: number) => void): void {
  for (let at = 0; at + 1 < text.length; at++) {
    if (text[at] === '\n') visit(featureOf(text, at, at + 2))
    if (at + 2 < text.length) visit(featureOf(text, at, at + 3))
  }
}

/** What every count has in whose `search` the term is: three and more characters, or a line feed and the first of a word. */
export function featuresOfTerm(term: string): number[] {
  const features: number[] = []
  eachRun(term, (feature) => features.push(feature))
  return features
}
export const featureOfTag = (tag: string): number => featureOf(`tag ${tag}`)
export const featureOfStatus = (status: string): number => featureOf(`status ${status}`)

/** One of the bits of a signature that stand for a feature. */
const bitOf = (feature: number, n: number) =>
  (feature + n * ((Math.imul(feature, 0x297a2d39) >>> 7) | 1)) & (signatureBits - 1)
export const bitsOf = (feature: number): number[] =>
  Array.from({ length: bitsPerFeature }, (_, n) => bitOf(feature, n))

/** A Bloom filter of the features of counts, until it is full. */
export function openSignature() {
  const bytes = Buffer.alloc(signatureBits / 8)
  let set = 0
  function add(feature: number): void {
    for (let n = 0; n < bitsPerFeature; n++) {
      // As get_bit() of PostgreSQL counts them.
      const bit = bitOf(feature, n)
      const byte = bytes[bit >> 3] as number
      const mask = 1 << (bit & 7)
      if ((byte & mask) === 0) set++
      bytes[bit >> 3] = byte | mask
    }
  }
  return {
    bytes,
    full: () => set > mostBitsSet,
    add({ search, tags, status }: Searched) {
      eachRun(search, add)
      for (const tag of tags) add(featureOfTag(tag))
      add(featureOfStatus(status))
    },
  }
}

/** Where a block begins: what its order goes by, and the id. */
interface Key {
  at: string
  name: string
  id: string
}

interface Block {
  sort: 'id' | 'name' | 'updatedAt'
  low: Key
  high: Key
}

/** Whether this process is the one that works now, until the transaction ends. */
async function inTurn(tx: TransactionSql): Promise<boolean> {
  const [row] = await tx<[{ got: boolean }]>`select pg_try_advisory_xact_lock(${turn}) as got`
  return row.got
}

/**
 * Takes the signatures from blocks that have counts written since; from all, where too many were written to look for each.
 * From then on those counts are found as members of blocks of which nothing is known. @returns how many were noted
 */
async function forgetWritten(sql: Sql): Promise<number> {
  return await sql.begin(async (tx) => {
    if (!(await inTurn(tx))) return 0
    const few = (await tx`select from count_unsigned limit ${fewNotes + 1}`).count <= fewNotes
    const noted = tx`noted as (delete from count_unsigned where seq in (select seq from count_unsigned order by seq limit ${mostNotes}) returning id)`
    const places = tx`
      select distinct sort, low_at, low_name, low_id from (select distinct id from noted) written
      join count_info c on c.id = written.id and deleted_at is null
      cross join lateral (values ('id', '-infinity'::timestamptz, '', c.id), ('name', '-infinity', name_key, c.id),
        ('updatedAt', updated_at, '', c.id)) k(sort, at, name, id)
      cross join lateral (select low_at, low_name, low_id from count_block b
        where b.sort = k.sort and (low_at, low_name, low_id) <= (k.at, k.name, k.id)
        order by low_at desc, low_name desc, low_id desc limit 1) b`
    const gone = await tx`with ${noted},
      forgotten as (update count_block set signature = null where signature is not null
        ${few ? tx`and (sort, low_at, low_name, low_id) in (${places})` : tx``})
      select from noted`
    return gone.count
  })
}

/** Where a block of an order begins whose first count is this one. */
const keyOf = (sort: string, { at, name, id }: Key): Key => ({
  at: sort === 'updatedAt' ? at : '-infinity',
  name: sort === 'name' ? name : '',
  id,
})

/** The counts of a block, in its order. */
function countsOf(tx: TransactionSql, { sort, low, high }: Block, limit: number) {
  const by = { id: tx`id`, name: tx`name_key, id`, updatedAt: tx`updated_at, id` }[sort]
  const place = ({ at, name, id }: Key) =>
    ({ id: tx`${id}`, name: tx`${name}, ${id}`, updatedAt: tx`${at}::text::timestamptz, ${id}` })[sort]
  return tx<
    (Searched & Key)[]
  >`select id, name_key as name, updated_at::text as at, search, tags, status from count_info
    where deleted_at is null and (${by}) >= (${place(low)}) and (${by}) < (${place(high)}) order by ${by} limit ${limit}`
}

/** Some blocks in a row that have no signature, or old ones: the first, and how far they reach. */
async function findUnsigned(tx: TransactionSql): Promise<Block | undefined> {
  const found = await tx<{ block: Block; unsigned: boolean }[]>`
    with first as (
      select * from (
        (select true as unsigned, sort, low_at, low_name, low_id from count_block where signature is null
          order by sort, low_at, low_name, low_id limit 1)
        union all
        (select false, sort, low_at, low_name, low_id from count_block where built_at < now() - ${old}::interval order by built_at limit 1)
      ) either order by unsigned desc limit 1)
    select jsonb_build_object('sort', b.sort,
        'low', jsonb_build_object('at', b.low_at::text, 'name', b.low_name, 'id', b.low_id),
        'high', jsonb_build_object('at', high_at::text, 'name', high_name, 'id', high_id)) as block,
      signature is null as unsigned
    from first f join count_block b on b.sort = f.sort and (b.low_at, b.low_name, b.low_id) >= (f.low_at, f.low_name, f.low_id)
    order by b.low_at, b.low_name, b.low_id limit ${blocksAtOnce}`
  const [first] = found
  if (!first) return undefined
  const end = found.findIndex(({ unsigned }) => unsigned !== first.unsigned)
  return { ...first.block, high: (found.at(end === -1 ? -1 : end - 1) ?? first).block.high }
}

/** Makes the blocks in a stretch of an order anew, each with its signature. @returns whether there was any to make */
async function sign(sql: Sql): Promise<boolean> {
  return await sql.begin(async (tx) => {
    if (!(await inTurn(tx))) return false
    const stretch = await findUnsigned(tx)
    if (!stretch) return false
    const { sort, low, high } = stretch
    const most = blockCounts * blocksAtOnce
    const counts = await countsOf(tx, stretch, most + 1)
    const blocks: { low: Key; signature: string | null }[] = []
    let begin = low
    let signature = openSignature()
    let members = 0
    const end = () => blocks.push({ low: begin, signature: signature.bytes.toString('hex') })
    for (const count of counts.slice(0, most)) {
      if (members === blockCounts || signature.full()) {
        end()
        begin = keyOf(sort, count)
        signature = openSignature()
        members = 0
      }
      signature.add(count)
      members++
    }
    end()
    // What is beyond is for the next time.
    const beyond = counts[most]
    if (beyond) blocks.push({ low: keyOf(sort, beyond), signature: null })
    const lows = blocks.map((block) => block.low)
    const highs = [...lows.slice(1), high]
    const column = (keys: Key[], part: keyof Key) => keys.map((key) => key[part])
    await tx`delete from count_block where sort = ${sort} and (low_at, low_name, low_id) >= (${low.at}::text::timestamptz, ${low.name}, ${low.id})
      and (low_at, low_name, low_id) < (${high.at}::text::timestamptz, ${high.name}, ${high.id})`
    await tx`insert into count_block (sort, low_at, low_name, low_id, high_at, high_name, high_id, signature)
      select ${sort}, low_at::timestamptz, low_name, low_id, high_at::timestamptz, high_name, high_id, decode(signature, 'hex')
      from unnest(${column(lows, 'at')}::text[], ${column(lows, 'name')}::text[], ${column(lows, 'id')}::text[],
        ${column(highs, 'at')}::text[], ${column(highs, 'name')}::text[], ${column(highs, 'id')}::text[],
        ${blocks.map((block) => block.signature)}::text[]) as b(low_at, low_name, low_id, high_at, high_name, high_id, signature)`
    return true
  })
}

/**
 * Brings blocks up to date with what was written. Any number of processes may, at once.
 * @param untilMs when to leave the rest for the next time; that is at once while many counts are being written
 * @returns whether all is done
 */
export async function signBlocks(sql: Sql, untilMs = Number.POSITIVE_INFINITY): Promise<boolean> {
  const over = () => performance.now() > untilMs
  for (let noted = mostNotes; noted === mostNotes; ) {
    noted = await forgetWritten(sql)
    if (over() || (noted > busyNotes && untilMs !== Number.POSITIVE_INFINITY)) return false
  }
  while (await sign(sql)) if (over()) return false
  return true
}

/** Does so every two seconds, a fifth of the time at most. */
export function startSigning({ sql, log }: { sql: Sql; log: Logger }) {
  const closing = new AbortController()
  const { signal } = closing

  async function work(): Promise<void> {
    while (!signal.aborted) {
      const begin = performance.now()
      try {
        await within(patienceMs, 'CountInfoDB', signBlocks(sql, begin + everyMs / rest))
      } catch (error) {
        log.debug({ reason: String(error) }, 'signatures wait')
      }
      const took = performance.now() - begin
      await delay(Math.max(everyMs, rest * took), undefined, { signal }).catch(() => undefined)
    }
  }
  const working = work()
  return {
    async close() {
      closing.abort()
      await working
    },
  }
}
