import type { Column } from '../schemas/series.ts'
import { medianOfSorted } from './order.ts'

/**
 * Mean and median of the `window` values that end at each place: null before the first whole window and where fewer than
 * half of it is known.
 */
export function moving(values: Column, window: number): { average: Column; median: Column } {
  const average: Column = []
  const median: Column = []
  const inside: number[] = []
  for (let i = 0; i < values.length; i++) {
    insert(inside, values[i] ?? null)
    if (i >= window) remove(inside, values[i - window] ?? null)
    const known = i >= window - 1 && 2 * inside.length >= window
    // Summed anew each time: a running sum would keep the rounding of values that have left.
    average.push(known ? inside.reduce((sum, value) => sum + value, 0) / inside.length : null)
    median.push(known ? medianOfSorted(inside) : null)
  }
  return { average, median }
}

/** Where `value` stands, or would stand, in ascending `values`. */
function place(values: number[], value: number): number {
  let [low, high] = [0, values.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if ((values[middle] as number) < value) low = middle + 1
    else high = middle
  }
  return low
}

function insert(values: number[], value: number | null) {
  if (value !== null) values.splice(place(values, value), 0, value)
}

function remove(values: number[], value: number | null) {
  if (value !== null) values.splice(place(values, value), 1)
}
