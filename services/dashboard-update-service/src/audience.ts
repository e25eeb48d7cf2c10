import type { Frame, SnapshotFrame } from '@count/core/dashboard-frames'
import type { EventStream, StreamEvents } from './event-stream.ts'
import { createFrameRing, encodeFrame, type FrameNumbers } from './frame-ring.ts'
import type { StreamMeter } from './stream-meter.ts'

/** Why a client may not go on watching; undefined while it may. One that is `expired` may come back with a newer session. */
export type Ended = () => Frame<'gone'>['reason'] | 'expired' | undefined

/** One client. */
interface Seat {
  stream: EventStream
  /** The frame it has come to. */
  seen: number | undefined
  /** `current` gets every frame; `blocked` reads too slowly and gets nothing until it has; `coming` is being brought up to date. */
  state: 'current' | 'blocked' | 'coming'
  ended: Ended
}

export interface AudienceOptions {
  numbers: FrameNumbers
  meter: StreamMeter
  /** Makes ready what a snapshot needs. */
  prepare: () => Promise<void>
  /** Everything, as the frames so far have told it. */
  snapshot: () => SnapshotFrame
}

export type Audience = ReturnType<typeof createAudience>

/**
 * Everyone who watches one dashboard. A frame is serialised once and handed to all by reference. A client that reads too
 * slowly gets nothing more until it has read what it has, and then all it missed as one frame: it holds up nobody, and costs
 * no more memory than that one.
 */
export function createAudience({ numbers, meter, prepare, snapshot }: AudienceOptions) {
  const ring = createFrameRing(numbers)
  const seats = new Set<Seat>()
  let kept: { n: number; madeAt: number; bytes: Buffer } | undefined

  /** All who come at once share one. */
  function snapshotBytes(): Buffer {
    const n = ring.last()
    const madeAt = performance.now()
    if (kept?.n !== n || madeAt - kept.madeAt > keepMs)
      kept = { n, madeAt, bytes: encodeFrame('snapshot', snapshot(), numbers.idOf(n)) }
    return kept.bytes
  }

  function write(seat: Seat, bytes: Buffer): void {
    meter.sent(bytes.length)
    seat.seen = ring.last()
    seat.state = seat.stream.write(bytes) ? 'current' : 'blocked'
  }

  async function bring(seat: Seat): Promise<void> {
    seat.state = 'coming'
    if (!ring.since(seat.seen)) await prepare()
    if (!seats.has(seat)) return
    const missed = ring.since(seat.seen) ?? snapshotBytes()
    write(seat, missed.length > 0 ? missed : heartbeat())
  }

  function tell(bytes: Buffer): void {
    for (const seat of seats) if (seat.state === 'current') write(seat, bytes)
  }

  function leave(seat: Seat): void {
    if (seats.delete(seat)) meter.left()
  }

  function end(seat: Seat, bytes: Buffer): void {
    leave(seat)
    seat.stream.end(bytes)
  }

  return {
    size: () => seats.size,
    /** Adds a client; one that says what it saw last goes on from there where that is still known. */
    enter(open: (events: StreamEvents) => EventStream, lastEventId: string | undefined, ended: Ended): void {
      const seat: Seat = {
        seen: numbers.parse(lastEventId),
        state: 'coming',
        ended,
        stream: open({
          drained: () => {
            if (seat.state === 'blocked') void bring(seat)
          },
          closed: () => leave(seat),
        }),
      }
      seats.add(seat)
      meter.came()
      seat.stream.write(retryLine(firstRetryMs))
      void bring(seat)
    },
    /** Sends a change to everyone, and keeps it for those who come back. */
    push(...frame: Parameters<typeof ring.add>): void {
      meter.made(frame[0])
      tell(ring.add(...frame))
    },
    /** Sends everything anew. */
    replace(name: 'snapshot' | 'dashboard'): void {
      const n = ring.restart()
      meter.made(name)
      tell(encodeFrame(name, snapshot(), numbers.idOf(n)))
    },
    heartbeat: () => tell(heartbeat()),
    /** Ends the streams of those who may not watch any more, and of those who have not read for `unreadMs`. */
    sweep(unreadMs: number): void {
      const now = performance.now()
      for (const seat of seats) {
        const reason = seat.ended()
        if (reason === 'expired') end(seat, retryLine(firstRetryMs))
        else if (reason) end(seat, encodeFrame('gone', { reason }))
        else if (now - (seat.stream.blockedSince() ?? now) > unreadMs) {
          meter.dropped()
          leave(seat)
          seat.stream.drop()
        }
      }
    },
    gone(reason: Frame<'gone'>['reason']): void {
      for (const seat of seats) end(seat, encodeFrame('gone', { reason }))
    },
    /** Sends everyone away, to come back each at another moment. */
    dismiss(): void {
      for (const seat of seats) end(seat, retryLine(restartRetryMs))
    },
  }
}

const keepMs = 1000
const heartbeat = () => encodeFrame('heartbeat', { at: new Date().toISOString() })
/** How long a browser waits before it connects again, in ms: some part of this beyond half a second. */
const firstRetryMs = 1500
const restartRetryMs = 4000
const retryLine = (withinMs: number) =>
  Buffer.from(`retry: ${Math.round(500 + Math.random() * withinMs)}\n\n`)
