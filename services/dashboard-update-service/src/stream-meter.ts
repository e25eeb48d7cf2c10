import type { FrameName } from '@count/core/dashboard-frames'
import { Counter, Gauge, type Registry } from 'prom-client'

export type StreamMeter = ReturnType<typeof createStreamMeter>

/** What /metrics tells of the streams. */
export function createStreamMeter(registry: Registry) {
  const registers = [registry]
  const clients = new Gauge({ name: 'dashboard_stream_clients', help: 'Streams that are open', registers })
  const dropped = new Counter({
    name: 'dashboard_stream_drops_total',
    help: 'Streams ended because the client did not read',
    registers,
  })
  const made = new Counter({
    name: 'dashboard_frames_made_total',
    help: 'Frames serialised, once for all who see the same dashboard',
    labelNames: ['frame'],
    registers,
  })
  const sent = new Counter({
    name: 'dashboard_frames_sent_total',
    help: 'Frames given to clients',
    registers,
  })
  const bytes = new Counter({ name: 'dashboard_bytes_sent_total', help: 'Their bytes', registers })
  const lag = new Gauge({
    name: 'dashboard_bus_lag_seconds',
    help: 'Between the last change that the event bus brought and its arrival here',
    registers,
  })
  const resyncs = new Counter({
    name: 'dashboard_resyncs_total',
    help: 'Changes that did not begin at the version shown: the value was taken',
    registers,
  })
  let open = 0
  return {
    /** Streams open now. */
    open: () => open,
    came: () => clients.set(++open),
    left: () => clients.set(--open),
    dropped: () => dropped.inc(),
    made: (frame: FrameName) => made.inc({ frame }),
    sent(size: number) {
      sent.inc()
      bytes.inc(size)
    },
    /** @param version Of the last change that came, µs since 1970 */
    arrived: (version: number) => lag.set(Math.max(0, Date.now() / 1000 - version / 1e6)),
    resynced: () => resyncs.inc(),
  }
}
