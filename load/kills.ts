// npm run kills: kills each container that docker compose started, one after the other, and looks at who notices.
import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { until } from '@count/stack/until'
import { Agent, request } from 'undici'
import { z } from 'zod'
import { expectBody, openClient } from './client.ts'
import { runToEnd } from './closing.ts'
import { compose, composeServer } from './compose.ts'
import { haveDashboard, signIn } from './dashboards/session.ts'
import { table } from './table.ts'

/** Who may notice that a container is away: calls that need it, and nobody else. */
const needed: Record<string, string[]> = {
  value: ['write'],
  'value-replica': ['analysis'],
  cache: [],
  postgres: ['management', 'dashboards'],
  kafka: [],
  'count-write-service': ['write'],
  'count-read-service': ['read'],
  'count-management-service': ['management'],
  'count-analysis-service': ['analysis'],
  'dashboard-provision-service': ['dashboards', 'page'],
  'dashboard-update-service': ['stream'],
  gateway: ['write', 'read', 'management', 'analysis', 'dashboards', 'page', 'stream'],
}
const awayMs = 5000
const pauseMs = 40
const ids = Array.from({ length: 20 }, (_, n) => `kills:${n}`)

/** One after the other, so that so many calls in a row have been to all of them. */
function inTurn(): () => string {
  let n = 0
  return () => ids[n++ % ids.length] as string
}

/** What those services say that miss something. */
async function degraded(): Promise<string[]> {
  const ask = `exec 3<>/dev/tcp/127.0.0.1/8080; printf 'GET /readyz HTTP/1.0\\r\\n\\r\\n' >&3; cat <&3`
  const services = Object.keys(needed).filter((name) => name.endsWith('-service'))
  const answers = await Promise.all(services.map((name) => compose('exec', '-T', name, 'bash', '-c', ask)))
  return answers.flatMap((answer) =>
    answer.includes('"status":"ok"') ? [] : (answer.split('\n').at(-1) ?? []),
  )
}

/** 0: no answer at all. */
interface Seen {
  failed: Map<number, number>
  inARow: number
}

runToEnd(async (closing) => {
  const server = await composeServer()
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
    name: 'Kills',
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

  const dispatcher = new Agent({ headersTimeout: 8000, bodyTimeout: 8000 })
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

  /** An increment under one key until it is answered: each failure is seen, and it counts once. */
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

  async function snapshot(): Promise<number> {
    const path = `${server.url}/api/v1/dashboards/${dashboard}/stream`
    const { statusCode, body } = await request(path, { headers: session, dispatcher })
    if (statusCode !== 200) {
      await body.dump()
      return statusCode
    }
    for await (const chunk of body) if (String(chunk).includes('event: snapshot')) return 200
    return 0
  }

  const [readNext, analyseNext] = [inTurn(), inTurn()]
  const calls: Record<string, () => Promise<number>> = {
    write: writer(),
    read: () => call(`/api/v1/counts/${readNext()}`, { headers: asService }),
    management: () => call('/api/v1/admin/counts?limit=5'),
    analysis: () => call(`/api/v1/analysis/trend?count=${analyseNext()}&granularity=minute`),
    dashboards: () => call(`/api/v1/dashboards/${dashboard}`),
    page: () => call('/dashboards/'),
    stream: snapshot,
  }
  const seen = new Map<string, Seen>()
  const forget = () => {
    for (const name of Object.keys(calls)) seen.set(name, { failed: new Map(), inARow: 0 })
  }
  forget()

  const before = await readSum()
  const running = Object.entries(calls).map(async ([name, one]) => {
    while (!stopped) {
      const status = await one().catch(() => 0)
      const of = seen.get(name) as Seen
      if (status === 200) of.inARow++
      else {
        of.inARow = 0
        of.failed.set(status, (of.failed.get(status) ?? 0) + 1)
      }
      await delay(pauseMs)
    }
  })
  const allFine = () => [...seen.values()].every(({ inARow }) => inARow >= ids.length)
  await until('every kind of call to succeed', allFine, { deadlineMs: 60_000 })

  const rows: string[][] = []
  const wrong: string[] = []
  for (const [container, mayFail] of Object.entries(needed)) {
    process.stderr.write(`${container}\n`)
    forget()
    await compose('kill', container)
    await delay(awayMs)
    const back = performance.now()
    await compose('up', '-d', '--no-deps', container)
    const well = async () => allFine() && (await degraded()).length === 0
    const fine = await until(`all to be well after ${container}`, well, { deadlineMs: 60_000 }).then(
      () => true,
      () => false,
    )
    const seconds = (performance.now() - back) / 1000
    const failures = [...seen].flatMap(([name, { failed }]) =>
      [...failed].map((one) => [name, ...one] as const),
    )
    for (const [name, status] of failures) {
      const honest = status === 502 || status === 503 || (container === 'gateway' && status === 0)
      if (!mayFail.includes(name) || !honest) wrong.push(`${container}: ${name} was answered ${status}`)
    }
    for (const name of mayFail)
      if ((seen.get(name) as Seen).failed.size === 0) wrong.push(`${container}: ${name} did not miss it`)
    if (!fine) wrong.push(`${container}: not all is well a minute after its return ${await degraded()}`)
    rows.push([
      container,
      failures.map(([name, status, n]) => `${name} ${status || 'no answer'} × ${n}`).join(', ') || 'none',
      fine ? seconds.toFixed(1) : '–',
    ])
  }
  stopped = true
  await Promise.all(running)
  // What was not answered may have counted: asked until it is known.
  await until('the last increment', async () => (await calls.write?.()) === 200)
  const sum = (await readSum()) - before
  const exact = sum === acknowledged

  console.log(table(['killed', 'calls that failed', 'well again, s'], rows))
  console.log(`\n${acknowledged} increments acknowledged, the values grew by ${sum}.`)
  for (const one of wrong) console.log(`- wrong: ${one}`)
  console.log(wrong.length === 0 && exact ? 'As it should be.' : '**Not as it should be.**')
  return wrong.length === 0 && exact ? 0 : 1
})
