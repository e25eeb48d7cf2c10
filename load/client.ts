import { setTimeout as delay } from 'node:timers/promises'
import { Agent, request } from 'undici'
import { z } from 'zod'

export interface Call {
  method?: 'GET' | 'POST' | 'PUT' | 'DELETE'
  path: string
  headers?: Record<string, string>
  body?: unknown
}

export interface Answer {
  status: number
  headers: Record<string, string | string[] | undefined>
  body: unknown
}

export type Client = ReturnType<typeof openClient>

/** Answers that say nothing about the request itself: it is sent again, under the same key. */
const passing = new Set([429, 500, 502, 503, 504])
const longestPauseMs = 2000
const patienceMs = 180_000

/**
 * A client that gets every call answered: without an answer, or with one of 429 and 5xx, it sends the call again after
 * growing pauses for up to three minutes. So every mutation must carry an idempotency key, or be repeatable by itself.
 */
export function openClient(url: string, { connections }: { connections: number }) {
  const dispatcher = new Agent({ connections, headersTimeout: 15_000, bodyTimeout: 15_000 })
  let requests = 0
  let retries = 0

  async function attempt({ method = 'GET', path, headers, body }: Call): Promise<Answer> {
    requests++
    const answer = await request(url + path, {
      method,
      dispatcher,
      headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
      body: body === undefined ? undefined : JSON.stringify(body),
    })
    const text = await answer.body.text()
    return {
      status: answer.statusCode,
      headers: answer.headers,
      body: text === '' ? undefined : JSON.parse(text),
    }
  }

  async function send(call: Call): Promise<Answer> {
    const giveUp = performance.now() + patienceMs
    for (let pauseMs = 50; ; pauseMs = Math.min(pauseMs * 2, longestPauseMs)) {
      const answer = await attempt(call).catch((error: Error) => error)
      if (!(answer instanceof Error) && !passing.has(answer.status)) return answer
      if (performance.now() > giveUp) {
        const last = answer instanceof Error ? answer.message : `status ${answer.status}`
        throw new Error(
          `${call.method ?? 'GET'} ${call.path} was not answered in ${patienceMs / 1000} s; last: ${last}`,
        )
      }
      retries++
      await delay(pauseMs * (0.5 + Math.random() / 2))
    }
  }

  return {
    send,
    requests: () => requests,
    retries: () => retries,
    close: () => dispatcher.destroy(),
  }
}

/** The body of an answer with one of these statuses. @throws with what the server said, for any other */
export function expectBody<T extends z.ZodType>(answer: Answer, statuses: number[], schema: T): z.output<T> {
  if (statuses.includes(answer.status)) return schema.parse(answer.body)
  const said = z.object({ title: z.string(), detail: z.string().optional() }).safeParse(answer.body).data
  throw new Error(`answered ${answer.status}: ${said?.title ?? 'no problem document'} ${said?.detail ?? ''}`)
}

/** Does `work` for every item, `width` at a time. */
export async function forEach<T>(
  items: Iterable<T>,
  width: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const rest = items[Symbol.iterator]()
  const worker = async () => {
    for (let next = rest.next(); !next.done; next = rest.next()) await work(next.value)
  }
  await Promise.all(Array.from({ length: width }, worker))
}
