import { Readable } from 'node:stream'
import { byteOrderMark, csvLine } from '@count/core/csv-line'
import { jsonSchema, type RoutePlugin, refuse } from '@count/core/http'
import type { SessionClaims } from '@count/core/sessions'
import { z } from 'zod'
import type { AuditTrail } from '../audit-trail.ts'
import {
  type AuditView,
  auditExport,
  auditId,
  auditQuery,
  auditView,
  page,
  undo as undoBody,
} from '../schemas.ts'
import type { UndoManager } from '../undo.ts'
import { actorOf } from './actor.ts'

const path = '/api/v1/admin/audit'
const tags = ['audit']
const viewer = { access: { kind: 'session', role: 'viewer' } } as const
const text = { type: 'string' } as const

const columns = [
  'id',
  'at',
  'actor',
  'address',
  'action',
  'subject',
  'before',
  'after',
  'reason',
  'undoneBy',
] as const

const formats = {
  csv: {
    type: 'text/csv; charset=utf-8',
    head: byteOrderMark + csvLine(columns),
    line: (entry: AuditView) =>
      csvLine(
        columns.map((column) => {
          const cell = entry[column]
          return typeof cell === 'object' && cell ? JSON.stringify(cell) : cell
        }),
      ),
  },
  ndjson: {
    type: 'application/x-ndjson',
    head: '',
    line: (entry: AuditView) => `${JSON.stringify(entry)}\n`,
  },
}

/** The audit trail: who did what, and undoing it. */
export const auditRoutes =
  ({ trail, undo }: { trail: AuditTrail; undo: UndoManager }): RoutePlugin =>
  async (app) => {
    app.get(
      path,
      {
        config: viewer,
        schema: {
          operationId: 'listAudit',
          summary: 'Who did what, newest first; sign-ins, users and keys for admins only',
          tags,
          querystring: jsonSchema(auditQuery),
          response: { 200: jsonSchema(page(auditView), 'output') },
        },
      },
      async (request, reply) => {
        const answer = await trail.list(request.query, (request.session as SessionClaims).role)
        return answer.ok ? answer.value : refuse(reply, answer.problem)
      },
    )

    app.post(
      `${path}/:id/undo`,
      {
        config: {
          access: { kind: 'session', role: 'editor' },
          problems: [
            'not-found',
            'conflict',
            'already-exists',
            'out-of-bounds',
            'count-paused',
            'count-archived',
            'unavailable',
          ],
        },
        schema: {
          operationId: 'undo',
          summary: 'Undoes a change of a count by another one',
          tags,
          params: jsonSchema(z.strictObject({ id: auditId })),
          body: jsonSchema(undoBody),
          response: { 200: jsonSchema(z.object({ id: auditId }), 'output') },
        },
      },
      async (request, reply) => {
        const answer = await undo.undo(Number(request.params.id), request.body.reason, actorOf(request))
        return answer.ok ? answer.value : refuse(reply, answer.problem)
      },
    )

    app.get(
      '/api/v1/admin/export/audit',
      {
        config: { ...viewer, longLived: true },
        schema: {
          operationId: 'exportAudit',
          summary: 'The audit trail as a file, newest first',
          tags,
          querystring: jsonSchema(auditExport),
          response: {
            200: {
              description: 'One line for each entry',
              content: { 'text/csv': { schema: text }, 'application/x-ndjson': { schema: text } },
            },
          },
        },
      },
      async (request, reply) => {
        const { format, ...filter } = request.query
        const { type, head, line } = formats[format]
        const entries = trail.all(filter, (request.session as SessionClaims).role)
        async function* lines() {
          if (head) yield head
          for await (const entry of entries) yield line(entry)
        }
        return reply
          .header('content-type', type)
          .header('content-disposition', `attachment; filename="audit.${format}"`)
          .header('cache-control', 'no-store')
          .send(Readable.from(lines()))
      },
    )
  }
