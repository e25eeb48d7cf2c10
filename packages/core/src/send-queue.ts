import type { CountEvent } from './events.ts'

/** One event as it goes to the bus. */
export interface Message {
  key: string
  value: string
}

interface Waiting {
  messages: Message[]
  resolve(): void
  reject(error: unknown): void
}

/** Far below the megabyte that a Kafka broker takes in one batch. */
const maxBytes = 256 * 1024
const maxMessages = 500

/**
 * Keeps one send in flight and lets what arrives meanwhile go with the next, so that order holds without a lock. A failed
 * send rejects everything that waits: a later event must not overtake one that is to be sent again.
 */
export function openSendQueue(send: (messages: Message[]) => Promise<void>) {
  let waiting: Waiting[] = []
  let running: Promise<void> | undefined
  let closed = false

  async function run(): Promise<void> {
    while (waiting.length > 0) {
      const batch = waiting
      waiting = []
      try {
        for (const chunk of chunks(batch.flatMap((one) => one.messages))) await send(chunk)
        for (const one of batch) one.resolve()
      } catch (error) {
        const behind = waiting
        waiting = []
        for (const one of [...batch, ...behind]) one.reject(error)
      }
    }
    running = undefined
  }

  function publish(events: CountEvent[]): Promise<void> {
    if (closed) return Promise.reject(new Error('the event bus is closed'))
    const messages = events.map((event) => ({ key: event.subject, value: JSON.stringify(event) }))
    return new Promise((resolve, reject) => {
      waiting.push({ messages, resolve, reject })
      running ??= run()
    })
  }

  /** Takes no more, and resolves when what was taken is sent or rejected. */
  async function close(): Promise<void> {
    closed = true
    await running
  }

  return { publish, close }
}

function* chunks(messages: Message[]): Generator<Message[]> {
  let chunk: Message[] = []
  let bytes = 0
  for (const message of messages) {
    const size = Buffer.byteLength(message.value)
    if (chunk.length > 0 && (chunk.length === maxMessages || bytes + size > maxBytes)) {
      yield chunk
      chunk = []
      bytes = 0
    }
    chunk.push(message)
    bytes += size
  }
  if (chunk.length > 0) yield chunk
}
