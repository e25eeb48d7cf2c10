// Everybody on one count.
import {
  increment,
  makeCounts,
  options as optionsOf,
  read as readOne,
  settle,
  steady,
  summarise,
} from './count.js'

export const options = optionsOf({ write: steady('write', 700, 60), read: steady('read', 500, 60) })
export const setup = () => makeCounts(1)
export const write = (counts) => increment(counts)
export const read = (counts) => readOne(counts)
export const teardown = settle
export const handleSummary = summarise('hot-key')
