// An hour of the mixed load (SCALE=24 for a day).
import {
  increment,
  makeCounts,
  options as optionsOf,
  read as readOne,
  settle,
  steady,
  summarise,
} from './count.js'

export const options = optionsOf({ read: steady('read', 700, 3600), write: steady('write', 300, 3600) })
export const setup = () => makeCounts(1000)
export const read = (counts) => readOne(counts)
export const write = (counts) => increment(counts)
export const teardown = settle
export const handleSummary = summarise('soak')
