import { Readable } from 'node:stream'
import { jsonSchema, type RoutePlugin, refuse } from '@count/core/http'
import { problem } from '@count/core/problem'
import { z } from 'zod'
import { type FileType, fileTypes } from '../bulk/file-lines.ts'
import type { JobManager } from '../bulk/job-manager.ts'
import { jobView } from '../bulk/jobs.ts'
import { actorOf } from './actor.ts'

const querystring = jsonSchema(
  z.strictObject({
    dryRun: z.boolean().default(false).describe('Tells what would happen, and changes nothing'),
    onError: z
      .enum(['fail', 'skip'])
      .default('fail')
      .describe('fail: all or nothing; skip: all but the lines with faults'),
  }),
)
const job = jsonSchema(jobView, 'output')
/** A route's own limit; the reader of the lines has one for what says not how long it is. */
const bodyLimit = 1024 ** 3

/** Imports of counts and of history from a file, which is read as it comes. */
export const importRoutes =
  (manager: JobManager): RoutePlugin =>
  async (app) => {
    // Here a body is a file, and nothing else.
    app.removeAllContentTypeParsers()
    app.addContentTypeParser([...fileTypes], (_request, payload, done) => done(null, payload))

    for (const [what, columns] of [
      ['counts', 'id,name,description,unit,tags,min,max,initialValue (tags separated by |)'],
      ['history', 'id,timestamp,delta'],
    ] as const) {
      app.post(
        `/api/v1/admin/import/${what}`,
        {
          bodyLimit,
          config: { access: { kind: 'session', role: 'editor' }, longLived: true },
          schema: {
            operationId: what === 'counts' ? 'importCounts' : 'importHistory',
            summary:
              what === 'counts'
                ? 'Creates and changes counts from a file'
                : 'Adds past changes to history; values stay',
            description: `The body is CSV (a header, then ${columns}) or NDJSON (one object a line). Up to 1,000 lines are answered with what came of them, more with a job.`,
            tags: ['administration'],
            querystring,
            response: { 200: job, 202: job },
          },
        },
        async (request, reply) => {
          const { body } = request
          const [type, charset] = fileTypeOf(request.headers['content-type'])
          if (!(body instanceof Readable) || !type) return refuse(reply, problem('unsupported-media-type'))
          if (charset !== 'utf-8') {
            const detail = 'The file must be UTF-8'
            return refuse(reply, problem('unsupported-media-type', { detail }))
          }
          const answer = await manager.importFile(what, body, type, request.query, actorOf(request))
          if (!answer.ok) return refuse(reply, answer.problem)
          if (answer.value.status === 'running')
            reply.code(202).header('location', `/api/v1/admin/jobs/${answer.value.id}`)
          return answer.value
        },
      )
    }
  }

function fileTypeOf(header = ''): [FileType | undefined, string] {
  const [type, ...parameters] = header
    .toLowerCase()
    .split(';')
    .map((part) => part.trim())
  const charset = parameters.find((parameter) => parameter.startsWith('charset='))?.slice(8)
  return [
    fileTypes.find((known) => known === type),
    charset?.replaceAll('"', '').replace(/^utf8$/, 'utf-8') ?? 'utf-8',
  ]
}
