import { expect, test } from 'vitest'
import { studentWidth } from '../../src/forecast/conformal.ts'
import { naiveError, symmetricError } from '../../src/forecast/errors.ts'
import { forecasters, historyOf, theta } from '../../src/forecast/methods.ts'
import { adjust } from '../../src/forecast/seasons.ts'
import { dampedSmoothing, fitDamped, fitSimple } from '../../src/forecast/smoothing.ts'
import reference from '../reference/forecast.json' with { type: 'json' }

/** Agrees with the reference to a millionth of it. */
const near = (actual: number, expected: number) =>
  expect(Math.abs(actual - expected)).toBeLessThanOrEqual(1e-6 * Math.abs(expected))

const series = Object.entries(reference.series).map(([name, { values, ...rest }]) => ({
  name,
  values: Float64Array.from(values),
  ...rest,
}))
const startTrend = (values: Float64Array) => ((values[10] ?? 0) - (values[0] ?? 0)) / 10

test.each(series)('$name: simple smoothing finds the least squares of statsmodels', ({ values, simple }) => {
  const { squares, level } = fitSimple(values)
  near(squares, simple.squares)
  near(level, simple.level)
})

test.each(series)('$name: from the same level theta forecasts as ThetaModel', (own) => {
  const forecast = theta(own.values, own.theta)
  for (const [i, mean] of own.theta.forecast.entries()) near(forecast(i + 1), mean)
})

test.each(series)('$name: a damped trend of given weights is that of Holt', ({ values, damped }) => {
  for (const { alpha, share, phi, squares, forecast } of damped) {
    const found = dampedSmoothing(values, { alpha, share, phi }, startTrend(values))
    near(found.squares, squares)
    let mean = found.level
    for (const [i, expected] of forecast.entries()) {
      mean += found.trend * phi ** (i + 1)
      near(mean, expected)
    }
  }
})

test.each(series)('$name: the fitted damped trend is within a tenth of the least squares', (own) => {
  expect(fitDamped(own.values).squares).toBeLessThan(1.1 * own.leastDamped)
})

test.each(series)('$name: seasons are those of seasonal_decompose, shrunk by one factor', (own) => {
  const { adjusted } = adjust(own.values, [12])
  const effect = own.seasonal.map((_, i) => (own.values[i] ?? 0) - (adjusted[i] ?? 0))
  const most = own.seasonal.reduce((a, b, i) => (Math.abs(b) > Math.abs(own.seasonal[a] ?? 0) ? i : a), 0)
  const share = (effect[most] ?? 0) / (own.seasonal[most] ?? 1)
  expect(share).toBeGreaterThanOrEqual(0)
  expect(share).toBeLessThanOrEqual(1)
  for (const [i, expected] of own.seasonal.entries()) expect(effect[i]).toBeCloseTo(share * expected, 6)
})

test.each(series)('$name: seasonal naive, its MASE and sMAPE', ({ values, seasonalNaive }) => {
  const before = values.slice(0, -12)
  const actual = values.slice(-12)
  const means = forecasters['seasonal-naive'](historyOf(before, [12]), 12)
  expect([...means]).toEqual(seasonalNaive.forecast)
  const mean = (of: (value: number, mean: number) => number) =>
    actual.reduce((sum, value, i) => sum + of(value, means[i] ?? 0), 0) / 12
  near(mean((a, b) => Math.abs(a - b)) / (naiveError(before, 12) ?? Number.NaN), seasonalNaive.mase)
  near(mean(symmetricError), seasonalNaive.smape)
})

test('intervals of few errors are as wide as those of Student', () => {
  for (const { level, free, width } of reference.widths)
    near(studentWidth(level === 80 ? '80' : '95', free), width)
})

test('co2 has a season that chance does not explain, employment (adjusted by its makers) has hardly one', () => {
  const spread = (name: string) => {
    const own = series.find((one) => one.name === name)
    const { adjusted } = adjust(own?.values ?? new Float64Array(), [12])
    return Math.max(
      ...(own?.seasonal ?? []).map((_, i) => Math.abs((own?.values[i] ?? 0) - (adjusted[i] ?? 0))),
    )
  }
  expect(spread('co2')).toBeGreaterThan(2)
  expect(spread('nonfarm')).toBe(0)
})
