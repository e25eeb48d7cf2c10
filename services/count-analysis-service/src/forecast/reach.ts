import type { Prediction, PredictionPoint } from '../schemas/prediction.ts'

/**
 * When a forecast reaches a number.
 *
 * @param last what it comes from: the last value known, of the bucket `to`
 */
export function reachOf(
  target: number,
  last: number | undefined,
  to: string | null,
  points: readonly PredictionPoint[],
): NonNullable<Prediction['reach']> {
  if (last === undefined || last === target) return { target, earliest: to, expected: to, latest: to }
  const up = target > last
  const first = (edge: (point: PredictionPoint) => number | null) =>
    points.find((point) => {
      const value = edge(point)
      return value !== null && (up ? value >= target : value <= target)
    })?.at ?? null
  return {
    target,
    earliest: first(({ intervals }) => (up ? intervals['80'].upper : intervals['80'].lower)),
    expected: first(({ mean }) => mean),
    latest: first(({ intervals }) => (up ? intervals['80'].lower : intervals['80'].upper)),
  }
}
