import { readFile } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { number } from '../../table.ts'
import type { Section } from '../report.ts'
import type { World } from '../world.ts'

const connections = 64
const sampleMs = 500
/** A leak grows on; a collector breathes by less than this. */
const most = 1.25

/** Resident memory of a process in MiB (Linux). */
async function residentMiB(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  return Number(status.match(/^VmRSS:\s+(\d+) kB/m)?.[1]) / 1024
}

/** Whether the services' process grows under a steady load. */
export async function soak(world: World): Promise<Section> {
  const { url, pid } = await world.server()
  const { soakSeconds } = world.pains
  const ids = await world.counts('bench:', 1000)
  if (pid === undefined) throw new Error('the server is not ours')

  const samples = [await residentMiB(pid)]
  let over = false
  const sampling = (async () => {
    while (!over) {
      await delay(sampleMs)
      samples.push(await residentMiB(pid))
    }
  })()
  const measured = await world.send({ url, kind: 'increment', connections }, ids, soakSeconds).finally(() => {
    over = true
  })
  await sampling

  const at = (share: number) => samples[Math.round((samples.length - 1) * share)] ?? Number.NaN
  const moments = [0, 0.25, 0.5, 0.75, 1]
  return {
    title: 'Memory of the services over a load',
    text: `Resident memory of the one process that runs all services, during ${soakSeconds} s of increments from ${connections} connections (${number(measured.rate)}/s, ${number(measured.failed)} failed). It has been measured on before.`,
    headers: ['', 'start', '1/4', 'middle', '3/4', 'end', 'highest'],
    rows: [['MiB', ...moments.map((share) => number(at(share))), number(Math.max(...samples))]],
    targets: [
      {
        what: 'memory at the end / in the middle',
        met: at(1) / at(0.5) <= most,
        told: `${number(at(1))} / ${number(at(0.5))} MiB = ${(at(1) / at(0.5)).toFixed(2)}, aim ≤ ${most}`,
      },
    ],
  }
}
