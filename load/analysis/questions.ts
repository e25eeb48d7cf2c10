import { Agent, request } from 'undici'
import { type Client, openClient } from '../client.ts'
import { signIn } from '../dashboards/session.ts'
import { type CountWithPast, importPasts } from '../demo/history.ts'
import type { Administrator } from '../management/administrator.ts'
import type { Server } from '../server.ts'

const hourMs = 3_600_000
const dayMs = 24 * hourMs
const daily = 50
const hours = 90 * 24

/** Waves of a week and of a day with growth and noise: something for every method to find. */
function change(n: number, cycle: number, random: () => number): number {
  return Math.round((100 + n / 20) * (1 + 0.4 * Math.sin((n / cycle) * 2 * Math.PI)) + 30 * random())
}

/** Fifty counts with a year of days, one with 90 days of hours. */
export async function seedPasts(administrator: Administrator, random: () => number): Promise<void> {
  const now = Date.now()
  const common = { unit: 'events', tags: ['bench'] }
  const counts: CountWithPast[] = Array.from({ length: daily }, (_, count) => ({
    id: `analysis:${count}`,
    name: `Daily ${count}`,
    ...common,
    changes: Array.from({ length: 365 }, (_, n) => ({
      at: now - (365 - n) * dayMs,
      delta: change(n, 7, random),
    })),
  }))
  counts.push({
    id: 'analysis:hourly',
    name: 'Hourly',
    ...common,
    changes: Array.from({ length: hours - 1 }, (_, n) => ({
      at: now - (hours - 1 - n) * hourMs,
      delta: change(n, 24, random),
    })),
  })
  await importPasts(administrator, counts)
}

export const questions = ['comparison', 'trend', 'prediction', 'prediction of hours'] as const
export type Question = (typeof questions)[number]

/** Where each question is asked: the last 365 days of fifty counts or one, 90 days of hours of one. */
function paths(): Record<Question, string> {
  const since = (ms: number) => new Date(Date.now() - ms).toISOString()
  const year = `from=${since(365 * dayMs)}&granularity=day`
  const ninety = `from=${since(90 * dayMs)}&granularity=hour`
  const all = Array.from({ length: daily }, (_, count) => `count=analysis:${count}`).join('&')
  return {
    comparison: `comparison?${all}&${year}`,
    trend: `trend?count=analysis:hourly&${ninety}`,
    prediction: `prediction?count=analysis:0&horizon=28&${year}`,
    'prediction of hours': `prediction?count=analysis:hourly&horizon=48&${ninety}`,
  }
}

/** Asks as the analysis pages do. */
export async function openAnalyst(server: Server) {
  const client: Client = openClient(server.url, { connections: 1 })
  const headers = await signIn(client, server)
  const dispatcher = new Agent()

  /** One question, to the last byte of its answer. @returns ms @throws unless it is answered with 200 */
  async function ask(question: Question): Promise<number> {
    const start = performance.now()
    const url = `${server.url}/api/v1/analysis/${paths()[question]}`
    const answer = await request(url, { headers, dispatcher })
    const text = await answer.body.text()
    if (answer.statusCode !== 200) throw new Error(`${question}: ${answer.statusCode} ${text.slice(0, 500)}`)
    return performance.now() - start
  }

  return {
    ask,
    /** One question after another for so long. @returns the ms of each */
    async askFor(question: Question, seconds: number): Promise<number[]> {
      const end = performance.now() + seconds * 1000
      const times: number[] = []
      do times.push(await ask(question))
      while (performance.now() < end)
      return times
    },
    async close(): Promise<void> {
      await client.close()
      await dispatcher.destroy()
    },
  }
}

export type Analyst = Awaited<ReturnType<typeof openAnalyst>>
