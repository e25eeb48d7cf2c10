import { parseArgs } from 'node:util'
import { type Target, targetLine } from './bench/report.ts'
import { readRealSeries } from './forecast/real-series.ts'
import { type Judged, judge } from './forecast/rolling.ts'
import { number, table } from './table.ts'

const usage = `npm run forecast -- [--first <share>] [--quick]
Forecasts real series (vega-datasets) from many points in their past, each time from what lies before only, and
compares with what came: 12 months or 24 hours ahead.
  --first  the share of each series that lies before the first origin: default 0.25
  --quick  every seventh origin of employment, the others in proportion: for a first look`

const { values } = parseArgs({
  options: {
    first: { type: 'string', default: '0.25' },
    quick: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})
const first = Number(values.first)
if (values.help || !(first > 0 && first < 1)) {
  console.log(usage)
  process.exit(values.help ? 0 : 2)
}

const judged: [name: string, Judged][] = []
for (const series of await readRealSeries()) {
  const horizon = series.granularity === 'hour' ? 24 : 12
  // Some 90 origins each, at every phase of a season.
  const every =
    (series.values.length < 200 ? 1 : series.granularity === 'hour' ? 29 : 7) * (values.quick ? 7 : 1)
  judged.push([series.name, judge(series, { first, every, horizon })])
}

const mean = (of: (series: Judged) => number) =>
  judged.reduce((sum, [, series]) => sum + of(series), 0) / judged.length
const percent = (share: number) => `${number(100 * share, 1)} %`
const columns: [header: string, of: (series: Judged) => number, told: (value: number) => string][] = [
  ['origins', (s) => s.origins, number],
  ['MASE', (s) => s.mase, (value) => number(value, 3)],
  ['seasonal naive', (s) => s.naiveMase, (value) => number(value, 3)],
  ['sMAPE', (s) => s.smape, (value) => number(value, 2)],
  ['in 80 %', (s) => s.covered80, percent],
  ['in 95 %', (s) => s.covered95, percent],
  ['CPU, at most', (s) => s.slowestMs, (value) => `${number(value)} ms`],
]
const methods = (of: Map<string, number>) =>
  [...of]
    .sort((a, b) => b[1] - a[1])
    .map(([method, times]) => `${method} ${times}`)
    .join(', ')

console.log(
  table(
    ['series', ...columns.map(([header]) => header), 'methods chosen'],
    [
      ...judged.map(([name, series]) => [
        name,
        ...columns.map(([, of, told]) => told(of(series))),
        methods(series.methods),
      ]),
      ['mean', ...columns.map(([, of, told]) => told(mean(of))), ''],
    ],
  ),
)

const ratio = mean((s) => s.mase) / mean((s) => s.naiveMase)
const covered = mean((s) => s.covered95)
const targets: Target[] = [
  {
    what: 'mean MASE against the seasonal naive method’s',
    met: ratio <= 0.9,
    told: `${number(ratio, 2)}, aim ≤ 0.9`,
  },
  {
    what: '95 % intervals, mean over all origins',
    met: covered >= 0.92 && covered <= 0.98,
    told: `${percent(covered)}, aim 92–98 %`,
  },
]
console.log(`\n${targets.map(targetLine).join('\n')}`)
