import type { ApiKey } from '@count/core/api-keys'
import { jsonSchema, type RoutePlugin, refuse } from '@count/core/http'
import { problem } from '@count/core/problem'
import { applied, countId, valueBody } from '@count/core/schemas'
import { z } from 'zod'
import type { CountWriter } from '../count-writer.ts'
import { refusalOf } from '../refusals.ts'
import { idempotencyKey, replayedHeader } from './headers.ts'

const ifMatchPattern = /^\s*(?:\*|(W\/)?"(\d{1,16})(?:\.\d{1,16})?")\s*$/

/** PUT /api/v1/counts/{id}/value (UC-001 save); with If-Match a compare-and-set on the version. */
export const setValueRoute =
  (writer: CountWriter): RoutePlugin =>
  async (app) => {
    app.put(
      '/api/v1/counts/:id/value',
      {
        config: {
          access: { kind: 'key', scope: 'counts:write' },
          problems: [
            'unknown-count',
            'out-of-bounds',
            'count-paused',
            'count-archived',
            'version-mismatch',
            'key-reused',
            'unavailable',
          ],
        },
        schema: {
          operationId: 'setValue',
          summary: 'Sets a count to a value',
          tags: ['counts'],
          params: jsonSchema(z.strictObject({ id: countId })),
          body: jsonSchema(valueBody),
          headers: jsonSchema(
            z.object({
              'idempotency-key': idempotencyKey,
              'if-match': z
                .string()
                .regex(ifMatchPattern)
                .optional()
                .describe(
                  '`"<version>"`, or the ETag of a read; `*` for any. Set only if the version is still this one',
                ),
            }),
          ),
          response: { 200: jsonSchema(applied, 'output') },
        },
      },
      async (request, reply) => {
        const { id } = request.params
        const { value } = request.body
        const expected = expectedVersion(request.headers['if-match'])
        if (expected === 'never') return refuse(reply, problem('version-mismatch'))
        const key = request.headers['idempotency-key']
        const outcome = await writer.writeOne(
          { id, kind: 'set', amount: value, ifVersion: expected },
          key && {
            scope: `${(request.apiKey as ApiKey).id} ${id}/value ${key}`,
            content: expected === undefined ? `s${value}` : `s${value}v${expected}`,
          },
        )
        if (outcome.replayed) reply.header(replayedHeader, 'true')
        if (outcome.word !== 'ok') return refuse(reply, refusalOf(outcome))
        return { id, value: outcome.value, version: outcome.version, delta: outcome.delta }
      },
    )
  }

/** The version that If-Match names; undefined for any. A weak tag never matches (RFC 9110, 13.1.1). */
function expectedVersion(header: string | undefined): number | undefined | 'never' {
  const [, weak, version] = ifMatchPattern.exec(header ?? '') ?? []
  if (version === undefined) return undefined
  return weak ? 'never' : Number(version)
}
