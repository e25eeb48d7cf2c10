import {
  type AlertRule,
  type AlertTransition,
  alertTransitionResults,
  internalAlerts,
} from '@count/core/alerts'
import { Unavailable } from '@count/core/away'
import { type InternalDashboards, internalDashboards } from '@count/core/dashboards'
import type { ServiceContext } from '@count/core/service'
import type { z } from 'zod'

export type ProvisionClient = ReturnType<typeof createProvisionClient>

interface Kept<A> {
  etag: string
  answer: A
}

const answerMs = 2000
/** Ids, and as many hashes of share links, that one question may name. */
const most = 100

/**
 * Asks dashboard-provision-service over HTTP (CA-027) for configurations and rules, with If-None-Match; tells it of
 * transitions. Every call rejects with Unavailable when it is away.
 */
export function createProvisionClient(
  { fetch }: Pick<ServiceContext, 'fetch'>,
  config: { PROVISION_URL: string; SERVICE_TOKEN: string },
) {
  const authorization = `Bearer ${config.SERVICE_TOKEN}`

  async function call(path: string, init: NonNullable<Parameters<typeof fetch>[1]>) {
    try {
      const response = await fetch(config.PROVISION_URL + path, {
        ...init,
        headers: { authorization, ...init.headers },
        signal: AbortSignal.timeout(answerMs),
      })
      return { response, body: response.status === 304 ? undefined : await response.json() }
    } catch (cause) {
      throw new Unavailable(`provision does not answer: ${cause}`)
    }
  }

  /** Keeps the last answer to a question that is asked again and again. */
  function asker<T extends z.ZodType>(schema: T) {
    let kept = new Map<string, Kept<z.output<T>>>()
    return async (paths: string[]): Promise<z.output<T>[]> => {
      const answers = await Promise.all(
        paths.map(async (path): Promise<[string, Kept<z.output<T>>]> => {
          const before = kept.get(path)
          const { response, body } = await call(path, {
            headers: before ? { 'if-none-match': before.etag } : {},
          })
          if (before && response.status === 304) return [path, before]
          if (!response.ok) throw new Unavailable(`provision answered ${response.status}`)
          return [path, { etag: response.headers.get('etag') ?? '', answer: schema.parse(body) }]
        }),
      )
      kept = new Map(answers)
      return answers.map(([, { answer }]) => answer)
    }
  }

  const askAgain = asker(internalDashboards)
  const askRules = asker(internalAlerts)

  const pathOf = (ids: readonly string[], shares: readonly string[]) =>
    `/internal/dashboards?${new URLSearchParams([...ids.map((id) => ['id', id]), ...shares.map((hash) => ['share', hash])])}`

  return {
    /** Dashboards by id and by the hashes of share links; what is absent does not exist, or not any more. */
    async find(ids: readonly string[], shares: readonly string[]): Promise<InternalDashboards> {
      return only(await asker(internalDashboards)([pathOf(ids, shares)]))
    },
    /** The same of everything that is shown, each second. */
    async watch(ids: readonly string[], shares: readonly string[]): Promise<InternalDashboards> {
      const paths: string[] = []
      for (let from = 0; from < Math.max(ids.length, shares.length); from += most)
        paths.push(pathOf(ids.slice(from, from + most), shares.slice(from, from + most)))
      const answers = await askAgain(paths)
      return {
        dashboards: answers.flatMap(({ dashboards }) => dashboards),
        shares: answers.flatMap(({ shares }) => shares),
      }
    },
    /** Every enabled alert rule with its state. */
    async rules(): Promise<AlertRule[]> {
      return only(await askRules(['/internal/alerts'])).rules
    },
    /** Tells transitions, 1,000 at most; one result for each, in order. */
    async tell(transitions: readonly AlertTransition[]) {
      const { response, body } = await call('/internal/alerts/transitions', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ transitions }),
      })
      if (!response.ok) throw new Unavailable(`provision answered ${response.status}`)
      return alertTransitionResults.parse(body).results
    },
  }
}

function only<T>([answer]: T[]): T {
  if (answer === undefined) throw new Error('one question has one answer')
  return answer
}
