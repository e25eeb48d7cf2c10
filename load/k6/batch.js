// 100 batches of 100 increments a second.
import { batch as batchOf, makeCounts, options as optionsOf, settle, steady, summarise } from './count.js'

export const options = optionsOf({ batch: steady('batch', 100, 60) })
export const setup = () => makeCounts(1000)
export const batch = (counts) => batchOf(counts, 100)
export const teardown = settle
export const handleSummary = summarise('batch')
