import type { CountCache } from '@count/core/count-cache'
import type { CountReader } from '@count/core/count-reader'
import type { Range } from '@count/core/dashboards'
import { seriesKey } from '@count/core/keys'
import type { Zone } from '@count/core/zone'
import { z } from 'zod'
import { bucketsOf, type Levels, levelsOf, type RangeBuckets } from './range-buckets.ts'

/** Series of one range: the buckets, and the levels of each count that could be read. */
export interface RangeSeries extends RangeBuckets {
  readAt: number
  levels: Map<string, Levels>
}

export type SeriesReader = ReturnType<typeof createSeriesReader>

const keepMs = 10_000
/** Counts in one script call, so that none holds the replica up for long. */
const chunk = 50

const kept = z.object({
  open: z.int(),
  created: z.int(),
  base: z.int(),
  values: z.array(z.int()),
})

/**
 * Reads the series of panels, by way of the cache (CA-025A), where one lives for 10 s. A change ends it no sooner: whatever
 * changed after the reading lies in the bucket that is open, whose level the reader takes from the count's present value;
 * one whose open bucket has ended is read anew.
 */
export function createSeriesReader({
  reader,
  cache,
  zone,
}: {
  reader: Pick<CountReader, 'pasts'>
  cache: Pick<CountCache, 'ask'>
  zone: Zone
}) {
  /**
   * @param lives Of each count the revision that its present life began with
   */
  async function read(lives: ReadonlyMap<string, number>, range: Range, nowMs = Date.now()) {
    const buckets = bucketsOf(range, nowMs, zone)
    const series: RangeSeries = { ...buckets, readAt: nowMs, levels: new Map() }
    await Promise.all(
      Array.from(lives, async ([id, created]) => {
        const text = await cache.ask(id, (redis) => redis.get(seriesKey(id, range)))
        const found = text ? kept.safeParse(JSON.parse(text)).data : undefined
        if (found?.created === created && found.open === buckets.open) series.levels.set(id, found)
      }),
    )
    const missed = [...lives.keys()].filter((id) => !series.levels.has(id))
    await Promise.all(
      Array.from({ length: Math.ceil(missed.length / chunk) }, (_, i) =>
        readPart(missed.slice(i * chunk, (i + 1) * chunk), range, series),
      ),
    )
    return series
  }

  async function readPart(ids: string[], range: Range, series: RangeSeries): Promise<void> {
    for (const [id, answer] of await reader.pasts(ids, series.window)) {
      if (typeof answer === 'string') continue
      const levels = levelsOf(answer.record, series)
      series.levels.set(id, levels)
      const { created } = answer.record
      const text = JSON.stringify({ open: series.open, created, ...levels })
      void cache.ask(id, (redis) => redis.set(seriesKey(id, range), text, 'PX', keepMs))
    }
  }

  return {
    read,
    /** Whether a series may still be shown, its last level replaced by the count's present value. */
    fresh: (series: RangeSeries, range: Range, nowMs = Date.now()): boolean =>
      nowMs - series.readAt < keepMs && bucketsOf(range, nowMs, zone).open === series.open,
  }
}
