import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { aptInstall, canInstall } from '@count/stack/apt'
import { findProgram } from '@count/stack/programs'
import { z } from 'zod'
import type { Generator } from './load.ts'

const run = promisify(execFile)
const script = join(import.meta.dirname, 'wrk.lua')

const result = z.object({
  requests: z.int(),
  seconds: z.number(),
  refused: z.int(),
  broken: z.int(),
  p50: z.number(),
  p99: z.number(),
  p999: z.number(),
})

/** The load generator wrk, installed when missing and possible; undefined when there is none. `signal` ends what runs. */
export async function findWrk(signal: AbortSignal): Promise<Generator | undefined> {
  if (!findProgram('wrk') && canInstall()) {
    console.error('installing wrk with apt-get, once')
    await aptInstall(['wrk']).catch((error: Error) => console.error(error.message))
  }
  const wrk = findProgram('wrk')
  if (!wrk) return undefined
  return {
    name: 'wrk',
    async send({ url, kind, apiKey, prefix, ids, first = 0, connections }, seconds) {
      const options = [
        '-t',
        '1',
        '-c',
        String(connections),
        '-d',
        `${seconds}s`,
        '--timeout',
        '10s',
        '-s',
        script,
        url,
      ]
      const call = [kind, apiKey, prefix, String(ids), String(first), randomBytes(6).toString('hex')]
      const { stdout } = await run(wrk, [...options, '--', ...call], { signal })
      const {
        requests,
        refused,
        broken,
        seconds: took,
        ...latency
      } = result.parse(JSON.parse(stdout.split('RESULT ')[1] ?? 'null'))
      return { rate: (requests - refused) / took, failed: refused + broken, ...latency }
    },
  }
}
