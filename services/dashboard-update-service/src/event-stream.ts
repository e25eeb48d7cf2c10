import type { FastifyReply } from 'fastify'

/** One client's response of text/event-stream. */
export interface EventStream {
  /** Hands bytes over, by reference. Returns false when the client has yet to read before more may follow. */
  write(bytes: Buffer): boolean
  /** Since when (performance.now()) it has not read what was written; undefined while it keeps up. */
  blockedSince(): number | undefined
  end(bytes: Buffer): void
  /** Ends the connection at once, whatever is still unread. */
  drop(): void
}

export interface StreamEvents {
  /** The client has read what it was given. */
  drained(): void
  closed(): void
}

/**
 * Begins a stream. The body runs to the end of the connection, without chunks: a frame made once is handed to every client's
 * socket as it is, one system call each and no copy. At most one frame waits for a client that does not read.
 */
export function openEventStream(reply: FastifyReply, { drained, closed }: StreamEvents): EventStream {
  reply.hijack()
  const { raw } = reply
  for (const [name, value] of Object.entries(reply.getHeaders()))
    if (value !== undefined) raw.setHeader(name, value)
  raw.useChunkedEncodingByDefault = false
  raw.shouldKeepAlive = false
  let since: number | undefined
  raw.on('drain', () => {
    since = undefined
    drained()
  })
  raw.on('error', () => {})
  raw.on('close', closed)
  raw.writeHead(200, {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-cache, no-transform',
    'x-accel-buffering': 'no',
  })
  return {
    write(bytes) {
      const free = raw.write(bytes)
      if (!free) since ??= performance.now()
      return free
    },
    blockedSince: () => since,
    end: (bytes) => void raw.end(bytes),
    drop: () => void raw.destroy(),
  }
}
