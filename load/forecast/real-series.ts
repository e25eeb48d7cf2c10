import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { AnalysisSeries } from 'count-analysis-service/schemas/series'

/** The series of vega-datasets that forecasts are judged on: employment by month, CO₂ by month, commits by hour. */
export async function readRealSeries(): Promise<AnalysisSeries[]> {
  const [employment, co2, github] = await Promise.all(
    ['us-employment.csv', 'co2-concentration.csv', 'github.csv'].map(readCsv),
  )
  const [, ...columns] = employment?.headers ?? []
  return [
    ...columns.map((name, i) =>
      monthly(
        name,
        name.endsWith('_change') ? 'change' : 'value',
        (employment?.rows ?? []).map((row) => [row[0] ?? '', Number(row[i + 1])]),
      ),
    ),
    monthly(
      'co2',
      'value',
      (co2?.rows ?? []).map((row) => [row[0] ?? '', Number(row[1])]),
    ),
    hourly('github', github?.rows ?? []),
  ]
}

async function readCsv(name: string) {
  // The package exports its code alone, not its files.
  const path = join(import.meta.dirname, '../../node_modules/vega-datasets/data', name)
  const [headers = [], ...rows] = (await readFile(path, 'utf8'))
    .trim()
    .split(/\r?\n/)
    .map((line) => line.split(','))
  return { headers, rows }
}

const shared = { unit: '', zone: 'UTC', partial: false, min: null, max: null }

/** Months that the file lacks are gaps. */
function monthly(
  name: string,
  measure: 'change' | 'value',
  rows: readonly (readonly [date: string, value: number])[],
): AnalysisSeries {
  const known = new Map(rows)
  const last = Temporal.PlainDate.from(rows.at(-1)?.[0] ?? '')
  const at: string[] = []
  const values: (number | null)[] = []
  for (
    let month = Temporal.PlainDate.from(rows[0]?.[0] ?? '');
    Temporal.PlainDate.compare(month, last) <= 0;
    month = month.add({ months: 1 })
  ) {
    at.push(`${month}T00:00:00Z`)
    values.push(known.get(String(month)) ?? null)
  }
  return { ...shared, id: name, name, granularity: 'month', measure, at, values, falls: true }
}

/** Hours that the file lacks had nothing to count. */
function hourly(name: string, rows: string[][]): AnalysisSeries {
  const hour = (text: string | undefined) =>
    Date.parse(`${(text ?? '').replaceAll('/', '-').replace(' ', 'T')}Z`) / 3_600_000
  const first = hour(rows[0]?.[0])
  const values = new Array<number>(hour(rows.at(-1)?.[0]) - first + 1).fill(0)
  for (const [time, count] of rows) values[hour(time) - first] = Number(count)
  const at = values.map((_, i) => new Date((first + i) * 3_600_000).toISOString())
  return { ...shared, id: name, name, granularity: 'hour', measure: 'change', at, values, falls: false }
}
