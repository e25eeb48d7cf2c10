import type { CountCache } from '@count/core/count-cache'
import type { CountReader } from '@count/core/count-reader'
import type { Dashboard } from '@count/core/dashboards'
import type { EventBus } from '@count/core/event-bus'
import type { Zone } from '@count/core/zone'
import type { Logger } from 'pino'
import { createEvaluator, type Evaluator } from './alerts/evaluator.ts'
import { createTransitionQueue } from './alerts/transition-queue.ts'
import type { Ended } from './audience.ts'
import { eachSecond } from './each-second.ts'
import type { EventStream, StreamEvents } from './event-stream.ts'
import { createFrameNumbers } from './frame-ring.ts'
import { createFreshness } from './freshness.ts'
import { createLiveCounts } from './live-counts.ts'
import type { ProvisionClient } from './provision-client.ts'
import { createSeriesReader } from './series.ts'
import { openStage, type Stage } from './stage.ts'
import type { StreamMeter } from './stream-meter.ts'

export interface UpdaterOptions {
  /** Names this process in the ids of frames. */
  process: string
  bus: EventBus
  reader: CountReader
  cache: Pick<CountCache, 'ask'>
  zone: Zone
  provision: ProvisionClient
  meter: StreamMeter
  log: Logger
  /** How long a client may leave unread what it was sent. */
  unreadMs?: number
}

/** By its id, or by the SHA-256 (hex) of a share link's token. */
export type Wanted = { id: string } | { share: string }

/** A client to be let in; `ended` says when it may not go on watching. */
export interface Client {
  open: (events: StreamEvents) => EventStream
  lastEventId: string | undefined
  ended: Ended
}

export type DashboardUpdater = ReturnType<typeof openDashboardUpdater>

const sweepMs = 250
const heartbeatMs = 15_000
/** Seconds after which it is asked anew which counts have a tag or prefix. */
const relistTurns = 30
/** Kept for those who come back to a dashboard that nobody watches. */
const lingerMs = 60_000

/**
 * DashboardUpdater (UC-005, CA-021 … CA-027): shows dashboards to any number of clients. One subscription to the event bus
 * serves them all; configurations and alert rules are asked of provision each second.
 */
export function openDashboardUpdater(options: UpdaterOptions) {
  const { bus, cache, log, meter, provision, reader, zone, unreadMs = 30_000 } = options
  const closing = new AbortController()
  const numbers = createFrameNumbers(options.process)
  const stages = new Map<string, Stage>()
  /** Share links in use: hash → until when. */
  const shares = new Map<string, { users: number; untilMs: number; revoked: boolean }>()
  const live = createLiveCounts({
    reader,
    zone,
    lifecycle: (id, info) => {
      for (const stage of stages.values()) stage.lifecycle(id, info)
    },
    resynced: meter.resynced,
  })
  const evaluator: Evaluator = createEvaluator({
    live,
    reader,
    zone,
    tell: (transition) => transitions.add(transition),
    changed(count) {
      for (const stage of stages.values()) stage.alert(count)
    },
  })
  const transitions = createTransitionQueue(provision, evaluator.settled)

  // The bus.

  let subscribed = false
  void bus
    .subscribe({}, (events) => {
      const last = events.findLast(({ type }) => type === 'count.changed')
      if (last) {
        meter.arrived(last.data.version)
        freshness.told(last.data.version)
      }
      live.handle(events)
    })
    .then(() => {
      subscribed = true
    })
  const freshness = createFreshness({
    live,
    connected: () => subscribed && bus.healthy(),
    changed(status) {
      for (const stage of stages.values()) stage.status(status)
    },
  })

  let turn = 0
  /** Each second: mends what events did not tell. */
  async function mend(): Promise<void> {
    turn++
    await live.load()
    const backAgain = await freshness.look()
    const listAll = backAgain || turn % relistTurns === 0
    const renewed = live.turnDay()
    if (renewed) await live.load()
    for (const stage of stages.values()) {
      void stage.relist(listAll)
      if (renewed) void stage.renew()
    }
  }

  // Configurations.

  function stageOf(dashboard: Dashboard): Stage {
    let stage = stages.get(dashboard.id)
    if (!stage) {
      stage = openStage(dashboard, {
        live,
        reader,
        series,
        zone,
        numbers,
        meter,
        log,
        status: freshness.status,
        alertsOf: evaluator.of,
      })
      stages.set(dashboard.id, stage)
    }
    return stage
  }
  const series = createSeriesReader({ reader, cache, zone })

  /** Each second: what provision has changed, deleted, revoked. */
  async function follow(): Promise<void> {
    const asked = [...stages]
    const hashes = [...shares.keys()]
    if (asked.length + hashes.length === 0) return
    const answer = await provision.watch(
      asked.map(([id]) => id),
      hashes,
    )
    const dashboards = new Map(answer.dashboards.map((dashboard) => [dashboard.id, dashboard]))
    for (const [id, stage] of asked) {
      const dashboard = dashboards.get(id)
      if (!dashboard) end(id, stage)
      else if (dashboard.revision !== stage.config().revision) void stage.configure(dashboard)
    }
    const good = new Map(answer.shares.map((share) => [share.hash, share]))
    for (const hash of hashes) {
      const share = shares.get(hash)
      if (share) share.revoked = !good.has(hash)
    }
  }

  function end(id: string, stage: Stage): void {
    stage.close('deleted')
    stages.delete(id)
  }

  /**
   * Lets a client watch; undefined when there is no such dashboard or link. Rejects with Unavailable when it is not shown yet
   * and provision does not answer.
   */
  async function find(wanted: Wanted): Promise<((client: Client) => void) | undefined> {
    if ('id' in wanted) {
      const shown = stages.get(wanted.id)
      const [dashboard] = shown ? [shown.config()] : (await provision.find([wanted.id], [])).dashboards
      return dashboard && ((client) => admit(dashboard, client))
    }
    const hash = wanted.share
    const answer = await provision.find([], [hash])
    const share = answer.shares.find((one) => one.hash === hash)
    const dashboard = answer.dashboards.find(({ id }) => id === share?.dashboard)
    if (!share || !dashboard) return undefined
    return (client) => {
      const use = shares.get(hash) ?? { users: 0, untilMs: 0, revoked: false }
      use.users++
      use.untilMs = share.expiresAt === null ? Number.POSITIVE_INFINITY : Date.parse(share.expiresAt)
      shares.set(hash, use)
      admit(dashboard, {
        ...client,
        ended: () => (use.revoked || Date.now() > use.untilMs ? 'revoked' : client.ended()),
        open: (events) =>
          client.open({
            drained: events.drained,
            closed() {
              use.users--
              if (use.users === 0 && shares.get(hash) === use) shares.delete(hash)
              events.closed()
            },
          }),
      })
    }
  }

  function admit(dashboard: Dashboard, { open, lastEventId, ended }: Client): void {
    stageOf(dashboard).enter(open, lastEventId, ended)
  }

  function sweep(): void {
    for (const [id, stage] of stages) {
      stage.sweep(unreadMs)
      const idleSince = stage.idleSince()
      if (idleSince !== undefined && performance.now() - idleSince > lingerMs) {
        stage.close()
        stages.delete(id)
      }
    }
  }

  // What runs by the clock.

  let heard = true
  async function askRules(): Promise<void> {
    const rules = await provision.rules().catch((error: unknown) => {
      heard = false
      throw error
    })
    heard = true
    evaluator.take(rules)
    await transitions.flush()
  }

  const clock = { log, signal: closing.signal }
  const loops = [
    eachSecond('reading counts', mend, clock),
    eachSecond('asking for configurations', follow, clock),
    eachSecond('asking for alert rules', askRules, clock),
    eachSecond('judging alerts', evaluator.tick, clock),
  ]
  const timers = [
    setInterval(sweep, sweepMs),
    setInterval(() => {
      for (const stage of stages.values()) stage.heartbeat()
    }, heartbeatMs),
  ]

  return {
    find,
    /** Whether provision answered last. */
    provisionHealthy: () => heard,
    status: freshness.status,
    /** Ends every stream; the clients come back later, each at a moment of its own. */
    dismiss(): void {
      for (const stage of stages.values()) stage.dismiss()
    },
    /** Ends its work; the bus, whose end closes the subscription, stays with its owner. */
    async close(): Promise<void> {
      closing.abort()
      for (const timer of timers) clearInterval(timer)
      for (const stage of stages.values()) stage.close()
      await Promise.all(loops)
    },
  }
}
