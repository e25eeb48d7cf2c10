import type { Logger } from 'pino'
import type { CountEvent } from './events.ts'
import { openKafkaBus } from './kafka-bus.ts'
import { openRedisBus, type StreamHome } from './redis-bus.ts'

/** Takes events in order per count, one call at a time; a rejection brings the same events again. */
export type EventHandler = (events: CountEvent[]) => Promise<void> | void

export interface SubscribeOptions {
  /** Members of a group share the events. Absent: every event from now on, for this caller alone. */
  group?: string
  /** Where a new group begins; default latest. */
  from?: 'latest' | 'earliest'
}

export interface Subscription {
  close(): Promise<void>
}

/** Carries change events (CA-022), at least once and in order per count. */
export interface EventBus {
  /**
   * Resolves when the bus holds all of them durably, in the order given. Rejects otherwise: some may be there, the caller
   * publishes the same again before later ones of those counts. Whatever waits behind a failed send is rejected with it.
   */
  publish(events: CountEvent[]): Promise<void>
  /**
   * Resolves when the subscription stands: what is published from then on arrives. While the bus is away it waits, and
   * is ended by `close` of the bus. A lost connection comes back by itself, and nothing in between is missed as long as
   * the bus still holds it. A handler has 30 s for one call.
   */
  subscribe(options: SubscribeOptions, handler: EventHandler): Promise<Subscription>
  healthy(): boolean
  close(): Promise<void>
}

export interface EventBusSettings {
  KAFKA_BROKERS?: string | undefined
  KAFKA_TLS?: string | undefined
  KAFKA_SASL_MECHANISM?: 'plain' | 'scram-sha-256' | 'scram-sha-512' | undefined
  KAFKA_USERNAME?: string | undefined
  KAFKA_PASSWORD?: string | undefined
  EVENT_PARTITIONS: number
  /** Seconds. */
  EVENT_RETENTION: number
}

export interface EventBusOptions extends EventBusSettings {
  /** Used when there is no Kafka. */
  stream: StreamHome
  log: Logger
  /** Topic or stream; default count.changes or count:events. */
  name?: string
}

/** Kafka where KAFKA_BROKERS names it, else a Redis Stream. Returns at once, whether the bus is there or not. */
export function openEventBus(options: EventBusOptions): EventBus {
  const { KAFKA_BROKERS, ...rest } = options
  return KAFKA_BROKERS ? openKafkaBus({ ...rest, KAFKA_BROKERS }) : openRedisBus(rest)
}
