import { readFile } from 'node:fs/promises'
import type { CountWithPast } from './history.ts'
import { dataFile } from './vega-data.ts'

const noonMs = 12 * 3_600_000

/**
 * Employment in the US by month and sector (US Bureau of Labor Statistics, 2006–2015, in npm's vega-datasets), moved by whole
 * months so that the last one is over. The data are thousands with one decimal: as hundreds they are whole numbers. The first
 * month is where the levels begin, and no change.
 */
export async function employmentByMonth(now: number): Promise<CountWithPast[]> {
  const [head = '', ...lines] = (await readFile(dataFile('us-employment.csv'), 'utf8')).trim().split('\n')
  const [, ...sectors] = head.split(',')
  const rows = lines.map((line) => {
    const [month = '', ...levels] = line.split(',')
    return { month: monthOf(new Date(month)), levels: levels.map((level) => Math.round(Number(level) * 10)) }
  })
  const shift = monthOf(new Date(now)) - 1 - Math.max(...rows.map(({ month }) => month))
  return sectors.map((sector, column) => {
    const levels = rows.map(({ levels }) => levels[column] ?? 0)
    return {
      id: `us-employment:${sector}`,
      name: `US employment: ${sector.replaceAll('_', ' ')}`,
      unit: '100 jobs',
      tags: ['us-employment'],
      begin: levels[0] ?? 0,
      changes: rows.slice(1).map(({ month }, i) => ({
        at: Date.UTC(1970, month + shift, 1) + noonMs,
        delta: (levels[i + 1] ?? 0) - (levels[i] ?? 0),
      })),
    }
  })
}

/** Months since January 1970. */
const monthOf = (date: Date) => (date.getUTCFullYear() - 1970) * 12 + date.getUTCMonth()
