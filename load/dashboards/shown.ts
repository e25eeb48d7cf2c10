import type { Panel } from '@count/core/dashboards'
import { seedCounts, seededIds } from '../bench/seed.ts'
import { openClient } from '../client.ts'
import { type Server, startServer } from '../server.ts'
import { haveDashboard, type Session, signIn } from './session.ts'

/** A server of our own with counts and dashboards that show them. */
export interface Shown {
  server: Server
  session: Session
  dashboards: string[]
  ids: string[]
}

/** Number panels, six beside each other. */
const panels = (ids: string[]): Panel[] =>
  ids.map((id, n) => ({
    id: `p${n}`,
    type: 'number',
    title: id,
    counts: { ids: [id] },
    spark: false,
    layout: { x: (n % 6) * 2, y: Math.floor(n / 6) * 2, w: 2, h: 2 },
  }))

/** Starts it, until the end of `closing`. */
export async function openShown(
  closing: AsyncDisposableStack,
  { kafka, dashboards, countsEach }: { kafka: boolean; dashboards: number; countsEach: number },
): Promise<Shown> {
  const server = await startServer(closing, { kafka })
  const client = openClient(server.url, { connections: 4 })
  closing.defer(() => client.close())
  const ids = seededIds('bench:', dashboards * countsEach)
  await seedCounts(server.stores, ids)
  const session = await signIn(client, server)
  const made: string[] = []
  for (let n = 0; n < dashboards; n++) {
    const shown = ids.slice(n * countsEach, (n + 1) * countsEach)
    made.push(await haveDashboard(client, session, { name: `Benchmark ${n}`, panels: panels(shown) }))
  }
  return { server, session, dashboards: made, ids }
}
