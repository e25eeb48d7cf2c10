import { createHash } from 'node:crypto'
import { createServer } from 'node:http'
import { text } from 'node:stream/consumers'
import type { AlertRule, AlertTransition } from '@count/core/alerts'
import type { Dashboard, DashboardBody } from '@count/core/dashboards'
import type { SessionList } from '@count/core/sessions'
import { freePort } from '@count/stack/ports'

export interface Share {
  hash: string
  dashboard: string
  expiresAt: string | null
}

export type FakeProvision = Awaited<ReturnType<typeof fakeProvision>>

/** Answers /internal calls over HTTP as a test has set it: provision's, and management's list of sessions. */
export async function fakeProvision(token: string, sessions: SessionList) {
  const dashboards = new Map<string, Dashboard>()
  const shares = new Map<string, Share>()
  const state = { away: false, rules: [] as AlertRule[], transitions: [] as AlertTransition[] }

  function answer(url: URL, body: string): unknown {
    if (url.pathname === '/internal/sessions') return sessions
    if (url.pathname === '/internal/alerts') return { rules: state.rules }
    if (url.pathname === '/internal/alerts/transitions') return take(JSON.parse(body))
    const hashes = url.searchParams.getAll('share')
    const found = hashes.flatMap((hash) => shares.get(hash) ?? [])
    const ids = new Set([...url.searchParams.getAll('id'), ...found.map(({ dashboard }) => dashboard)])
    return { dashboards: [...ids].flatMap((id) => dashboards.get(id) ?? []), shares: found }
  }

  function take({ transitions }: { transitions: AlertTransition[] }) {
    const results = transitions.map((transition) => {
      const rule = state.rules.find(({ id }) => id === transition.rule)
      const accepted = rule !== undefined && transition.state !== rule.state
      if (accepted) {
        state.transitions.push(transition)
        const { version, value, at: since } = transition
        state.rules = state.rules.map((one) =>
          one.id === rule.id ? { ...one, state: transition.state, version, value, since } : one,
        )
      }
      return { rule: transition.rule, accepted, state: rule ? transition.state : null }
    })
    return { results }
  }

  const server = createServer(async (request, response) => {
    const url = new URL(request.url ?? '', 'http://provision')
    const body = await text(request)
    if (state.away && url.pathname !== '/internal/sessions') return void request.socket.destroy()
    if (request.headers.authorization !== `Bearer ${token}`) return void response.writeHead(401).end('{}')
    const json = JSON.stringify(answer(url, body))
    const etag = `"${createHash('sha256').update(json).digest('hex')}"`
    if (request.headers['if-none-match'] === etag) response.writeHead(304, { etag }).end()
    else response.writeHead(200, { etag, 'content-type': 'application/json' }).end(json)
  })
  const port = await freePort()
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))

  return {
    url: `http://127.0.0.1:${port}`,
    state,
    dashboards,
    shares,
    /** Saves a dashboard as an administrator would. */
    save(id: string, body: Pick<DashboardBody, 'panels'> & Partial<DashboardBody>): Dashboard {
      const now = new Date().toISOString()
      const saved: Dashboard = {
        name: id,
        range: '1h',
        createdAt: now,
        createdBy: 'editor',
        updatedAt: now,
        updatedBy: 'editor',
        ...body,
        id,
        revision: (dashboards.get(id)?.revision ?? 0) + 1,
      }
      dashboards.set(id, saved)
      return saved
    },
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
