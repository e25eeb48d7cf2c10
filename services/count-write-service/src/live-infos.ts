import type { Infos } from '@count/core/count-infos'
import type { CountInfo } from '@count/core/schemas'
import { StoreUnavailable } from '@count/core/value-store'

/** CountInfo of those ids that are live, by id. Rejects with StoreUnavailable while CountInfoDB is away. */
export type LiveInfos = (ids: string[]) => Promise<Map<string, CountInfo>>

export function liveInfos(infos: Pick<Infos, 'find'>): LiveInfos {
  return async (ids) => {
    const live = new Map<string, CountInfo>()
    for (const [id, found] of await infos.find(ids.map((id) => ({ id, fence: 0 })))) {
      if (found === 'away') throw new StoreUnavailable('CountInfoDB is away')
      if (found !== 'missing') live.set(id, found)
    }
    return live
  }
}
