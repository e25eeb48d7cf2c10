import { randomInt, randomUUID } from 'node:crypto'
import { parseArgs } from 'node:util'
import { openClient } from './client.ts'
import { keep, runToEnd } from './closing.ts'
import { createCounts, readCounts, type Seen } from './demo/counts.ts'
import { employmentByMonth } from './demo/employment-history.ts'
import { departuresByHour } from './demo/flight-history.ts'
import { callsOf, countOf, type Flight, readFlights, tallyOf } from './demo/flights.ts'
import { importPasts } from './demo/history.ts'
import { openLedger } from './demo/ledger.ts'
import { runLive } from './demo/live.ts'
import { showProgress } from './demo/progress.ts'
import { seededRandom } from './demo/random.ts'
import { replay } from './demo/replay.ts'
import { differences } from './demo/verdict.ts'
import { openAdministrator } from './management/administrator.ts'
import { givenServer, type Server, startServer } from './server.ts'
import { number, table } from './table.ts'

const usage = `npm run demo -- [--kafka] [--seed <n>] [--connections <n>]
npm run demo -- --live [--speed <n>] [--for <seconds>]
Gives counts a past (hourly departures, monthly employment in the US, moved to end before now), once; then replays 20,000
flights through the API, a third of the calls twice, and compares every count with the data.
--live replays them in time order instead, --speed times as fast as they were (1440: a day a minute), and prints the dashboard that moves.
Uses COUNT_URL and COUNT_CREDENTIALS, or the running npm start of DATA_DIR, else starts a server of its own.`

/** Starts a server of our own, with a Kafka broker where that is wanted. */
async function ownServer(closing: AsyncDisposableStack, kafka: boolean): Promise<Server> {
  console.log('no server runs here: starting one, with its stores, until the end of this run')
  return await startServer(closing, { kafka })
}

/** What there is to analyse at /analysis/. */
async function givePasts(closing: AsyncDisposableStack, server: Server, flights: Flight[]): Promise<void> {
  const administrator = await keep(closing, openAdministrator(server), (opened) => opened.close())
  const now = Date.now()
  const pasts = [...departuresByHour(flights, now), ...(await employmentByMonth(now))]
  const { counts, lines } = await importPasts(administrator, pasts)
  const told =
    counts === 0
      ? `${pasts.length} counts have their past already`
      : `${counts} counts were given a past of ${number(lines)} changes`
  console.log(`${told}: ${server.url}/analysis/?count=departures:all`)
}

function topAirports(
  tally: Map<string, number>,
  after: Map<string, Seen>,
  before: Map<string, Seen>,
): string {
  const airports = [...new Set([...tally.keys()].map((id) => id.split(':')[2] ?? ''))]
  const changed = (side: 'origin' | 'destination', airport: string) => {
    const id = countOf(side, airport)
    return (after.get(id)?.value ?? 0) - (before.get(id)?.value ?? 0)
  }
  const rows = airports
    .map((airport) => ({ airport, from: changed('origin', airport), to: changed('destination', airport) }))
    .sort((a, b) => b.from + b.to - a.from - a.to)
    .slice(0, 10)
  return table(
    ['airport', 'departures', 'arrivals'],
    rows.map(({ airport, from, to }) => [airport.toUpperCase(), number(from), number(to)]),
  )
}

runToEnd(async (closing) => {
  const { values } = parseArgs({
    options: {
      kafka: { type: 'boolean', default: false },
      seed: { type: 'string', default: String(randomInt(2 ** 31)) },
      connections: { type: 'string', default: '64' },
      live: { type: 'boolean', default: false },
      speed: { type: 'string', default: '1440' },
      for: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  })
  const live = { speed: Number(values.speed), forSeconds: values.for ? Number(values.for) : undefined }
  const liveOk = live.speed > 0 && live.speed <= 1e6 && (live.forSeconds ?? 1) > 0
  const [seed, connections] = [Number(values.seed), Number(values.connections)]
  if (values.help || !liveOk || !Number.isSafeInteger(seed) || !(connections >= 1 && connections <= 1000)) {
    console.log(usage)
    return values.help ? 0 : 2
  }

  if (values.live) {
    const server = (await givenServer()) ?? (await ownServer(closing, values.kafka))
    const client = openClient(server.url, { connections: 8 })
    closing.defer(() => client.close())
    await runLive(client, server, live)
    return 0
  }

  const flights = await readFlights()
  const tally = tallyOf(flights)
  const ids = [...tally.keys()]
  const { calls, repeated } = callsOf(flights, seededRandom(seed))
  const increments = calls.length - repeated
  console.log(`seed ${seed} (the same again: npm run demo -- --seed ${seed})`)

  const server = (await givenServer()) ?? (await ownServer(closing, values.kafka))
  const brokers = server.stores.KAFKA_BROKERS || process.env.KAFKA_BROKERS
  if (values.kafka && !brokers) throw new Error('--kafka: the server that runs has no KAFKA_BROKERS')
  const client = openClient(server.url, { connections })
  closing.defer(() => client.close())

  await givePasts(closing, server, flights)
  await createCounts(client, server, ids)
  const before = await readCounts(client, server, ids, 'strong')
  const ledger =
    values.kafka && brokers
      ? await keep(closing, openLedger(brokers, before), (opened) => opened.close())
      : undefined

  console.log(
    `${number(flights.length)} flights, ${ids.length} counts at ${server.url}; ${number(increments)} increments, ${number(repeated)} of them sent twice`,
  )
  const progress = showProgress('sent', calls.length)
  const setUp = { requests: client.requests(), retries: client.retries() }
  const { replays, faults } = await replay(client, server, randomUUID(), calls, connections, progress.step)
  const seconds = progress.seconds()
  const requests = client.requests() - setUp.requests
  const retries = client.retries() - setUp.retries

  const cached = await readCounts(client, server, ids)
  const after = await readCounts(client, server, ids, 'strong')
  const sums = await ledger?.sums(after)
  const found = [...faults, ...differences({ tally, before, after, cached, sums, disturbed: retries > 0 })]
  // Without a retry every repetition, and nothing else, is a replay.
  if (retries === 0 && replays !== repeated)
    found.push(`${repeated} repetitions, but ${replays} replayed answers`)

  console.log(`\n${topAirports(tally, after, before)}\n`)
  console.log(`${number(requests)} requests in ${number(seconds, 1)} s: ${number(requests / seconds)}/s`)
  console.log(`${number(replays)} replays seen (Idempotency-Replayed), ${number(retries)} retries`)
  if (ledger)
    console.log(
      `${number(ledger.events())} events from Kafka: their deltas were summed per count and compared`,
    )
  for (const line of found) console.log(line)
  console.log(found.length === 0 ? 'exact' : `not exact: ${number(found.length)} differences`)
  return found.length === 0 ? 0 : 1
})
