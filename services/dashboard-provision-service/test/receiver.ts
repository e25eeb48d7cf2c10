import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { Webhook } from 'standardwebhooks'
import { z } from 'zod'

/** What a receiver of webhooks got. */
export interface Received {
  headers: IncomingHttpHeaders
  id: string
  body: string
  message: z.output<typeof message>
}

const message = z.object({
  type: z.string(),
  timestamp: z.iso.datetime(),
  data: z.looseObject({
    alert: z.looseObject({ id: z.string(), name: z.string() }),
    count: z.string(),
    state: z.string(),
    value: z.int().nullable(),
    version: z.int().nullable(),
    cause: z.string(),
  }),
})

export type Receiver = Awaited<ReturnType<typeof openReceiver>>

/** A server that webhooks are sent to. `answer` says what it answers: a status, or nothing at all. */
export async function openReceiver(host = '127.0.0.1') {
  const received: Received[] = []
  const state = {
    answer: (_got: Received): number | 'silence' | { status: number; headers: Record<string, string> } => 204,
  }
  const server = createServer(async (request, response) => {
    const body = await text(request)
    const got = {
      headers: request.headers,
      id: String(request.headers['webhook-id']),
      body,
      message: message.parse(JSON.parse(body)),
    }
    received.push(got)
    const answer = state.answer(got)
    if (answer === 'silence') return
    if (typeof answer === 'number') response.writeHead(answer).end()
    else response.writeHead(answer.status, answer.headers).end()
  })
  await new Promise<void>((resolve) => server.listen(0, host, resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://${host}:${port}/hook`,
    port,
    received,
    answerBy(answer: typeof state.answer) {
      state.answer = answer
    },
    of: (rule: string) => received.filter(({ message }) => message.data.alert.id === rule),
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** Throws when the signature is not by this secret. */
export const verify = (secret: string, { body, headers }: Received): void => {
  new Webhook(secret).verify(
    body,
    Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)])),
  )
}
