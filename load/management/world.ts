import { type Described, seedCounts } from '../bench/seed.ts'
import type { Server } from '../server.ts'
import type { Administrator } from './administrator.ts'

/** What the parts share. */
export interface World {
  server: Server
  administrator: Administrator
  /** of an imported file */
  lines: number
  /** how many "a million" are */
  counts: number
  /** Makes those, once. */
  seeded(): Promise<void>
}

const areas = ['shop', 'page', 'site', 'game', 'poll', 'stock', 'quota', 'video']
const words = ['주문', '가입', '결제', '방문', '재고', '투표', '재생', '남은 한도']

/** The metadata of the n-th of many counts: words of both languages, a tag of a tenth, tags of a hundred teams, a few paused. */
const described = (id: string, n: number): Described => ({
  name: `${words[Math.floor(n / 8) % 8]} 카운트 ${id.slice(0, 4)} ${(n * 7919) % 1_000_003}`,
  tags: ['search', `team-${n % 100}`, `label-${n % 20_000}`, ...(n % 10 === 0 ? ['tenth'] : [])],
  status: n % 1000 === 7 ? 'paused' : 'active',
})

export function openWorld(server: Server, administrator: Administrator, scale: number): World {
  const counts = 1_000_000 * scale
  let making: Promise<void> | undefined
  return {
    server,
    administrator,
    lines: 100_000 * scale,
    counts,
    seeded() {
      const start = performance.now()
      const ids = Array.from({ length: making ? 0 : counts }, (_, n) => `${areas[n % 8]}.${n % 97}.${n}`)
      making ??= seedCounts(server.stores, ids, described).then(() => {
        process.stderr.write(
          `  made ${counts} counts in ${Math.round((performance.now() - start) / 1000)} s\n`,
        )
      })
      return making
    },
  }
}
