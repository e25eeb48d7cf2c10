import type { FastifyInstance } from 'fastify'

/** Where services that share this process find each other; a name without an address. */
export const inProcessUrl = 'http://in-process'

/** A fetch whose calls to {@link inProcessUrl} go to the server of this process, without the network; it fails until there is one. */
export function inProcessFetch(server: () => FastifyInstance | undefined): typeof fetch {
  return async (input, init) => {
    const request = new Request(input, init)
    const { origin, pathname, search } = new URL(request.url)
    if (origin !== inProcessUrl) return fetch(request)
    const app = server()
    if (!app) throw new Error('not serving yet')
    const { statusCode, headers, rawPayload } = await app.inject({
      method: request.method as 'GET',
      url: pathname + search,
      headers: Object.fromEntries(request.headers),
      payload: request.body ? Buffer.from(await request.arrayBuffer()) : undefined,
      signal: request.signal,
    })
    const body = rawPayload.length > 0 ? new Uint8Array(rawPayload) : null
    return new Response(body, { status: statusCode, headers: headers as Record<string, string> })
  }
}
