import { openZone } from '@count/core/zone'
import type { Column, Granularity } from '../schemas/series.ts'
import type { Profile } from '../schemas/trend.ts'
import { mean, median } from './order.ts'

const upTo = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i)

const shapes: Partial<Record<Granularity, Pick<Profile, 'by' | 'rows' | 'columns'>>> = {
  minute: { by: 'weekday-hour', rows: upTo(1, 7), columns: upTo(0, 23) },
  hour: { by: 'weekday-hour', rows: upTo(1, 7), columns: upTo(0, 23) },
  day: { by: 'weekday', rows: upTo(1, 7), columns: [0] },
  month: { by: 'month', rows: [1], columns: upTo(1, 12) },
}

/**
 * Values by weekday and hour, by weekday, or by month of the year, in the series' zone.
 *
 * @param instants ms since 1970 of each bucket
 * @param deviations distance of each value from the trend; null where there is none
 * @returns null for weeks and without values
 */
export function profileOf(
  granularity: Granularity,
  zone: string,
  instants: Float64Array,
  values: Column,
  deviations: Column,
): Profile | null {
  const shape = shapes[granularity]
  if (!shape || values.every((value) => value === null)) return null
  const { offsets } = openZone(zone)
  const grid = () => shape.rows.map(() => shape.columns.map((): number[] => []))
  const [raw, apart] = [grid(), grid()]
  for (const [i, value] of values.entries()) {
    if (value === null) continue
    const utc = instants[i] as number
    const [row, column] = cell(shape.by, new Date(utc + offsets(utc).offset * 1000))
    raw[row]?.[column]?.push(value)
    const deviation = deviations[i] ?? null
    if (deviation !== null) apart[row]?.[column]?.push(deviation)
  }
  const each = (from: number[][][], statistic: (of: number[]) => number) =>
    from.map((row) => row.map((of) => (of.length > 0 ? statistic(of) : null)))
  return {
    ...shape,
    mean: each(raw, (of) => mean(Float64Array.from(of))),
    median: each(raw, median),
    deviation: each(apart, median),
    buckets: raw.map((row) => row.map((of) => of.length)),
  }
}

/** Row and column of a local time, which `local` carries in its UTC fields. */
function cell(by: Profile['by'], local: Date): [number, number] {
  if (by === 'month') return [0, local.getUTCMonth()]
  return [(local.getUTCDay() + 6) % 7, by === 'weekday' ? 0 : local.getUTCHours()]
}
