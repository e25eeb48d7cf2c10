import { until } from '@count/stack/until'
import type { FastifyInstance } from 'fastify'
import type { JobView } from '../src/bulk/jobs.ts'
import type { Caller } from './world.ts'

export const admin = '/api/v1/admin'

export interface BulkReply {
  status: number
  location: string | undefined
  type: string
  text: string
  /** As a job; which body it is, tests look at. */
  job: JobView
  problem: { type: string; errors?: { path: string; message: string }[] }
}

/** Calls with files: bodies and answers as text. */
export function bulkCaller(app: FastifyInstance, { headers }: Caller) {
  async function call(
    method: 'GET' | 'POST' | 'DELETE',
    path: string,
    payload?: string | Buffer,
    type?: string,
  ): Promise<BulkReply> {
    const response = await app.inject({
      method,
      url: `${admin}${path}`,
      headers: { ...headers, ...(type ? { 'content-type': type } : {}) },
      ...(payload === undefined ? {} : { payload }),
    })
    const json = /json/.test(String(response.headers['content-type'])) && response.body.startsWith('{')
    const body =
      json && !/ndjson/.test(String(response.headers['content-type'])) ? JSON.parse(response.body) : {}
    return {
      status: response.statusCode,
      location: response.headers.location,
      type: String(response.headers['content-type']),
      text: response.body,
      job: body,
      problem: body,
    }
  }
  const send = (path: string, body: object) => call('POST', path, JSON.stringify(body), 'application/json')

  /** A job's end. */
  async function ended(id: string, deadlineMs = 60_000): Promise<JobView> {
    let job: JobView | undefined
    await until(
      'the end of a job',
      async () => {
        job = (await call('GET', `/jobs/${id}`)).job
        return job.status !== 'running'
      },
      { deadlineMs },
    )
    return job as JobView
  }

  return {
    call,
    send,
    ended,
    importCounts: (file: string | Buffer, query = '') =>
      call('POST', `/import/counts${query}`, file, 'text/csv'),
    importHistory: (file: string | Buffer, query = '') =>
      call('POST', `/import/history${query}`, file, 'text/csv'),
    /** A bulk change or an undo, followed to its end. */
    async done(reply: Promise<BulkReply>): Promise<JobView> {
      const { status, location, text } = await reply
      if (status !== 202 || !location) throw new Error(`${status}: ${text}`)
      return await ended(location.split('/').at(-1) ?? '')
    },
  }
}

export type BulkCaller = ReturnType<typeof bulkCaller>
