import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { frames } from '@count/core/dashboard-frames'
import { applied } from '@count/core/schemas'
import { Agent, request } from 'undici'
import { limitTarget, type Section } from '../bench/report.ts'
import { number } from '../table.ts'
import { openShown, type Shown } from './shown.ts'

const rate = 1000
const most = 250

/** When each version that was answered was seen in a frame, and how long after. */
function createLedger() {
  const waiting = new Map<string, { version: number; at: number }[]>()
  const shown = new Map<string, number>()
  const latencies: number[] = []
  return {
    latencies,
    answered(id: string, version: number): void {
      // The frame may come before the answer: nobody waited.
      if (version <= (shown.get(id) ?? 0)) return void latencies.push(0)
      const beside = waiting.get(id)
      if (beside) beside.push({ version, at: performance.now() })
      else waiting.set(id, [{ version, at: performance.now() }])
    },
    /** A frame came that shows `version`: everything up to it is seen. */
    seen(id: string, version: number): void {
      const now = performance.now()
      shown.set(id, version)
      const beside = waiting.get(id) ?? []
      const open = beside.filter((one) => one.version > version)
      for (const one of beside) if (one.version <= version) latencies.push(now - one.at)
      waiting.set(id, open)
    },
    unseen: () => [...waiting.values()].reduce((sum, beside) => sum + beside.length, 0),
  }
}

/** Reads the stream as a page does and hands each delta's counts on. */
async function follow(
  { server, session, dashboards: [id] }: Shown,
  seen: (id: string, version: number) => void,
  signal: AbortSignal,
): Promise<void> {
  const path = `${server.url}/api/v1/dashboards/${id}/stream`
  const response = await fetch(path, { headers: { cookie: session.cookie }, signal })
  let text = ''
  const decoder = new TextDecoder()
  for await (const part of response.body ?? []) {
    text += decoder.decode(part, { stream: true })
    const events = text.split('\n\n')
    text = events.pop() ?? ''
    for (const event of events) {
      if (!event.includes('event: delta\n')) continue
      const { counts } = frames.delta.parse(JSON.parse(event.slice(event.indexOf('data: ') + 6)))
      for (const count of counts) seen(count.id, count.version)
    }
  }
}

/** From the answer to an increment to the frame at a client, at a constant rate. */
export async function freshness(
  closing: AsyncDisposableStack,
  { kafka, seconds }: { kafka: boolean; seconds: number },
): Promise<Section> {
  const through = kafka ? 'Kafka' : 'Redis Streams'
  await using own = new AsyncDisposableStack()
  closing.defer(() => own.disposeAsync())
  const shown = await openShown(own, { kafka, dashboards: 1, countsEach: 100 })
  const ledger = createLedger()
  const ending = new AbortController()
  const following = follow(shown, ledger.seen, ending.signal).catch((error: Error) => {
    if (error.name !== 'AbortError') throw error
  })
  await delay(2000)

  const dispatcher = new Agent({ connections: 64, pipelining: 1 })
  const run = randomUUID()
  const { server, ids } = shown
  let failed = 0
  async function increment(n: number): Promise<void> {
    const path = `${server.url}/api/v1/counts/${ids[n % ids.length]}/increment`
    const headers = {
      authorization: `Bearer ${server.apiKey}`,
      'content-type': 'application/json',
      'idempotency-key': `${run}-${n}`,
    }
    const answer = await request(path, { dispatcher, method: 'POST', headers, body: '{"amount":1}' })
    const body = await answer.body.json()
    const { id, version } = applied.parse(body)
    ledger.answered(id, version)
  }
  async function send(count: number): Promise<void> {
    const start = performance.now()
    const sent: Promise<void>[] = []
    while (sent.length < count) {
      const due = Math.min(count, Math.floor(((performance.now() - start) * rate) / 1000))
      while (sent.length < due) sent.push(increment(sent.length).catch(() => void failed++))
      await delay(1)
    }
    await Promise.all(sent)
  }

  await send(rate)
  await delay(1000)
  ledger.latencies.length = 0
  await send(rate * seconds)
  await delay(2000)
  ending.abort()
  await following
  await dispatcher.close()

  const sorted = ledger.latencies.sort((a, b) => a - b)
  const percentile = (share: number) => sorted[Math.ceil(sorted.length * share) - 1] ?? Number.NaN
  const [p50, p99] = [percentile(0.5), percentile(0.99)]
  const row = [
    through,
    ...[p50, p99, percentile(1)].map((ms) => number(ms)),
    number(ledger.unseen()),
    number(failed),
  ]
  return {
    title: `From the answer to the frame, through ${through}`,
    text: `${number(rate)} increments/s over 100 counts for ${seconds} s, every service in one process, one client of one dashboard.`,
    headers: ['', 'p50 ms', 'p99 ms', 'longest ms', 'unseen', 'failed'],
    rows: [row],
    targets: [limitTarget(`answer to frame through ${through}, p99`, p99, most, 'ms')],
  }
}
