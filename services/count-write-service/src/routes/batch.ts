import { hash } from 'node:crypto'
import { type ApiKey, allowsId } from '@count/core/api-keys'
import type { ApplyRequest, Operation, Outcome } from '@count/core/group-commit'
import { jsonSchema, type RoutePlugin, refuse, validatorCompiler } from '@count/core/http'
import { type ProblemDocument, problem, problemDocument } from '@count/core/problem'
import { applied, batchBody, batchOperation } from '@count/core/schemas'
import { z } from 'zod'
import type { CountWriter } from '../count-writer.ts'
import { refusalOf } from '../refusals.ts'
import { idempotencyKey, replayedHeader } from './headers.ts'

type Item = z.output<typeof batchOperation>

const answer = z.object({
  results: z.array(z.union([applied.extend({ status: z.literal(200) }), problemDocument])),
})

/** What the document shows of the envelope; the items themselves are judged one by one. */
const documentedBody = batchBody.extend({
  operations: batchBody.shape.operations.meta({ examples: [[{ id: 'views', op: 'increment', amount: 1 }]] }),
})

/** POST /api/v1/counts/batch: 1–1000 operations, one result or problem each, in order. */
export const batchRoute = (writer: CountWriter, shardOf: (id: string) => number): RoutePlugin => {
  const compile = validatorCompiler()
  const about = { httpPart: 'body', method: 'POST', url: '/api/v1/counts/batch' }
  const checks = new Map(
    batchOperation.options.map((option) => [
      option.shape.op.value,
      compile({ ...about, schema: jsonSchema(option) }),
    ]),
  )

  /** The item, or the problem with it. The compiled check says yes fast; only a no is asked why. */
  function parse(item: unknown, key: ApiKey): Item | ProblemDocument {
    const check = checks.get((item as Partial<Item> | null)?.op as Item['op'])
    if (check?.(item) !== true) {
      const issues = batchOperation.safeParse(item).error?.issues ?? []
      const errors = issues.map(({ path, message }) => ({ path: path.join('.'), message }))
      return problem('invalid-request', { errors })
    }
    const valid = item as Item
    return allowsId(key, valid.id) ? valid : problem('forbidden')
  }

  return async (app) => {
    app.post(
      '/api/v1/counts/batch',
      {
        config: {
          access: { kind: 'key', scope: 'counts:write' },
          problems: ['key-reused', 'unavailable'],
        },
        schema: {
          operationId: 'batch',
          summary: 'Applies many operations at once',
          tags: ['counts'],
          body: jsonSchema(documentedBody),
          headers: jsonSchema(z.object({ 'idempotency-key': idempotencyKey })),
          response: { 200: jsonSchema(answer, 'output') },
        },
      },
      async (request, reply) => {
        const key = request.apiKey as ApiKey
        const header = request.headers['idempotency-key']
        const items = request.body.operations.map((item) => parse(item, key))
        const parts = partition(items, header, `${key.id} batch`, shardOf)
        const whole = parts.find((part) => !part.own)?.request.idempotency
        // The parts may share no shard with those of another batch under this key, so the key has a place of its own.
        if (whole && !(await writer.claim({ ...whole, scope: `${whole.scope} whole` })))
          return refuse(reply, problem('key-reused'))
        const answers = await writer.write(parts.map((part) => part.request))

        const results: string[] = items.map((item) => ('type' in item ? JSON.stringify(item) : ''))
        let replayed = parts.length > 0
        for (const [i, outcomes] of answers.entries()) {
          const { places, request, own } = parts[i] as Part
          const reused = outcomes[0]?.word === 'reused'
          if (reused && !own) return refuse(reply, problem('key-reused'))
          for (const [n, place] of places.entries()) {
            const outcome = outcomes[reused ? 0 : n] as Outcome
            replayed &&= outcome.replayed
            results[place] = resultOf(request.operations[n] as Operation, outcome)
          }
        }
        if (replayed) reply.header(replayedHeader, 'true')
        // Ready-made: serialising a union costs more than all the rest.
        return reply.type('application/json; charset=utf-8').send(`{"results":[${results.join(',')}]}`)
      },
    )
  }
}

function resultOf({ id }: Operation, outcome: Outcome): string {
  if (outcome.word !== 'ok') return JSON.stringify(refusalOf(outcome))
  return `{"status":200,"id":"${id}","value":${outcome.value},"version":${outcome.version},"delta":${outcome.delta}}`
}

interface Part {
  request: ApplyRequest & { operations: Operation[] }
  /** Where in the batch each operation stood. */
  places: number[]
  /** Whether it is one item under its own key. */
  own: boolean
}

/** The requests a batch is made of: one per shard, and one for each item that has a key of its own. */
function partition(
  items: (Item | ProblemDocument)[],
  header: string | undefined,
  scope: string,
  shardOf: (id: string) => number,
): Part[] {
  const content = header === undefined ? '' : hash('sha1', JSON.stringify(items), 'base64url')
  const shards = new Map<number, Part>()
  const parts: Part[] = []
  for (const [place, item] of items.entries()) {
    if ('type' in item) continue
    const amount = item.op === 'set' ? item.value : item.amount
    const operation: Operation = { id: item.id, kind: item.op, amount }
    if (item.idempotencyKey !== undefined) {
      const idempotency = {
        scope: `${scope} ${item.id} ${item.idempotencyKey}`,
        content: `${item.op[0]}${amount}`,
      }
      parts.push({ request: { operations: [operation], idempotency }, places: [place], own: true })
      continue
    }
    const shard = shardOf(item.id)
    let part = shards.get(shard)
    if (!part) {
      const idempotency = header === undefined ? undefined : { scope: `${scope} ${header}`, content }
      part = { request: { operations: [], idempotency }, places: [], own: false }
      shards.set(shard, part)
      parts.push(part)
    }
    part.request.operations.push(operation)
    part.places.push(place)
  }
  return parts
}
