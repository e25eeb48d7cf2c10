import type { CacheEntry } from './count-cache.ts'
import type { InfoAsk, Infos } from './count-infos.ts'
import type { CountRecord, Found, Query, Records } from './count-records.ts'
import type { CountInfo } from './schemas.ts'

/** An info, and when it was read if it came from the cache. */
export interface SeenInfo {
  info: CountInfo
  readAt?: number
}

/** A count whose info and record belong together; else why there is none. */
export type Joined<T> = { info: SeenInfo; record: T } | 'missing' | 'away'

export interface JoinQuery<T extends CountRecord> {
  /** What the cache said of each count; a count without an entry has neither fences nor anything cached. */
  entries: ReadonlyMap<string, CacheEntry>
  /** Reads records from the value store. */
  query: Query<T>
  /** A record that need not be read. */
  known?(id: string): T | undefined
  /** Nothing from the cache and nothing from copies. */
  strong: boolean
}

/** An info is taken from the cache for so long, then only while CountInfoDB is away. */
const infoFreshMs = 30_000

export type Joiner = ReturnType<typeof openJoiner>

/** Brings info and record of counts together, each from the cache where that will do, else from its store, in parallel (CA-019). */
export function openJoiner(infos: Infos, records: Records) {
  /**
   * Where info and record do not belong together (no record, or one of another life of the id) one of them was out of date:
   * both are asked of the databases proper. A count that CountInfoDB still knows then but the value store lacks is `away`.
   */
  async function join<T extends CountRecord>(
    ids: readonly string[],
    request: JoinQuery<T>,
  ): Promise<Map<string, Joined<T>>> {
    const [seen, stored] = await Promise.all([findInfos(ids, request), findRecords(ids, request)])
    const joined = new Map<string, Joined<T>>()
    const torn: string[] = []
    for (const id of ids) {
      const info = seen.get(id) ?? 'away'
      const record = stored.get(id) ?? 'away'
      if (typeof info === 'string') joined.set(id, info)
      else if (record === 'away') joined.set(id, 'away')
      else if (record !== 'missing' && record.created === info.info.created) joined.set(id, { info, record })
      else torn.push(id)
    }
    if (torn.length > 0) {
      const again = request.strong
        ? torn.map((id) => [id, 'away'] as const)
        : await join(torn, { ...request, strong: true })
      for (const [id, answer] of again) joined.set(id, answer)
    }
    return joined
  }

  /** Infos alone. */
  async function findInfos(
    ids: readonly string[],
    { entries, strong }: Pick<JoinQuery<CountRecord>, 'entries' | 'strong'>,
  ): Promise<Map<string, Found<SeenInfo>>> {
    const found = new Map<string, Found<SeenInfo>>()
    const asks: InfoAsk[] = []
    for (const id of ids) {
      const { info, looked = 0, infoFence = 0 } = entries.get(id) ?? {}
      const good = !strong && info && info.info.revision >= infoFence && looked - info.readAt < infoFreshMs
      if (good) found.set(id, info)
      else asks.push({ id, fence: infoFence })
    }
    if (asks.length === 0) return found
    for (const [id, info] of await infos.find(asks, strong)) {
      const stale = strong ? undefined : entries.get(id)?.info
      if (info === 'away') found.set(id, stale ?? 'away')
      else found.set(id, info === 'missing' ? 'missing' : { info })
    }
    return found
  }

  async function findRecords<T extends CountRecord>(
    ids: readonly string[],
    request: JoinQuery<T>,
  ): Promise<Map<string, Found<T>>> {
    const { entries, query, known, strong } = request
    const found = new Map<string, Found<T>>()
    const asks = []
    for (const id of ids) {
      const entry = entries.get(id)
      const record = strong ? undefined : known?.(id)
      if (record) found.set(id, record)
      else asks.push({ id, fence: entry?.valueFence ?? 0, created: entry?.info?.info.created })
    }
    const records_ = asks.length > 0 ? await records.find(asks, query, strong) : []
    asks.forEach(({ id }, i) => {
      found.set(id, records_[i] ?? 'away')
    })
    return found
  }

  return { join, findInfos }
}
