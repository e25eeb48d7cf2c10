import type { DashboardBody } from '@count/core/dashboards'
import { z } from 'zod'
import { type Client, expectBody } from '../client.ts'
import type { Server } from '../server.ts'

/** Headers of an administrator's calls. */
export interface Session extends Record<string, string> {
  cookie: string
  'x-csrf-token': string
}

const signedIn = z.object({ csrfToken: z.string() })
const found = z.object({ items: z.array(z.object({ id: z.string(), name: z.string() })) })
const saved = z.object({ id: z.string() })
const path = '/api/v1/dashboards'

export async function signIn(client: Client, { admin }: Pick<Server, 'admin'>): Promise<Session> {
  const answer = await client.send({ method: 'POST', path: '/api/v1/admin/session', body: admin })
  const { csrfToken } = expectBody(answer, [200, 201], signedIn)
  const cookie = [answer.headers['set-cookie'] ?? []].flat().map((one) => one.split(';', 1)[0])
  return { cookie: cookie.join('; '), 'x-csrf-token': csrfToken }
}

/** Finds the dashboard of this name, or creates it. @returns its id */
export async function haveDashboard(
  client: Client,
  headers: Session,
  body: Pick<DashboardBody, 'name' | 'panels'> & Partial<DashboardBody>,
): Promise<string> {
  const query = new URLSearchParams({ q: body.name })
  const { items } = expectBody(await client.send({ path: `${path}?${query}`, headers }), [200], found)
  const known = items.find(({ name }) => name === body.name)
  if (known) return known.id
  return expectBody(await client.send({ method: 'POST', path, headers, body }), [201], saved).id
}
