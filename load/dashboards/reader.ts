import { connect, type Socket } from 'node:net'

/**
 * Many clients of streams in a process of its own: raw sockets, so that what is measured is the server. Run as a child with
 * the job as its first message; answers each further message with what its clients have read since the one before.
 */
export interface ReaderJob {
  host: string
  port: number
  cookie: string
  paths: string[]
  clients: number
  /** How many of them do not read. */
  deaf: number
}

export interface ReaderReport {
  /** Streams that are open, of those that read. */
  open: number
  deafOpen: number
  /** Delta frames read by each open one of those that read, since the report before: the fewest, and the mean. */
  fewest: number
  mean: number
}

const mark = 'event: delta\n'
/** Connections begun at once: a listen queue is short. */
const width = 50

interface Client {
  socket: Socket
  deaf: boolean
  open: boolean
  frames: number
}

const clients: Client[] = []

function start({ host, port, cookie, paths, deaf }: ReaderJob, n: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, host)
    const client = { socket, deaf: n < deaf, open: false, frames: 0 }
    clients.push(client)
    socket.on('connect', () => {
      const path = paths[n % paths.length]
      socket.write(`GET ${path} HTTP/1.1\r\nHost: ${host}:${port}\r\nCookie: ${cookie}\r\n\r\n`)
    })
    socket.on('data', (data: Buffer) => {
      if (!client.open) {
        if (!data.toString('latin1', 0, 15).startsWith('HTTP/1.1 200')) reject(new Error(data.toString()))
        client.open = true
        if (client.deaf) socket.pause()
        resolve()
      }
      for (let at = data.indexOf(mark); at >= 0; at = data.indexOf(mark, at + mark.length)) client.frames++
    })
    socket.on('error', reject)
    socket.on('close', () => {
      client.open = false
    })
  })
}

async function startAll(job: ReaderJob): Promise<void> {
  let next = 0
  const worker = async () => {
    while (next < job.clients) await start(job, next++)
  }
  await Promise.all(Array.from({ length: width }, worker))
}

function report(): ReaderReport {
  const reading = clients.filter(({ open, deaf }) => open && !deaf)
  const frames = reading.map((client) => client.frames)
  for (const client of clients) client.frames = 0
  return {
    open: reading.length,
    deafOpen: clients.filter(({ open, deaf }) => open && deaf).length,
    fewest: frames.reduce((least, one) => Math.min(least, one), Number.POSITIVE_INFINITY),
    mean: frames.reduce((sum, one) => sum + one, 0) / Math.max(1, frames.length),
  }
}

process.once('message', async (job: ReaderJob) => {
  await startAll(job)
  process.on('message', () => process.send?.(report()))
  process.send?.(report())
})
