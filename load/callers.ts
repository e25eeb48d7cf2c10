import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { until } from '@count/stack/until'
import { Agent, request } from 'undici'
import { z } from 'zod'
import { expectBody, openClient } from './client.ts'
import { haveDashboard, signIn } from './dashboards/session.ts'
import type { Server } from './server.ts'

/** What came of one kind of call since it was last forgotten. */
export interface Seen {
  /** How many were answered with which status, or why they were not. */
  failed: Map<string, number>
  inARow: number
}

export interface CallersOptions {
  /** Callers that write, and that read; one makes each other kind of call. */
  width?: number
  /** How long each rests after a call. */
  pauseMs?: number
  /** How long a call may take to be answered. */
  deadlineMs?: number
}

const ids = Array.from({ length: 20 }, (_, n) => `callers:${n}`)

/** One after the other, so that so many calls in a row have been to all of them. */
function inTurn(): () => string {
  let n = 0
  return () => ids[n++ % ids.length] as string
}

/**
 * Calls every service of a whole system all the time, each kind of call by callers of its own, and notes what fails. Nothing is
 * repeated but increments, each under one key until it is answered: its failures are seen, and it counts once.
 */
export async function startCallers(
  closing: AsyncDisposableStack,
  server: Pick<Server, 'url' | 'apiKey' | 'admin'>,
  { width = 1, pauseMs = 40, deadlineMs = 8000 }: CallersOptions = {},
) {
  const client = openClient(server.url, { connections: 4 })
  closing.defer(() => client.close())
  const session = await signIn(client, server)
  for (const id of ids) {
    const body = { id, name: id }
    const made = await client.send({
      method: 'POST',
      path: '/api/v1/admin/counts',
      headers: session,
      body,
    })
    if (made.status !== 409) expectBody(made, [201], z.unknown())
  }
  const dashboard = await haveDashboard(client, session, {
    name: 'Callers',
    panels: ids.slice(0, 4).map((id, n) => ({
      id: `p${n}`,
      type: 'number' as const,
      title: id,
      counts: { ids: [id] },
      spark: false,
      layout: { x: n * 3, y: 0, w: 3, h: 2 },
    })),
  })
  const asService = { authorization: `Bearer ${server.apiKey}` }
  const read = async (id: string) => {
    const answer = await client.send({
      path: `/api/v1/counts/${id}?consistency=strong`,
      headers: asService,
    })
    return expectBody(answer, [200], z.object({ value: z.number() })).value
  }
  const readSum = async () => (await Promise.all(ids.map(read))).reduce((sum, value) => sum + value)

  const dispatcher = new Agent({ headersTimeout: deadlineMs, bodyTimeout: deadlineMs })
  closing.defer(() => dispatcher.destroy())
  let acknowledged = 0
  let stopped = false

  async function call(
    path: string,
    { method = 'GET', headers = session as Record<string, string>, body = '' } = {},
  ): Promise<number> {
    const answer = await request(server.url + path, { method, headers, body: body || null, dispatcher })
    await answer.body.dump()
    return answer.statusCode
  }

  function writer() {
    let key = randomUUID()
    const next = inTurn()
    let id = next()
    return async () => {
      const status = await call(`/api/v1/counts/${id}/increment`, {
        method: 'POST',
        headers: { ...asService, 'content-type': 'application/json', 'idempotency-key': key },
        body: '{"amount":1}',
      })
      if (status === 200) {
        acknowledged++
        key = randomUUID()
        id = next()
      }
      return status
    }
  }

  /** Opens a stream, and once more when it ends before it says anything, as browsers do: its process may be leaving. */
  async function snapshot(again = true): Promise<number> {
    const path = `${server.url}/api/v1/dashboards/${dashboard}/stream`
    const { statusCode, body } = await request(path, { headers: session, dispatcher })
    if (statusCode !== 200) {
      await body.dump()
      return statusCode
    }
    for await (const chunk of body) if (String(chunk).includes('event: snapshot')) return 200
    if (again) return await snapshot(false)
    throw new Error('ended without a snapshot')
  }

  const [readNext, analyseNext] = [inTurn(), inTurn()]
  const kinds: Record<string, () => () => Promise<number>> = {
    write: writer,
    read: () => () => call(`/api/v1/counts/${readNext()}`, { headers: asService }),
    management: () => () => call('/api/v1/admin/counts?limit=5'),
    analysis: () => () => call(`/api/v1/analysis/trend?count=${analyseNext()}&granularity=minute`),
    dashboards: () => () => call(`/api/v1/dashboards/${dashboard}`),
    page: () => () => call('/dashboards/'),
    stream: () => () => snapshot(),
  }
  const seen = new Map<string, Seen>()
  const forget = () => {
    for (const name of Object.keys(kinds)) seen.set(name, { failed: new Map(), inARow: 0 })
  }
  forget()

  const widthOf = (name: string) => (name === 'write' || name === 'read' ? width : 1)

  async function goOn(name: string, one: () => Promise<number>): Promise<void> {
    // An increment that was not answered may have counted: asked until it is known.
    for (let came = ''; !stopped || (name === 'write' && came !== '200'); ) {
      came = String(await one().catch((error) => error.code ?? error))
      const of = seen.get(name) as Seen
      if (came === '200') of.inARow++
      else {
        of.inARow = 0
        of.failed.set(came, (of.failed.get(came) ?? 0) + 1)
      }
      await delay(pauseMs)
    }
  }

  const before = await readSum()
  const running = Object.entries(kinds).flatMap(([name, open]) =>
    Array.from({ length: widthOf(name) }, () => goOn(name, open())),
  )
  const allFine = () => [...seen].every(([name, { inARow }]) => inARow >= ids.length * widthOf(name))
  await until('every kind of call to succeed', allFine, { deadlineMs: 60_000 })
  forget()

  return {
    seen: seen as ReadonlyMap<string, Seen>,
    /** What failed since it was last forgotten, in words. */
    failures: () =>
      [...seen].flatMap(([name, { failed }]) => [...failed].map(([came, n]) => `${name} ${came} × ${n}`)),
    forget,
    /** Whether the last calls of each kind succeeded, as many as there are counts for each caller: so each count is known again. */
    allFine,
    /** Has {@link allFine} judge by calls from here on. */
    judgeAnew() {
      for (const of of seen.values()) of.inARow = 0
    },
    /** Ends the calls. @returns how many increments were acknowledged, and by how much the values grew */
    async end(): Promise<{ acknowledged: number; grown: number }> {
      stopped = true
      await Promise.all(running)
      return { acknowledged, grown: (await readSum()) - before }
    },
  }
}
