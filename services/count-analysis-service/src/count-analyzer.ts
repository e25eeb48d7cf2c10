import { type ProblemDocument, problem } from '@count/core/problem'
import { openZone } from '@count/core/zone'
import type { Logger } from 'pino'
import { z } from 'zod'
import type { AnalysisJob, Format } from './analysis-job.ts'
import type { AnalysisMetrics } from './analysis-metrics.ts'
import type { ChildPool } from './child-pool.ts'
import type { CountNames } from './count-names.ts'
import { readPasts } from './known-pasts.ts'
import type { Against, ComparisonQuery, PredictionQuery, Range, TrendQuery } from './schemas/query.ts'
import type { AnalysisSeries } from './schemas/series.ts'
import { type Known, seriesOf } from './series.ts'
import { planSeries, type SeriesPlan, type Span } from './series-plan.ts'
import { invalid, pastNamed, type Refused, type Subject, subjectOf, subjectsOf } from './subjects.ts'
import type { ValueReplica } from './value-replica.ts'

/** `body` is a whole answer in the format that was asked for; `cancelled`: nobody waits for it any more. */
export type AnalysisOutcome = { ok: true; body: Uint8Array } | Refused | { ok: false; cancelled: true }

export interface AnalyzerOptions {
  replica: ValueReplica
  names: CountNames
  pool: ChildPool
  metrics: AnalysisMetrics
  log: Logger
}

export type CountAnalyzer = ReturnType<typeof createCountAnalyzer>

type Question = Range & { against?: Against | undefined }
type Made = { ok: true; series: AnalysisSeries[] } | Refused

/** Buckets read for one answer: counts × buckets from the first one asked for until now. */
const mostBuckets = 1_000_000

const result = z.union([
  z.object({ body: z.instanceof(Uint8Array) }),
  z.object({ refused: z.custom<ProblemDocument>() }),
  z.object({ failed: z.string() }),
])

/**
 * CountAnalyzer (UC-004): chooses the buckets of a question, reads counts and their history from the replica in bulk, and has
 * a process of low priority analyse them. What is wrong with a question is an outcome; only a store or service that is away
 * rejects, with Unavailable.
 */
export function createCountAnalyzer({ replica, names, pool, metrics, log }: AnalyzerOptions) {
  /** The series of the subjects, in their order; of the first one's past behind them where the question is `against` it. */
  async function seriesFor(subjects: readonly Subject[], query: Question): Promise<Made> {
    const zone = openZone(await replica.zone())
    const planned = planSeries(query, zone, Date.now())
    if (!planned.ok) return invalid(planned.path, planned.message)
    const { plan } = planned
    const members = [
      ...new Map(subjects.flatMap((one) => one.members.map((count) => [count.id, count]))).values(),
    ]
    const spans = plan.past ? [plan.present, plan.past] : [plan.present]
    const buckets = members.length * Math.max(...spans.map(({ window }) => window.open - window.first + 1))
    if (buckets > mostBuckets) {
      const message = `${members.length} counts since then are ${buckets} buckets, of ${mostBuckets} that are read at once`
      return invalid('from', message)
    }
    const [present, past] = await Promise.all(spans.map((span) => readPasts(replica, members, span, zone)))
    const series = subjects.map((subject) => made(subject, present, plan, plan.present))
    const [first] = subjects
    if (first && plan.past && query.against) {
      const named = pastNamed(first.named, query.against, plan, plan.past)
      series.push(made({ ...first, named }, past, plan, plan.past))
    }
    return { ok: true, series }

    function made(subject: Subject, known: Map<string, Known> | undefined, plan: SeriesPlan, span: Span) {
      const pasts = subject.members.flatMap(({ id }) => known?.get(id) ?? [])
      return seriesOf(subject.named, pasts, plan, span, query.measure)
    }
  }

  /** The series of one count. */
  async function single(id: string, query: Range, signal: AbortSignal) {
    const described = await names.named([id], signal)
    if (!described.ok) return described
    const made = await seriesFor(described.items.map(subjectOf), query)
    if (!made.ok) return made
    return { ok: true as const, series: made.series[0] as AnalysisSeries }
  }

  async function analyse(job: AnalysisJob, signal: AbortSignal): Promise<AnalysisOutcome> {
    const done = metrics.start(job.kind)
    const ran = await pool.run(job, signal)
    if (ran.ok) {
      done()
      const answer = result.parse(ran.answer)
      if ('refused' in answer) return { ok: false, problem: answer.refused }
      if ('body' in answer) return { ok: true, body: answer.body }
      log.error({ kind: job.kind, reason: answer.failed }, 'an analysis failed')
      return { ok: false, problem: problem('internal') }
    }
    if (ran.why === 'cancelled') {
      metrics.cancelled.inc()
      return { ok: false, cancelled: true }
    }
    if (ran.why === 'late') {
      const detail = 'Ask for fewer counts, a shorter range or longer buckets'
      return { ok: false, problem: problem('took-too-long', { detail }) }
    }
    return { ok: false, problem: problem(ran.why === 'busy' ? 'too-busy' : 'internal') }
  }

  return {
    async trend(query: TrendQuery, format: Format, signal: AbortSignal): Promise<AnalysisOutcome> {
      const made = await single(query.count, query, signal)
      if (!made.ok) return made
      const options = { window: query.window }
      return analyse({ kind: 'trend', format, options, series: made.series }, signal)
    },

    async prediction(query: PredictionQuery, format: Format, signal: AbortSignal): Promise<AnalysisOutcome> {
      const made = await single(query.count, query, signal)
      if (!made.ok) return made
      const options = { horizon: query.horizon, reach: query.reach }
      return analyse({ kind: 'prediction', format, options, series: made.series }, signal)
    },

    async comparison(query: ComparisonQuery, format: Format, signal: AbortSignal): Promise<AnalysisOutcome> {
      const chosen = await subjectsOf(query, names, signal)
      if (!chosen.ok) return chosen
      const made = await seriesFor(chosen.subjects, query)
      if (!made.ok) return made
      const options = { maxLag: query.maxLag }
      return analyse({ kind: 'comparison', format, options, series: made.series }, signal)
    },
  }
}
