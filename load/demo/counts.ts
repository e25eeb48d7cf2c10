import { countView } from '@count/core/schemas'
import { z } from 'zod'
import { type Client, expectBody, forEach } from '../client.ts'
import type { Server } from '../server.ts'

export interface Seen {
  value: number
  version: number
}

const session = z.object({ csrfToken: z.string() })

/** Makes the counts that are not there yet, as an administrator would. */
export async function createCounts(client: Client, { admin }: Server, ids: string[]): Promise<void> {
  const signedIn = await client.send({ method: 'POST', path: '/api/v1/admin/session', body: admin })
  const { csrfToken } = expectBody(signedIn, [200, 201], session)
  const cookie = [signedIn.headers['set-cookie'] ?? []]
    .flat()
    .map((one) => one.split(';', 1)[0])
    .join('; ')
  const headers = { cookie, 'x-csrf-token': csrfToken }
  await forEach(ids, 8, async (id) => {
    const [, side, airport = ''] = id.split(':')
    const name = `Flights ${side === 'origin' ? 'from' : 'to'} ${airport.toUpperCase()}`
    const body = { id, name, unit: 'flights', tags: ['flights', `flights-${side}`] }
    // Sent again after a lost answer, or in a second run, it is there already: 409.
    expectBody(
      await client.send({ method: 'POST', path: '/api/v1/admin/counts', headers, body }),
      [201, 409],
      z.unknown(),
    )
  })
  await client.send({ method: 'DELETE', path: '/api/v1/admin/session', headers })
}

/** Reads every count on its own; `strong` asks the stores themselves instead of the cache. */
export async function readCounts(
  client: Client,
  { apiKey }: Server,
  ids: string[],
  consistency?: 'strong',
): Promise<Map<string, Seen>> {
  const seen = new Map<string, Seen>()
  const query = consistency ? `?consistency=${consistency}` : ''
  const headers = { authorization: `Bearer ${apiKey}` }
  await forEach(ids, 32, async (id) => {
    const { value, version } = expectBody(
      await client.send({ path: `/api/v1/counts/${id}${query}`, headers }),
      [200],
      countView,
    )
    seen.set(id, { value, version })
  })
  return seen
}
