import { readFile } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { correlationOf } from '../../src/statistics/correlation.ts'
import {
  kolmogorovTail,
  logGamma,
  normalQuantile,
  normalTail,
  studentQuantile,
  studentTail,
} from '../../src/statistics/distributions.ts'
import { mstl } from '../../src/statistics/mstl.ts'
import { slopeOf } from '../../src/statistics/slope.ts'
import { stl } from '../../src/statistics/stl.ts'
import { holm, signedRank } from '../../src/statistics/wilcoxon.ts'

const numbers = z.array(z.number())
const nullable = z.number().nullable()
const options = z.object({
  robust: z.boolean().optional(),
  seasonal: z.int().optional(),
  inner_iter: z.int().optional(),
  outer_iter: z.int().optional(),
  trend_jump: z.int().optional(),
  low_pass_jump: z.int().optional(),
})
const components = { series: z.string(), options, at: numbers, trend: numbers, seasonal: z.array(numbers) }
const byFreedom = z.record(z.string(), numbers)

/** What make.py beside this file wrote: the answers of SciPy, statsmodels and pymannkendall. */
const reference = z
  .object({
    series: z.record(z.string(), numbers),
    trend: z.record(
      z.string(),
      z.object({
        slope: z.number(),
        intercept: z.number(),
        lower: z.number(),
        upper: z.number(),
        s: z.number(),
        variance: z.number(),
        z: z.number(),
        p: z.number(),
        tau: nullable,
        corrected: z.number().optional(),
      }),
    ),
    stl: z.array(z.object({ ...components, period: z.int() })),
    mstl: z.array(z.object({ ...components, periods: numbers })),
    pairs: z.array(
      z.object({
        a: z.string(),
        b: z.string(),
        n: z.int(),
        correlation: numbers,
        changes: numbers,
        lag: z.int(),
        lagged: z.number(),
        w: z.number(),
        p: z.number(),
        median: z.number(),
      }),
    ),
    holm: z.object({ p: numbers, corrected: numbers }),
    distributions: z.object({
      x: numbers,
      normal: numbers,
      student: byFreedom,
      kolmogorov: numbers,
      share: numbers,
      normalQuantile: numbers,
      studentQuantile: byFreedom,
      gamma: numbers,
      logGamma: numbers,
    }),
  })
  .parse(JSON.parse(await readFile(new URL('./statistics.json', import.meta.url), 'utf8')))

const valuesOf = (name: string) => Float64Array.from(reference.series[name] ?? [])

/** Agreement to 1e-6 of the number itself, or of `unit` where numbers near 0 come from larger ones. */
function agree(ours: number | null | undefined, theirs: number | null | undefined, unit = 0) {
  if (typeof ours !== 'number' || typeof theirs !== 'number') expect(ours).toBe(theirs)
  else expect(Math.abs(ours - theirs)).toBeLessThanOrEqual(1e-6 * Math.max(Math.abs(theirs), unit))
}

describe('slope and test of a trend agree with scipy.stats.theilslopes and kendalltau, and with pymannkendall', () => {
  test.each(Object.entries(reference.trend))('%s', (name, theirs) => {
    const values = [...valuesOf(name)]
    const { slope: plain, test: mk } = slopeOf(values)
    agree(plain.perBucket, theirs.slope)
    agree(plain.intercept, theirs.intercept)
    agree(plain.lower, theirs.lower)
    agree(plain.upper, theirs.upper)
    agree(mk?.s, theirs.s)
    agree(mk?.variance, theirs.variance)
    agree(mk?.z, theirs.z)
    agree(mk?.p, theirs.p)
    agree(mk?.tau, theirs.tau)
    // Never less cautious than without correction, unlike theirs; and to 1e-4 only, as theirs gives ranks to the rounding
    // of detrended values that are equal.
    const { corrected } = theirs
    if (corrected !== undefined) {
      agree(mk?.corrected.variance, Math.max(corrected, theirs.variance), 100 * corrected)
    }
  })
})

describe('decompositions agree with statsmodels', () => {
  /** Components come from the whole series' size: 1e-6 of its spread. */
  function compare(
    values: Float64Array,
    theirs: z.infer<z.ZodObject<typeof components>>,
    trend: Float64Array,
    seasonal: Float64Array[],
  ) {
    const unit = Math.max(...values) - Math.min(...values)
    for (const [k, i] of theirs.at.entries()) {
      agree(trend[i], theirs.trend[k], unit)
      for (const [season, part] of seasonal.entries()) agree(part[i], theirs.seasonal[season]?.[k], unit)
    }
  }

  test.each(reference.stl)('STL of $series by $period: $options', (theirs) => {
    const { robust, seasonal, trend_jump: trend = 1, low_pass_jump: lowPass = 1 } = theirs.options
    const values = valuesOf(theirs.series)
    const ours = stl(values, { period: theirs.period, robust, seasonal, jumps: { trend, lowPass } })
    compare(values, theirs, ours.trend, [ours.seasonal])
  })

  test.each(reference.mstl)('MSTL of $series by $periods: $options', (theirs) => {
    const { robust, inner_iter: inner, outer_iter: outer } = theirs.options
    const values = valuesOf(theirs.series)
    const ours = mstl(values, theirs.periods, { robust, inner, outer })
    expect(ours.seasonal).toHaveLength(theirs.seasonal.length)
    compare(values, theirs, ours.trend, ours.seasonal)
    for (const [i, value] of values.entries()) {
      const parts = ours.seasonal.reduce(
        (sum, part) => sum + (part[i] ?? 0),
        (ours.trend[i] ?? 0) + (ours.remainder[i] ?? 0),
      )
      agree(parts, value, 1)
    }
  })
})

describe('pairs agree with scipy.stats', () => {
  test.each(reference.pairs)('$a and $b', (theirs) => {
    const pair = [theirs.a, theirs.b].map((name) => [...valuesOf(name).subarray(0, theirs.n)])
    const steps = pair.map((values) => values.slice(1).map((value, i) => value - (values[i] ?? 0)))
    const values = correlationOf(pair, 14)
    const changes = correlationOf(steps, 14)
    agree(values.pearson[0]?.[1], theirs.correlation[0])
    agree(values.spearman[1]?.[0], theirs.correlation[1])
    agree(changes.pearson[0]?.[1], theirs.changes[0])
    agree(changes.spearman[0]?.[1], theirs.changes[1])
    agree(values.lagged[0]?.[1], theirs.lagged)
    expect(values.lag[0]?.[1]).toBe(theirs.lag)
    const apart = Float64Array.from(pair[0] ?? [], (value, i) => value - (pair[1]?.[i] ?? 0))
    const { w, p, median } = signedRank(apart)
    agree(w, theirs.w)
    agree(p, theirs.p)
    agree(median, theirs.median)
  })

  test('Holm’s correction is that of statsmodels', () => {
    for (const [i, p] of holm(reference.holm.p).entries()) agree(p, reference.holm.corrected[i])
  })
})

describe('distributions agree with SciPy', () => {
  const { x, share, student, studentQuantile: quantiles, gamma, ...theirs } = reference.distributions

  test('normal, Kolmogorov and log Γ', () => {
    for (const [i, at] of x.entries()) {
      agree(normalTail(at), theirs.normal[i])
      agree(kolmogorovTail(at), theirs.kolmogorov[i])
    }
    for (const [i, tail] of share.entries()) agree(normalQuantile(tail), theirs.normalQuantile[i])
    for (const [i, at] of gamma.entries()) agree(logGamma(at), theirs.logGamma[i], 1)
  })

  test.each(Object.keys(student).map(Number))('Student’s with %i degrees of freedom', (freedom) => {
    for (const [i, at] of x.entries()) agree(studentTail(at, freedom), student[freedom]?.[i])
    for (const [i, tail] of share.entries()) agree(studentQuantile(tail, freedom), quantiles[freedom]?.[i])
  })
})
