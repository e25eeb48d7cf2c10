import { applied } from '@count/core/schemas'
import { type Client, expectBody, forEach } from '../client.ts'
import type { Server } from '../server.ts'
import type { Increment } from './flights.ts'

export interface Replay {
  /** answers that carried Idempotency-Replayed */
  replays: number
  /** what contradicts "once per key, and then the same answer" */
  faults: string[]
}

/** Sends every call, `width` at a time, under idempotency keys of this run. */
export async function replay(
  client: Client,
  server: Server,
  run: string,
  calls: Increment[],
  width: number,
  done: () => void,
): Promise<Replay> {
  const authorization = `Bearer ${server.apiKey}`
  const versions = new Map<string, number>()
  const firsts = new Set<string>()
  const faults: string[] = []
  let replays = 0
  await forEach(calls, width, async ({ id, key }) => {
    const headers = { authorization, 'idempotency-key': `${run}-${key}` }
    const answer = await client.send({
      method: 'POST',
      path: `/api/v1/counts/${id}/increment`,
      headers,
      body: { amount: 1 },
    })
    const { version } = expectBody(answer, [200], applied)
    if (answer.headers['idempotency-replayed'] === 'true') replays++
    else if (firsts.has(key)) faults.push(`${id}: two answers under key ${key} both said they were the first`)
    else firsts.add(key)
    const before = versions.get(key)
    if (before !== undefined && before !== version)
      faults.push(`${id}: two versions under key ${key}, ${before} and ${version}`)
    versions.set(key, version)
    done()
  })
  return { replays, faults }
}
