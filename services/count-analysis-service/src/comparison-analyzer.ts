import type { Comparison, ComparisonOptions, Correlation, Difference } from './schemas/comparison.ts'
import type { AnalysisSeries, Column, Granularity } from './schemas/series.ts'
import { completeOf } from './statistics/complete.ts'
import { correlationOf } from './statistics/correlation.ts'
import { growthOf } from './statistics/growth.ts'
import { entry } from './statistics/order.ts'
import { standings } from './statistics/standing.ts'
import { holm, signedRank } from './statistics/wilcoxon.ts'

/** Shared buckets below which neither correlation nor difference means much. */
const fewest = 8
const naturalLag: Record<Granularity, number> = { minute: 60, hour: 24, day: 14, week: 8, month: 12 }

/**
 * Which of several counts is ahead, which gains, what moves together and which differ for sure (ComparisonAnalyzer of UC-004).
 *
 * Pure and total, as `analyseTrend` is.
 *
 * @param given 2 to 50 series of one granularity and measure, aligned by instant: buckets that one lacks are gaps there. A
 *   count against its own past comes as two, the past one under the instants that it is compared with
 */
export function compare(given: AnalysisSeries[], options: ComparisonOptions = {}): Comparison {
  const series = given.map((one) => ({ ...one, ...completeOf(one) }))
  const { granularity = 'day', zone = 'UTC', measure = 'change' } = series[0] ?? {}
  const { at, columns } = align(series)
  const common = at.filter((_, i) => columns.every((values) => values[i] !== null)).length
  const enough = common >= fewest
  const split = Math.ceil(at.length / 2)
  const items = standings(series, at, columns, split)
  const maxLag = Math.min(options.maxLag ?? naturalLag[granularity], Math.floor(at.length / 4))
  const values = correlationOf(columns, maxLag)
  const changes = correlationOf(columns.map(stepsOf), maxLag)
  const differences = differencesOf(columns)

  return {
    granularity,
    zone,
    measure,
    enough,
    missing: enough ? null : { buckets: fewest - common },
    buckets: {
      complete: at.length,
      common,
      partial: series.some((one, i) => one.values.length < (given[i]?.values.length ?? 0)),
    },
    halves: { split: at[split] ?? null },
    at,
    items,
    maxLag,
    correlation: { values, changes },
    test: 'wilcoxon-signed-rank',
    differences,
    summary: summaryOf(items, differences, measure === 'value' ? changes : values),
  }
}

/** The union of all instants in order, and each series' values there. */
function align(series: AnalysisSeries[]): { at: string[]; columns: Column[] } {
  const starts = new Map<number, string>()
  const lines = series.map((one) => {
    const values = new Map<number, number | null>()
    for (const [i, start] of one.at.entries()) {
      const ms = Date.parse(start)
      if (!starts.has(ms)) starts.set(ms, start)
      values.set(ms, one.values[i] ?? null)
    }
    return values
  })
  const instants = [...starts.keys()].sort((a, b) => a - b)
  return {
    at: instants.map((ms) => starts.get(ms) as string),
    columns: lines.map((values) => instants.map((ms) => values.get(ms) ?? null)),
  }
}

/** The steps from bucket to bucket; null next to a gap. */
const stepsOf = (values: Column): Column =>
  values.slice(1).map((value, i) => {
    const before = values[i] ?? null
    return value === null || before === null ? null : value - before
  })

/** a − b by bucket, where both are known. */
function apart(a: Float64Array, b: Float64Array): Float64Array {
  const differences = new Float64Array(a.length)
  let known = 0
  for (let i = 0; i < a.length; i++) {
    const difference = entry(a, i) - entry(b, i)
    if (!Number.isNaN(difference)) differences[known++] = difference
  }
  return differences.subarray(0, known)
}

function differencesOf(columns: Column[]): Difference[] {
  const lines = columns.map((column) => Float64Array.from(column, (value) => value ?? Number.NaN))
  const tests = lines.flatMap((x, a) =>
    lines.slice(a + 1).map((y, k) => ({ a, b: a + 1 + k, ...signedRank(apart(x, y)) })),
  )
  const plain = holm(tests.map(({ p }) => p))
  const cautious = holm(tests.map((test) => test.cautious))
  return tests.map((test, i) => {
    const sure = cautious[i] ?? null
    return { ...test, holm: plain[i] ?? null, cautious: sure, significant: sure !== null && sure < 0.05 }
  })
}

function summaryOf(
  items: Comparison['items'],
  differences: Difference[],
  { lagged, lag }: Correlation,
): Comparison['summary'] {
  const best = (
    score: (item: Comparison['items'][number], i: number) => number | null,
    above = Number.NEGATIVE_INFINITY,
  ) =>
    items.reduce<{ i: number | null; score: number }>(
      (leading, item, i) => {
        const own = score(item, i)
        return own !== null && own > leading.score ? { i, score: own } : leading
      },
      { i: null, score: above },
    )
  const leader = best(({ total }) => total)
  const second = best(({ total }, i) => (i === leader.i ? null : total))
  const apart = leader.i !== null && second.i !== null
  const pair = differences.find(
    ({ a, b }) =>
      a === Math.min(leader.i ?? -1, second.i ?? -1) && b === Math.max(leader.i ?? -1, second.i ?? -1),
  )
  const closest = differences
    .map(({ a, b }) => ({ a, b, r: lagged[a]?.[b] ?? null, lag: lag[a]?.[b] ?? 0 }))
    .reduce<Comparison['summary']['closest']>(
      (top, { r, ...pair }) => (r !== null && Math.abs(r) > Math.abs(top?.r ?? 0) ? { ...pair, r } : top),
      null,
    )
  return {
    leader: leader.i,
    second: second.i,
    ahead: apart ? growthOf(leader.score, second.score).ratio : null,
    certain: pair?.significant ?? false,
    fastest: best(({ growth }) => growth.ratio).i,
    climber: best(({ moved }) => moved, 0).i,
    closest,
  }
}
