import { limitTarget, type Section } from '../bench/report.ts'
import { number } from '../table.ts'
import { growthOf, megabytes } from './memory.ts'
import type { World } from './world.ts'

/** What a stream may hold on its way, in MiB: far less than the files. */
const most = 150

/** Exports of few and of many counts: what the server needs for them does not grow with them. */
export async function exports({ server, administrator, counts, seeded }: World): Promise<Section> {
  await seeded()
  const rows: string[][] = []
  const targets = []
  for (const [what, path] of [
    [`${number(counts / 10)} counts, CSV`, `/export/counts?format=csv&tag=tenth`],
    [`${number(counts)} counts, CSV`, '/export/counts?format=csv&tag=search'],
    [`${number(counts)} counts, JSONL`, '/export/counts?format=ndjson&tag=search'],
  ] as const) {
    const start = performance.now()
    const { result, growth } = await growthOf(server.pid, () => administrator.drain(path))
    const seconds = (performance.now() - start) / 1000
    rows.push([what, number(seconds, 1), megabytes(result), megabytes(growth)])
    targets.push(limitTarget(`memory for ${what}`, growth / 2 ** 20, most, 'MiB'))
  }
  return {
    title: 'Exports',
    text: 'Read as fast as they come.',
    headers: ['export', 'seconds', 'file', 'server’s memory, more'],
    rows,
    targets,
  }
}
