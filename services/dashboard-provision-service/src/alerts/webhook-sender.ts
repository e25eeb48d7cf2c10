import type { LookupFunction } from 'node:net'
import { Webhook } from 'standardwebhooks'
import { Agent, request } from 'undici'
import { ForbiddenAddress, publicLookup, targetFault } from './public-address.ts'

export interface WebhookCall {
  url: string
  /** The webhook-id: the same in every attempt. */
  id: string
  body: string
  /** One signature of each; the receiver takes any. */
  secrets: string[]
}

/** What came of one attempt. `status` is the HTTP answer's; `error` says why it counts as not delivered. */
export interface Attempt {
  delivered: boolean
  status: number | null
  error: string | null
  /** Seconds that the receiver asked to be left alone for. */
  retryAfter: number
}

export type WebhookSender = ReturnType<typeof createWebhookSender>

const maxAnswerBytes = 16 * 1024
const connectionsPerTarget = 4

/**
 * Sends webhooks as Standard Webhooks (https://www.standardwebhooks.com): signed, within `timeoutMs`, never by a redirect, and unless
 * `allowPrivate` only to public addresses, over TLS. Whatever goes wrong is an attempt that failed, never an exception.
 */
export function createWebhookSender({
  allowPrivate,
  lookup = publicLookup(),
  timeoutMs = 10_000,
}: {
  allowPrivate: boolean
  lookup?: LookupFunction
  timeoutMs?: number
}) {
  const agent = new Agent({
    connections: connectionsPerTarget,
    connect: allowPrivate ? {} : { lookup },
  })

  async function send({ url, id, body, secrets }: WebhookCall, signal?: AbortSignal): Promise<Attempt> {
    // The address that was checked when it was saved may be older than the setting.
    const fault = targetFault(url, allowPrivate)
    if (fault) return failed(`the address ${fault}`)
    const timeout = AbortSignal.timeout(timeoutMs)
    const now = new Date()
    try {
      const answer = await request(url, {
        method: 'POST',
        dispatcher: agent,
        signal: signal ? AbortSignal.any([timeout, signal]) : timeout,
        headers: {
          'content-type': 'application/json',
          'user-agent': 'count-webhooks/1',
          'webhook-id': id,
          'webhook-timestamp': String(Math.floor(now.getTime() / 1000)),
          'webhook-signature': secrets.map((secret) => new Webhook(secret).sign(id, now, body)).join(' '),
        },
        body,
      })
      const retryAfter = /^\d{1,9}$/.exec(String(answer.headers['retry-after']))?.[0]
      // Nobody reads it; what is short is taken so that the connection can be used again.
      await answer.body.dump({ limit: maxAnswerBytes, signal: timeout }).catch(() => undefined)
      const delivered = answer.statusCode >= 200 && answer.statusCode < 300
      return {
        delivered,
        status: answer.statusCode,
        error: delivered ? null : `answered ${answer.statusCode}`,
        retryAfter: Number(retryAfter ?? 0),
      }
    } catch (error) {
      return failed(timeout.aborted ? `did not answer within ${timeoutMs / 1000} s` : reasonOf(error))
    }
  }

  return { send, close: async () => await agent.destroy() }
}

const failed = (error: string): Attempt => ({ delivered: false, status: null, error, retryAfter: 0 })

/** Told to administrators: a word of ours or the system's code, nothing that the other side could have written. */
function reasonOf(error: unknown): string {
  if (error instanceof ForbiddenAddress) return error.message
  if (!(error instanceof Error)) return 'failed'
  const code = 'code' in error ? String(error.code) : error.name
  return `failed: ${/^[A-Za-z0-9_]{1,64}$/.test(code) ? code : 'unknown'}`
}
