import { setTimeout as delay } from 'node:timers/promises'
import { Agent, type Dispatcher, request } from 'undici'
import { z } from 'zod'
import { median } from './bench/rounds.ts'
import { type Client, expectBody, openClient } from './client.ts'
import { haveDashboard, signIn } from './dashboards/session.ts'
import type { Server } from './server.ts'

const streams = 50
const everyMs = 200
const id = 'watched:live'
const frame = z.object({ counts: z.array(z.object({ id: z.string(), value: z.number() })) })

/** A count of theirs, and a dashboard that shows it. @returns the dashboard's id */
async function haveWatched(client: Client, server: Server) {
  const headers = await signIn(client, server)
  const body = { id, name: 'What the load test watches' }
  const made = await client.send({ method: 'POST', path: '/api/v1/admin/counts', headers, body })
  if (made.status !== 409) expectBody(made, [201], z.unknown())
  const layout = { x: 0, y: 0, w: 4, h: 4 }
  const dashboard = await haveDashboard(client, headers, {
    name: body.name,
    panels: [{ id: 'p', type: 'number', title: id, counts: { ids: [id] }, spark: false, layout }],
  })
  return { dashboard, headers }
}

/**
 * Streams beside a k6 run, which has no server-sent events: fifty clients of a dashboard whose count is written five times a
 * second. `end` tells how long after its answer each had a write, and whether every one is still open.
 */
export async function openWatchers(server: Server) {
  const client = openClient(server.url, { connections: 2 })
  const { dashboard, headers } = await haveWatched(client, server)
  const dispatcher = new Agent({ bodyTimeout: 30_000 })
  const ages: number[] = []
  let written = { value: 0, at: 0 }
  let closed = false
  let open = 0

  async function watch(): Promise<void> {
    const path = `${server.url}/api/v1/dashboards/${dashboard}/stream`
    const { statusCode, body } = await request(path, { headers, dispatcher })
    if (statusCode !== 200) throw new Error(`a stream was answered ${statusCode}`)
    open++
    await readAll(body).finally(() => {
      open--
    })
  }

  async function readAll(body: Dispatcher.ResponseData['body']): Promise<void> {
    let text = ''
    let seen = 0
    for await (const chunk of body.setEncoding('utf8')) {
      text += chunk
      const frames = text.split('\n\n')
      text = frames.pop() as string
      for (const one of frames) {
        const data = /^event: delta\n(?:.*\n)*?data: (.*)/m.exec(one)?.[1]
        if (!data) continue
        const value = frame.parse(JSON.parse(data)).counts.find((count) => count.id === id)?.value ?? 0
        if (value >= written.value && seen < written.value) ages.push(performance.now() - written.at)
        seen = value
      }
    }
  }
  const watching = Array.from({ length: streams }, () => watch().catch(() => {}))

  async function write(): Promise<void> {
    const call = {
      method: 'POST' as const,
      path: `/api/v1/counts/${id}/increment`,
      headers: { authorization: `Bearer ${server.apiKey}` },
    }
    while (!closed) {
      const { value } = expectBody(
        await client.send({ ...call, body: {} }),
        [200],
        z.object({ value: z.number() }),
      )
      written = { value, at: performance.now() }
      await delay(everyMs)
    }
  }
  const writing = write()

  return {
    /** @returns whether all were served, and a sentence about it */
    async end(): Promise<{ served: boolean; text: string }> {
      closed = true
      await writing
      const stillOpen = open
      await dispatcher.destroy()
      await Promise.all(watching)
      await client.close()
      ages.sort((a, b) => a - b)
      const p99 = ages[Math.ceil(ages.length * 0.99) - 1] ?? Number.NaN
      return {
        served: stillOpen === streams && p99 < 1000,
        text: `Streams beside it: ${stillOpen} of ${streams} open to the end; a write was at them ${Math.round(median(ages))} ms after its answer at the median, ${Math.round(p99)} ms at p99.`,
      }
    },
  }
}
