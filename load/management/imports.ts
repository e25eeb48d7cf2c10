import { limitTarget, type Section } from '../bench/report.ts'
import { number } from '../table.ts'
import { growthOf, megabytes } from './memory.ts'
import type { World } from './world.ts'

const most = 60

/** Files of as many lines as a customer brings on the first day: new counts, changed ones, unchanged ones, and their past. */
export async function imports({ server, administrator, lines }: World): Promise<Section> {
  const rows: string[][] = []
  const targets = []
  const all = <T>(line: (n: number) => T) => Array.from({ length: lines }, (_, n) => line(n))
  const csv = (name: string, id: string) =>
    `id,name,description,unit,tags,min,max,initialValue\n${all((n) => `${id}${n},${name} ${n},Of a file,pcs,a|b,0,1000000,${n % 100}\n`).join('')}`
  const now = Date.now()
  const files: [string, 'counts' | 'history', string, () => string][] = [
    ['create, CSV', 'counts', 'text/csv', () => csv('Count', 'csv-')],
    ['update, CSV', 'counts', 'text/csv', () => csv('Renamed', 'csv-')],
    ['nothing new, CSV', 'counts', 'text/csv', () => csv('Renamed', 'csv-')],
    [
      'create, JSONL',
      'counts',
      'application/x-ndjson',
      () => all((n) => `${JSON.stringify({ id: `json-${n}`, name: `수 ${n}`, tags: ['a'] })}\n`).join(''),
    ],
    [
      'history, CSV',
      'history',
      'text/csv',
      () =>
        `id,timestamp,delta\n${all((n) => `csv-${n % 1000},${new Date(now - (n % 2000) * 3_600_000).toISOString()},1\n`).join('')}`,
    ],
  ]
  for (const [what, kind, type, file] of files) {
    const text = file()
    const { result, growth } = await growthOf(server.pid, () => administrator.importFile(kind, text, type))
    const { job, upload, seconds, seen } = result
    const cells = [seconds, upload].map((value) => number(value, 1))
    rows.push([what, ...cells, number(job.processed / seconds), number(seen), megabytes(growth)])
    targets.push(limitTarget(`${number(lines)} lines, ${what}`, seconds, most, 's'))
    process.stderr.write(`  ${what}: ${number(seconds, 1)} s\n`)
  }
  return {
    title: 'Imports',
    text: `Files of ${number(lines)} lines; from the first byte sent to the end of the job.`,
    headers: ['file', 'seconds', 'of them upload', 'lines/s', 'progress told', 'server’s memory, more'],
    rows,
    targets,
  }
}
