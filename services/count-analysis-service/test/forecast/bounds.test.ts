import fc from 'fast-check'
import { expect, test } from 'vitest'
import { predict } from '../../src/prediction-analyzer.ts'
import { bucket } from '../../src/schemas/series.ts'
import { seriesOf } from './series.ts'

const largest = 2 ** 52 - 1
const value = fc.oneof(
  fc.integer({ min: -1000, max: 1000 }),
  fc.integer({ min: -largest, max: largest }),
  fc.constantFrom(0, largest, -largest),
)
const granularity = fc.constantFrom(...bucket.options)
const edges = (points: ReturnType<typeof predict>['points']) =>
  points.flatMap(({ intervals }) =>
    Object.values(intervals).map(({ lower, upper }) => [lower ?? 0, upper ?? 0] as const),
  )

/** Every number in an answer, however deep. */
function numbersIn(answer: unknown): number[] {
  if (typeof answer === 'number') return [answer]
  if (typeof answer !== 'object' || answer === null) return []
  return Object.values(answer).flatMap(numbersIn)
}

test('whatever the history, the answer is whole: finite numbers, mean within 80 within 95', () => {
  fc.assert(
    fc.property(
      fc.array(fc.option(value, { freq: 8 }), { maxLength: 90 }),
      fc.record({
        granularity,
        measure: fc.constantFrom('value' as const, 'change' as const),
        partial: fc.boolean(),
        falls: fc.boolean(),
      }),
      value,
      (values, settings, reach) => {
        const answer = predict(seriesOf(values, settings), { reach })
        for (const number of numbersIn(answer)) expect(Number.isFinite(number)).toBe(true)
        expect(answer.points).toHaveLength(answer.horizon.buckets)
        for (const { mean, intervals } of answer.points) {
          const { '80': narrow, '95': wide } = intervals
          if (narrow.lower === null || narrow.upper === null) continue
          expect([wide.lower, narrow.lower, mean, narrow.upper, wide.upper]).toEqual(
            [wide.lower ?? 0, narrow.lower, mean, narrow.upper, wide.upper ?? 0].toSorted((a, b) => a - b),
          )
        }
      },
    ),
    { numRuns: 150 },
  )
})

test('a count that never fell does not: means and lower bounds rise from the last value', () => {
  const steps = fc.array(fc.oneof(fc.constant(0), fc.nat(1000)), { minLength: 1, maxLength: 80 })
  fc.assert(
    fc.property(steps, granularity, (changes, each) => {
      let total = 0
      const values = changes.map((change) => (total += change))
      const { points } = predict(seriesOf(values, { granularity: each, falls: false }))
      const rising = [total, ...points.map(({ mean }) => mean)]
      expect(rising).toEqual(rising.toSorted((a, b) => a - b))
      const lower = points.map(({ intervals }) => intervals['95'].lower ?? total)
      expect([total, ...lower]).toEqual([total, ...lower].toSorted((a, b) => a - b))
    }),
    { numRuns: 60 },
  )
})

test('the changes of a count that never fell are not negative', () => {
  const changes = Array.from({ length: 60 }, (_, i) => 120 - 2 * i)
  const { points } = predict(seriesOf(changes, { measure: 'change', falls: false }), { horizon: 15 })
  expect(Math.min(...points.map(({ mean }) => mean), ...edges(points).flat())).toBe(0)
  const free = predict(seriesOf(changes, { measure: 'change', falls: true }), { horizon: 15 })
  expect(free.points.at(-1)?.mean).toBeLessThan(-20)
})

test('values stay within the bounds of their count', () => {
  const values = Array.from({ length: 60 }, (_, i) => 500 + 8 * i + 20 * (i % 3))
  const { points } = predict(seriesOf(values, { min: 0, max: 1000 }), { horizon: 15 })
  expect(points.at(-1)?.mean).toBe(1000)
  for (const [lower, upper] of edges(points)) {
    expect(lower).toBeGreaterThanOrEqual(0)
    expect(upper).toBeLessThanOrEqual(1000)
  }
  // Bounds may have been set after the value had passed them.
  expect(predict(seriesOf(values, { max: 600, falls: false })).points[0]?.mean).toBe(1012)
})

test('a count that explodes stays within what a count can hold', () => {
  const values = Array.from({ length: 53 }, (_, i) => 2 ** i - (i === 52 ? 1 : 0))
  const { points } = predict(seriesOf(values, { falls: false }), { horizon: 13, reach: largest })
  for (const { mean } of points) expect(mean).toBe(largest)
})
