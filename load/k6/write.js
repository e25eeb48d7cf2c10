// Increments alone, 1,500 a second.
import { increment, makeCounts, options as optionsOf, settle, steady, summarise } from './count.js'

export const options = optionsOf(
  { write: steady('write', 1500, 60) },
  { 'http_reqs{kind:write}': ['rate>=1000'] },
)
export const setup = () => makeCounts(1000)
export const write = (counts) => increment(counts)
export const teardown = settle
export const handleSummary = summarise('write')
