// What the system is for: 1,200 calls a second, 70 % of them reads.
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
  { read: steady('read', 840, 60), write: steady('write', 360, 60) },
  { http_reqs: ['rate>=1000'] },
)
export const setup = () => makeCounts(1000)
export const read = (counts) => readOne(counts)
export const write = (counts) => increment(counts)
export const teardown = settle
export const handleSummary = summarise('mixed')
