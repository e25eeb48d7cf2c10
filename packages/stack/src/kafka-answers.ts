import { connect } from 'node:net'

// ApiVersions, version 0, correlation id 1, no client id: the one request that every broker answers to anybody.
const REQUEST = Buffer.from([0, 0, 0, 10, 0, 18, 0, 0, 0, 0, 0, 1, 0xff, 0xff])

/**
 * Whether a Kafka broker listens here and takes requests. Asked by hand, as a client would log every refusal on its
 * way up.
 */
export function kafkaAnswers(host: string, port: number, deadlineMs = 1_000): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port })
    const end = (answer: boolean) => {
      socket.destroy()
      resolve(answer)
    }
    socket.setTimeout(deadlineMs, () => end(false))
    socket.once('connect', () => socket.write(REQUEST))
    // Length, then our correlation id.
    socket.once('data', (reply: Buffer) => end(reply.length >= 8 && reply.readInt32BE(4) === 1))
    socket.once('error', () => end(false))
    socket.once('close', () => end(false))
  })
}
