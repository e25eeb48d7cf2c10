import { jsonSchema, type RoutePlugin, refuse } from '@count/core/http'
import { type ProblemName, problem } from '@count/core/problem'
import { traced } from '@count/core/trace'
import type { FastifyReply, FastifyRequest } from 'fastify'
import Negotiator from 'negotiator'
import { z } from 'zod'
import type { Format, Kind } from '../analysis-job.ts'
import type { AnalysisOutcome, CountAnalyzer } from '../count-analyzer.ts'
import { comparisonAnswer, predictionAnswer, trendAnswer } from '../schemas/answers.ts'
import comparisonExample from '../schemas/examples/comparison.json' with { type: 'json' }
import predictionExample from '../schemas/examples/prediction.json' with { type: 'json' }
import trendExample from '../schemas/examples/trend.json' with { type: 'json' }
import { comparisonQuery, predictionQuery, trendQuery } from '../schemas/query.ts'

const formats = { 'application/json': 'json', 'text/csv': 'csv' } as const satisfies Record<string, Format>
const types = { json: 'application/json; charset=utf-8', csv: 'text/csv; charset=utf-8' }

const problems: ProblemName[] = [
  'unknown-count',
  'not-acceptable',
  'unavailable',
  'too-busy',
  'took-too-long',
]
const shared = { config: { access: { kind: 'session', role: 'viewer' }, problems } } as const
const tags = ['analysis']
const both =
  'With `Accept: text/csv` its main series as a table. Worked out by a process of low priority, twenty seconds at most.'

const contentOf = (answer: z.ZodType, example: object, table: string) => ({
  200: {
    description: 'The analysis',
    content: {
      'application/json': { schema: { ...jsonSchema(answer, 'output'), examples: [example] } },
      'text/csv': { schema: jsonSchema(z.string().meta({ examples: [table] }), 'output') },
    },
  },
})

/** Whichever of both the client would rather have; undefined when neither. */
function formatOf(request: Pick<FastifyRequest, 'headers'>): Format | undefined {
  const names = Object.keys(formats)
  const chosen = new Negotiator(request).mediaType([
    ...names,
    ...names.map((name) => `${name};charset=utf-8`),
  ])
  return Object.entries(formats).find(([name]) => chosen?.startsWith(name))?.[1]
}

/** Trend, comparison and prediction (UC-004); a client that leaves ends its analysis. */
export const analysisRoutes =
  (analyzer: CountAnalyzer): RoutePlugin =>
  async (app) => {
    async function answer(
      request: Pick<FastifyRequest, 'headers' | 'signal'>,
      reply: Pick<FastifyReply, 'code' | 'raw' | 'header' | 'send' | 'hijack'>,
      kind: Kind,
      analyse: (format: Format, signal: AbortSignal) => Promise<AnalysisOutcome>,
    ) {
      reply.header('vary', 'accept')
      const format = formatOf(request)
      if (!format) {
        const detail = `One of ${Object.keys(formats).join(', ')} is to be had`
        return refuse(reply, problem('not-acceptable', { detail }))
      }
      const outcome = await traced(request, () => analyse(format, request.signal))
      // Nobody is there to be answered.
      if ('cancelled' in outcome) return reply.hijack()
      if (!outcome.ok) return refuse(reply, outcome.problem)
      reply.header('content-type', types[format])
      if (format === 'csv') reply.header('content-disposition', `attachment; filename="${kind}.csv"`)
      return reply.send(outcome.body)
    }

    app.get(
      '/api/v1/analysis/trend',
      {
        ...shared,
        schema: {
          operationId: 'analyseTrend',
          summary: 'Averages, growth, slope, seasons and what is unusual of a count',
          description: both,
          tags,
          querystring: jsonSchema(trendQuery),
          response: contentOf(
            trendAnswer,
            trendExample,
            'at,value,average,median,trend,season 7,remainder,lower,upper,open\r\n2026-11-22T00:00:00+09:00,512,498.3,501,495.2,14.1,2.7,441.8,576.8,\r\n',
          ),
        },
      },
      (request, reply) =>
        answer(request, reply, 'trend', (format, signal) => analyzer.trend(request.query, format, signal)),
    )

    app.get(
      '/api/v1/analysis/comparison',
      {
        ...shared,
        schema: {
          operationId: 'compareCounts',
          summary: 'Counts or groups of counts side by side, or one count against its past',
          description: both,
          tags,
          querystring: jsonSchema(comparisonQuery),
          response: contentOf(
            comparisonAnswer,
            comparisonExample,
            'at,Orders (shop.orders),Returns (shop.returns),open\r\n2026-11-22T00:00:00+09:00,512,31,\r\n',
          ),
        },
      },
      (request, reply) =>
        answer(request, reply, 'comparison', (format, signal) =>
          analyzer.comparison(request.query, format, signal),
        ),
    )

    app.get(
      '/api/v1/analysis/prediction',
      {
        ...shared,
        schema: {
          operationId: 'predictCount',
          summary: 'What a count will be, with its uncertainty, and when it reaches a number',
          description: both,
          tags,
          querystring: jsonSchema(predictionQuery),
          response: contentOf(
            predictionAnswer,
            predictionExample,
            'at,value,mean,lower 80 %,upper 80 %,lower 95 %,upper 95 %\r\n2026-11-22T00:00:00+09:00,512,,,,,\r\n2026-11-23T00:00:00+09:00,,507.4,466.1,548.7,441.8,573\r\n',
          ),
        },
      },
      (request, reply) =>
        answer(request, reply, 'prediction', (format, signal) =>
          analyzer.prediction(request.query, format, signal),
        ),
    )
  }
