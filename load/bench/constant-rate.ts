import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { Agent, request } from 'undici'

export interface Pace {
  url: string
  apiKey: string
  ids: string[]
  /** requests a second */
  rate: number
  /** how many of them read; the others increment */
  reads: number
  connections: number
}

export interface Latencies {
  p50: number
  p99: number
  p999: number
  failed: number
}

/** Of the nearest rank; `values` sorted. */
const percentile = (values: Float64Array, share: number) =>
  values[Math.max(0, Math.ceil(values.length * share) - 1)] ?? Number.NaN

/**
 * Sends at a constant rate whether or not answers come (open loop), and measures each from the moment at which it was due, so
 * that a stall counts against every request that it held up (no coordinated omission). Latencies in ms.
 */
export async function keepPace(
  { url, apiKey, ids, rate, reads, connections }: Pace,
  seconds: number,
): Promise<Latencies> {
  const dispatcher = new Agent({ connections, pipelining: 1 })
  const run = randomUUID()
  const total = rate * seconds
  const latencies = new Float64Array(total)
  let failed = 0

  async function ask(n: number, due: number): Promise<void> {
    const path = `${url}/api/v1/counts/${ids[Math.floor(Math.random() * ids.length)]}`
    const authorization = `Bearer ${apiKey}`
    const write = { authorization, 'content-type': 'application/json', 'idempotency-key': `${run}-${n}` }
    try {
      const answer = await (Math.random() < reads
        ? request(path, { dispatcher, headers: { authorization } })
        : request(`${path}/increment`, { dispatcher, method: 'POST', headers: write, body: '{"amount":1}' }))
      await answer.body.dump()
      if (answer.statusCode !== 200) failed++
    } catch {
      failed++
    }
    latencies[n] = performance.now() - due
  }

  const start = performance.now()
  const asked: Promise<void>[] = []
  while (asked.length < total) {
    const dueNow = Math.min(total, Math.floor(((performance.now() - start) * rate) / 1000))
    while (asked.length < dueNow) asked.push(ask(asked.length, start + (asked.length * 1000) / rate))
    await delay(1)
  }
  await Promise.all(asked)
  await dispatcher.close()
  latencies.sort()
  return {
    p50: percentile(latencies, 0.5),
    p99: percentile(latencies, 0.99),
    p999: percentile(latencies, 0.999),
    failed,
  }
}
