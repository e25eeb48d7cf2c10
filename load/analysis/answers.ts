import { limitTarget, type Section } from '../bench/report.ts'
import { inTurn, median } from '../bench/rounds.ts'
import { number } from '../table.ts'
import { type Analyst, type Question, questions } from './questions.ts'

/** The 95th percentile that is aimed at, in ms. */
const most: Record<Question, number> = {
  comparison: 300,
  trend: 100,
  prediction: 1000,
  'prediction of hours': 1000,
}
const told: Record<Question, string> = {
  comparison: 'comparison of 50 counts × 365 days',
  trend: 'trend of one count × 90 days of hours',
  prediction: 'prediction of 28 days from 365',
  'prediction of hours': 'prediction of 48 hours from 90 days of hours',
}

const percentile = (times: number[], share: number) =>
  times.toSorted((a, b) => a - b)[Math.ceil(times.length * share) - 1] ?? Number.NaN

/** How long each kind of question takes, asked one after another. */
export async function answers(
  analyst: Analyst,
  pains: { rounds: number; seconds: number },
): Promise<Section> {
  const rounds = await inTurn(
    questions.map((name) => ({ name, run: (seconds: number) => analyst.askFor(name, seconds) })),
    pains,
  )
  const rows: string[][] = []
  const targets = []
  for (const question of questions) {
    const times = rounds.get(question) ?? []
    const [p50, p95] = [0.5, 0.95].map((share) => median(times.map((round) => percentile(round, share))))
    const asked = times.reduce((sum, round) => sum + round.length, 0)
    rows.push([told[question], number(p50 ?? 0, 1), number(p95 ?? 0, 1), number(asked)])
    targets.push(limitTarget(`p95 of a ${told[question]}`, p95 ?? Number.NaN, most[question], 'ms'))
  }
  return {
    title: 'Answers',
    text: 'Milliseconds from the request to the last byte of the answer, one question at a time; medians of the rounds.',
    headers: ['question', 'p50 ms', 'p95 ms', 'asked'],
    rows,
    targets,
  }
}
