import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { z } from 'zod'
import { type Client, expectBody } from '../client.ts'
import { haveDashboard, type Session, signIn } from '../dashboards/session.ts'
import type { Server } from '../server.ts'
import { number } from '../table.ts'
import { createCounts } from './counts.ts'
import { liveDashboard } from './live-dashboard.ts'
import { type Movement, readMovements, totals } from './live-flights.ts'

export interface LiveOptions {
  /** How much faster than it was. */
  speed: number
  /** Seconds; undefined until the program is ended. */
  forSeconds: number | undefined
}

const tickMs = 100
const mostInBatch = 1000
const names: Record<keyof typeof totals, string> = {
  departed: 'Flights departed',
  late: 'Flights departed late',
  airborne: 'Flights in the air',
}

async function createTotals(client: Client, headers: Session): Promise<void> {
  for (const [what, id] of Object.entries(totals)) {
    const body = { id, name: names[what as keyof typeof totals], unit: 'flights', tags: ['flights-live'] }
    const answer = await client.send({ method: 'POST', path: '/api/v1/admin/counts', headers, body })
    expectBody(answer, [201, 409], z.unknown())
  }
}

/** Sends movements as one batch under one key, so that a repetition adds nothing. */
async function send(client: Client, { apiKey }: Server, movements: Movement[]): Promise<void> {
  const operations = movements.map(({ id, amount }) => ({ id, op: amount > 0 ? 'increment' : 'decrement' }))
  const headers = { authorization: `Bearer ${apiKey}`, 'idempotency-key': randomUUID() }
  const path = '/api/v1/counts/batch'
  expectBody(await client.send({ method: 'POST', path, headers, body: { operations } }), [200], z.unknown())
}

/** Replays the flights as they departed and landed, over and over, into counts that a dashboard shows. */
export async function runLive(
  client: Client,
  server: Server,
  { speed, forSeconds }: LiveOptions,
): Promise<void> {
  const movements = await readMovements()
  const airports = [...new Set(movements.map(({ id }) => id))].filter((id) => id.startsWith('flights:'))
  await createCounts(client, server, airports)
  const session = await signIn(client, server)
  await createTotals(client, session)
  const id = await haveDashboard(client, session, liveDashboard)
  const pace = speed % 60 === 0 ? `${number(speed / 60)} min a second` : `${number(speed)} s a second`
  console.log(`${server.url}/dashboards/view?id=${id}`)
  const { username, password } = server.admin
  // Of a server that is gone with this run nobody else knows the password.
  console.log(`sign in as ${username}${server.pid === undefined ? '' : `, password ${password}`}`)
  console.log(`flights pass at ${pace}${forSeconds ? '' : ', until Ctrl-C'}`)

  const end = performance.now() + (forSeconds ?? Number.POSITIVE_INFINITY) * 1000
  let sent = 0
  while (performance.now() < end) {
    const start = performance.now()
    let next = 0
    while (next < movements.length && performance.now() < end) {
      const now = (performance.now() - start) * speed
      const from = next
      while (next < movements.length && next - from < mostInBatch && (movements[next]?.at ?? 0) <= now) next++
      if (next > from) await send(client, server, movements.slice(from, next))
      sent += next - from
      await delay(tickMs)
    }
  }
  console.log(`${number(sent)} changes sent`)
}
