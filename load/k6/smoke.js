// A few calls of every kind: does it work at all?
import {
  batch,
  increment,
  makeCounts,
  options as optionsOf,
  read,
  settle,
  steady,
  summarise,
} from './count.js'

export const options = optionsOf({ everything: steady('everything', 10, 10) })
export const setup = () => makeCounts(10)
export function everything(counts) {
  increment(counts)
  batch(counts, 5)
  read(counts)
}
export const teardown = settle
export const handleSummary = summarise('smoke')
