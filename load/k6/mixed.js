// What the system is for: 1,050 calls a second, 70 % of them reads.
import {
  increment,
  makeCounts,
  options as optionsOf,
  read as readOne,
  seconds,
  settle,
  steady,
  summarise,
} from './count.js'

export const options = optionsOf(
  { read: steady('read', 735, 60), write: steady('write', 315, 60) },
  { 'http_reqs{phase:steady}': [`count>=${1000 * Number.parseInt(seconds(60), 10)}`] },
)
export const setup = () => makeCounts(1000)
export const read = (counts) => readOne(counts)
export const write = (counts) => increment(counts)
export const teardown = settle
export const handleSummary = summarise('mixed')
