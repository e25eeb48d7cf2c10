// People who open dashboards while others count. Streams are watched by another client: k6 has no server-sent events.
import {
  increment,
  listDashboards,
  makeCounts,
  options as optionsOf,
  settle,
  signIn,
  steady,
  summarise,
  visitDashboards,
} from './count.js'

export const options = optionsOf(
  {
    write: steady('write', 300, 60),
    pages: steady('pages', 20, 60),
    lists: steady('lists', 20, 60, { maxVUs: 20, preAllocatedVUs: 20 }),
  },
  { 'http_req_duration{kind:page,phase:steady}': ['p(95)<1000'] },
)
export const setup = () => ({ ...makeCounts(1000), session: signIn() })
export const write = (counts) => increment(counts)
export const pages = () => visitDashboards()
export const lists = ({ session }) => listDashboards(session)
export const teardown = settle
export const handleSummary = summarise('dashboards')
