// 200 calls a second, suddenly 2,000, and back: nothing is lost, and calm returns.
import { increment, makeCounts, options as optionsOf, seconds, settle, summarise } from './count.js'

export const options = optionsOf(
  {
    spike: {
      executor: 'ramping-arrival-rate',
      exec: 'write',
      startRate: 200,
      preAllocatedVUs: 400,
      maxVUs: 2000,
      gracefulStop: '30s',
      stages: [
        { target: 200, duration: seconds(15) },
        { target: 2000, duration: '1s' },
        { target: 2000, duration: seconds(20) },
        { target: 200, duration: '1s' },
        { target: 200, duration: seconds(20) },
      ],
    },
  },
  // While it lasts, calls may wait for each other.
  { 'http_req_duration{kind:write,phase:steady}': ['p(95)<500'] },
)
export const setup = () => makeCounts(1000)
export const write = (counts) => increment(counts)
export const teardown = settle
export const handleSummary = summarise('spike')
