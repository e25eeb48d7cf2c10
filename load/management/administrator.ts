import { setTimeout as delay } from 'node:timers/promises'
import { Agent, request } from 'undici'
import { z } from 'zod'
import type { Server } from '../server.ts'

const job = z.object({
  id: z.string(),
  status: z.enum(['running', 'done', 'failed', 'cancelled']),
  total: z.int().nullable(),
  processed: z.int(),
  created: z.int(),
  updated: z.int(),
  unchanged: z.int(),
  failed: z.int(),
  errors: z.array(z.object({ line: z.int(), message: z.string() })),
})
export type Job = z.output<typeof job>

export type Administrator = Awaited<ReturnType<typeof openAdministrator>>

const base = '/api/v1/admin'
const pollMs = 100

/** The administrator of a server, signed in. Calls reject with what the server said, unless it says 2xx. */
export async function openAdministrator({ url, admin }: Server) {
  const dispatcher = new Agent({ headersTimeout: 0, bodyTimeout: 0 })
  let session: Record<string, string> = {}

  async function ask(method: 'GET' | 'POST', path: string, body?: string, type = 'application/json') {
    const answer = await request(url + base + path, {
      method,
      dispatcher,
      headers: { ...session, ...(body === undefined ? {} : { 'content-type': type }) },
      body,
    })
    if (answer.statusCode >= 300)
      throw new Error(`${method} ${path}: ${answer.statusCode} ${await answer.body.text()}`)
    return answer
  }

  const signedIn = await ask('POST', '/session', JSON.stringify(admin))
  const { csrfToken } = z.object({ csrfToken: z.string() }).parse(await signedIn.body.json())
  session = { cookie: String(signedIn.headers['set-cookie']).split(';')[0] ?? '', 'x-csrf-token': csrfToken }

  /** Sends a file and follows its job to the end. @returns the job as it ended, seconds of the upload and of all, how often it told of progress */
  async function importFile(what: 'counts' | 'history', file: string, type: string) {
    const start = performance.now()
    const answer = await ask('POST', `/import/${what}?onError=skip`, file, type)
    const { id } = z.object({ id: z.string() }).parse(await answer.body.json())
    const uploaded = performance.now()
    const seen = new Set<number>()
    for (;;) {
      const now = job.parse(await (await ask('GET', `/jobs/${id}`)).body.json())
      seen.add(now.processed)
      if (now.status !== 'running') {
        if (now.status !== 'done' || now.failed > 0)
          throw new Error(`the import ended as ${now.status}: ${JSON.stringify(now.errors.slice(0, 3))}`)
        const end = performance.now()
        return { job: now, upload: (uploaded - start) / 1000, seconds: (end - start) / 1000, seen: seen.size }
      }
      await delay(pollMs)
    }
  }

  return {
    importFile,
    /** An answer as JSON. */
    get: async (path: string): Promise<unknown> => await (await ask('GET', path)).body.json(),
    /** Reads an answer to its end, keeping nothing. @returns how many bytes it has */
    async drain(path: string): Promise<number> {
      let bytes = 0
      for await (const chunk of (await ask('GET', path)).body) bytes += chunk.length
      return bytes
    },
    close: () => dispatcher.destroy(),
  }
}
