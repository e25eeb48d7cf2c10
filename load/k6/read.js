// Reads alone, 2,000 a second, a few increments beside them so that the cache has something to forget.
import {
  increment,
  makeCounts,
  options as optionsOf,
  read as readOne,
  settle,
  steady,
  summarise,
} from './count.js'

export const options = optionsOf(
  { read: steady('read', 2000, 60), write: steady('write', 50, 60) },
  { 'http_reqs{kind:read}': ['rate>=1000'] },
)
export const setup = () => makeCounts(1000)
export const read = (counts) => readOne(counts)
export const write = (counts) => increment(counts)
export const teardown = settle
export const handleSummary = summarise('read')
