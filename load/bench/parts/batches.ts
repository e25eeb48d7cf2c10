import { number } from '../../table.ts'
import { type Comparison, compare, comparisonTable, connectionCounts, rateOf } from '../compare.ts'
import type { Measured } from '../load.ts'
import type { Section } from '../report.ts'
import type { Contender } from '../rounds.ts'
import { setFsync, type World } from '../world.ts'

const size = 100
const ours = `batches of ${size}`
const bareName = 'bare Fastify'
const webdisName = 'webdis INCR'
const least = 100_000
const leastTimes = 1.5

/** Increments a second in batches of 100 under one idempotency key. */
export async function batches(world: World): Promise<Section> {
  const server = await world.server()
  const [bare, webdis] = [await world.bare(), await world.webdis()]
  const ids = await world.counts('bench:', 1000)
  await setFsync(await world.plain(), 'always')

  const comparison = await compare(world, (connections) => {
    const batch = (name: string, url: string): Contender<Measured> => ({
      name,
      run: async (seconds) => {
        const measured = await world.send({ url, kind: 'batch', connections }, ids, seconds)
        return { ...measured, rate: measured.rate * size }
      },
    })
    const single = (url: string): Contender<Measured> => ({
      name: webdisName,
      run: (seconds) => world.send({ url, kind: 'incr', connections }, ids, seconds),
    })
    return [batch(ours, server.url), batch(bareName, bare), ...(webdis ? [single(webdis)] : [])]
  })

  return {
    title: 'Batches',
    text: `Increments a second in batches of ${size} over 1,000 counts, each batch under one idempotency key, fsync always;
webdis sends one INCR a request, fsync always.`,
    ...comparisonTable(comparison, bareName),
    targets: connectionCounts.map((connections) => batchTarget(comparison, connections)),
  }
}

function batchTarget(comparison: Comparison, connections: (typeof connectionCounts)[number]) {
  const rate = rateOf(comparison, ours, connections)
  const other = rateOf(comparison, webdisName, connections)
  // Without webdis there is one aim only.
  const aim = Math.max(least, Number.isNaN(other) ? 0 : leastTimes * other)
  const times = Number.isNaN(other) ? '' : `; / webdis INCR ${number(other)} = ${(rate / other).toFixed(2)}`
  return {
    what: `increments in ${ours}, ${connections} connections`,
    met: rate >= aim,
    told: `${number(rate)}/s${times}; aim ≥ ${number(aim)}/s, the higher of ${number(least)} and ${leastTimes} × webdis`,
  }
}
