import type { Generator, Measured } from '../bench/load.ts'
import { ratioTarget, type Section } from '../bench/report.ts'
import { inTurn, median } from '../bench/rounds.ts'
import { seedCounts, seededIds } from '../bench/seed.ts'
import type { Server } from '../server.ts'
import { number } from '../table.ts'
import { type Analyst, questions } from './questions.ts'

const prefix = 'bench:'
const counts = 1000
const connections = 64
const least = 0.9
const alone = 'increments alone'
const beside = 'increments while analyses run'

/** Whether writers notice analyses: increments alone, and beside those who ask one question after another. */
export async function neighbours(
  server: Server,
  analyst: Analyst,
  generator: Generator,
  pains: { rounds: number; seconds: number },
): Promise<Section> {
  const { url, apiKey } = server
  await seedCounts(server.stores, seededIds(prefix, counts))
  const send = (seconds: number) =>
    generator.send({ url, kind: 'increment', apiKey, prefix, ids: counts, connections }, seconds)
  let analyses = 0

  async function sendBeside(seconds: number): Promise<Measured> {
    let over = false
    const asking = questions.map(async (question) => {
      for (; !over; analyses++) await analyst.ask(question)
    })
    const sending = send(seconds).finally(() => {
      over = true
    })
    const [measured] = await Promise.all([sending, ...asking])
    return measured
  }

  const rounds = await inTurn(
    [
      { name: alone, run: send },
      { name: beside, run: sendBeside },
    ],
    pains,
  )
  const middle = (name: string, of: (one: Measured) => number) => median((rounds.get(name) ?? []).map(of))
  const rates: [number, number] = [middle(beside, ({ rate }) => rate), middle(alone, ({ rate }) => rate)]
  return {
    title: 'Increments beside analyses',
    text: `Increments a second at ${connections} connections, each durable (fsync always) under an idempotency key of its own, alone and while
${questions.length} clients ask one question after another (${number(analyses)} were answered); medians of the rounds.`,
    headers: ['', 'per s', 'p50 ms', 'p99 ms'],
    rows: [alone, beside].map((name) => [
      name,
      number(middle(name, ({ rate }) => rate)),
      number(
        middle(name, ({ p50 }) => p50),
        1,
      ),
      number(
        middle(name, ({ p99 }) => p99),
        1,
      ),
    ]),
    targets: [ratioTarget('increments while analyses run, to alone', rates, least)],
  }
}
