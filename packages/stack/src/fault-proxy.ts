import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'

export type ReplyFault = {
  /** probability (0 to 1) that a chunk of reply bytes is swallowed and the connection then closed: a lost reply */
  drop?: number
  /** every chunk of reply bytes waits this long */
  delayMs?: number
  /** probability (0 to 1) that a chunk of reply bytes resets the connection, and what is delayed is lost too */
  cut?: number
}

export type FaultProxy = {
  host: string
  port: number
  /** For reply bytes from now on; `{}` ends it. */
  setReplyFault(fault: ReplyFault): void
  /** Closes every connection at once. */
  cutAll(): void
  /** While on, nothing passes in either direction and nothing is closed; what came is passed on when it ends. */
  blackhole(on: boolean): void
  /** While on, request bytes wait in the proxy, even beyond the end of the client's connection; then they go on. */
  holdRequests(on: boolean): void
  /** how many connections were closed by a fault so far */
  readonly faults: number
  close(): Promise<void>
}

type Pair = {
  client: Socket
  target: Socket
  /** held back */
  requests: Buffer[]
  replies: Buffer[]
  /** resolves when every reply so far has been passed on: none may overtake a delayed one */
  passed: Promise<void>
}

/** Starts a TCP proxy on 127.0.0.1 that passes everything on until it is told to do harm. */
export async function startFaultProxy(to: { targetHost: string; targetPort: number }): Promise<FaultProxy> {
  const pairs = new Set<Pair>()
  let fault: ReplyFault = {}
  let holding = false
  let dark = false
  let faults = 0

  const server = createServer((client) => {
    const target = connect({ host: to.targetHost, port: to.targetPort, noDelay: true })
    client.setNoDelay(true)
    const pair: Pair = { client, target, requests: [], replies: [], passed: Promise.resolve() }
    pairs.add(pair)
    const part = () => {
      client.destroy()
      // Requests that are held reach the target although nobody waits for their replies any more.
      if (pair.requests.length > 0) return
      target.destroy()
      pairs.delete(pair)
    }
    client.on('data', (chunk: Buffer) => (holding || dark ? pair.requests.push(chunk) : target.write(chunk)))
    target.on('data', (chunk: Buffer) => (dark ? pair.replies.push(chunk) : reply(pair, chunk)))
    for (const socket of [client, target]) socket.on('error', () => {})
    client.on('close', part)
    // What is delayed still goes to the client.
    target.on('close', () => pair.passed.then(part))
  })

  function cutOff({ client, target }: Pair): void {
    faults++
    client.resetAndDestroy()
    target.destroy()
  }

  function reply(pair: Pair, chunk: Buffer): void {
    const { drop = 0, cut = 0, delayMs = 0 } = fault
    if (Math.random() < cut) {
      cutOff(pair)
      return
    }
    const lost = Math.random() < drop
    if (lost) {
      faults++
      pair.target.destroy()
    }
    const dueMs = performance.now() + delayMs
    pair.passed = pair.passed.then(async () => {
      if (delayMs > 0) await delay(Math.max(0, dueMs - performance.now()))
      if (lost) pair.client.end()
      else pair.client.write(chunk)
    })
  }

  function release(): void {
    for (const pair of pairs) {
      if (!dark) for (const chunk of pair.replies.splice(0)) reply(pair, chunk)
      if (dark || holding) continue
      const requests = Buffer.concat(pair.requests.splice(0))
      if (pair.client.destroyed) pair.target.end(requests)
      else if (requests.length > 0) pair.target.write(requests)
    }
  }

  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    host: '127.0.0.1',
    port: (server.address() as AddressInfo).port,
    setReplyFault(next) {
      fault = next
    },
    cutAll() {
      for (const pair of pairs) cutOff(pair)
    },
    blackhole(on) {
      dark = on
      release()
    },
    holdRequests(on) {
      holding = on
      release()
    },
    get faults() {
      return faults
    },
    async close() {
      server.close()
      for (const { client, target } of pairs) {
        client.destroy()
        target.destroy()
      }
      await once(server, 'close')
    },
  }
}
