import type { CountReader } from '@count/core/count-reader'
import type { DeltaFrame, Frame, ShownAlert, SnapshotFrame, StreamStatus } from '@count/core/dashboard-frames'
import type { Dashboard, Range } from '@count/core/dashboards'
import type { CountInfo } from '@count/core/schemas'
import type { Zone } from '@count/core/zone'
import type { Logger } from 'pino'
import { createAudience, type Ended } from './audience.ts'
import type { EventStream, StreamEvents } from './event-stream.ts'
import type { FrameNumbers } from './frame-ring.ts'
import type { LiveCount, LiveCounts } from './live-counts.ts'
import { createPanelMembers } from './panel-members.ts'
import type { RangeSeries, SeriesReader } from './series.ts'
import { draws, shownCount, shownDashboard, shownPanel, shownSeries, type Told } from './snapshot.ts'
import type { StreamMeter } from './stream-meter.ts'

export interface StageOptions {
  live: LiveCounts
  reader: Pick<CountReader, 'list'>
  series: SeriesReader
  zone: Zone
  numbers: FrameNumbers
  meter: StreamMeter
  log: Logger
  status: () => StreamStatus
  /** The alert rules on these counts. */
  alertsOf: (ids: Iterable<string>) => ShownAlert[]
}

export type Stage = ReturnType<typeof openStage>

/** Between two frames: ten a second, fewer when sending one takes long, but two a second still. */
const fastestMs = 100
const slowestMs = 500
/** Changes that come together go together. */
const gatherMs = 5

/** One dashboard that somebody watches: its counts, what frames have told of them, and who watches. */
export function openStage(first: Dashboard, options: StageOptions) {
  const { live, meter, numbers, reader, series: seriesReader, zone } = options
  let config = first
  const members = createPanelMembers(reader, (panel) => changed('panels', panel))
  const told = new Map<string, Told>()
  const series = new Map<Range, RangeSeries>()
  const changes = { values: new Set<string>(), infos: new Set<string>(), panels: new Set<string>() }
  let alertsChanged = false
  let timer: NodeJS.Timeout | undefined
  let lastFlush = 0
  let pauseMs = fastestMs
  let usedAt = performance.now()

  let closed = false

  const audience = createAudience({ numbers, meter, prepare, snapshot })
  const watcher = {
    valueChanged: ({ id }: LiveCount) => changed('values', id),
    infoChanged: ({ id }: LiveCount) => changed('infos', id),
  }
  /** What changes which counts are shown goes one after the other. */
  let work = orLog(show(first))
  const then = (step: () => Promise<void>) => {
    work = orLog(work.then(step))
    return work
  }
  function orLog(step: Promise<void>): Promise<void> {
    return step.catch((error: unknown) => options.log.error({ error, dashboard: first.id }, 'showing failed'))
  }
  function prepare(): Promise<void> {
    return work.then(() => orLog(readAllSeries()))
  }

  // What it shows.

  async function show(dashboard: Dashboard): Promise<void> {
    await members.configure(dashboard.panels)
    config = dashboard
    rewatch()
    await live.load()
    settle()
  }

  /** Watches exactly the counts that the panels show. */
  function rewatch(): void {
    if (closed) return
    const shown = members.all()
    for (const id of told.keys()) {
      if (shown.has(id)) continue
      told.delete(id)
      live.unwatch(id, watcher)
    }
    for (const id of shown) {
      if (told.has(id)) continue
      live.watch(id, watcher)
      told.set(id, { value: undefined, version: 0 })
      changed('infos', id)
    }
  }

  /** The counts that are drawn, by range. */
  function drawn(): Map<Range, Set<string>> {
    const ranges = new Map<Range, Set<string>>()
    for (const panel of config.panels.filter(draws)) {
      const range = panel.range ?? config.range
      ranges.set(range, (ranges.get(range) ?? new Set()).union(new Set(members.of(panel.id).ids)))
    }
    return ranges
  }

  async function readSeries(range: Range, ids: Iterable<string>): Promise<RangeSeries> {
    const lives = new Map<string, number>()
    for (const id of ids) {
      const created = live.get(id)?.info?.created
      if (created !== undefined) lives.set(id, created)
    }
    return seriesReader.read(lives, range)
  }

  async function readAllSeries(): Promise<void> {
    await Promise.all(
      Array.from(drawn(), async ([range, ids]) => {
        const known = series.get(range)
        const complete = known && [...ids].every((id) => known.levels.has(id) || !live.get(id)?.info)
        if (!complete || !seriesReader.fresh(known, range)) series.set(range, await readSeries(range, ids))
      }),
    )
  }

  function snapshot(): SnapshotFrame {
    return {
      at: new Date().toISOString(),
      zone: zone.name,
      dashboard: shownDashboard(config),
      status: options.status(),
      counts: [...told.keys()].map(shown),
      panels: config.panels.map(shownMembers),
      series: [...drawn()].flatMap(([range, ids]) => {
        const known = series.get(range)
        return known ? [shownSeries(range, known, told, ids)] : []
      }),
      alerts: options.alertsOf(told.keys()),
    }
  }

  const shown = (id: string) => shownCount(live.get(id) as LiveCount, told.get(id) as Told)
  const shownMembers = (panel: Dashboard['panels'][number]) => shownPanel(panel, members.of(panel.id), config)

  // What frames tell.

  function changed(what: keyof typeof changes, id: string): void {
    if (closed) return
    changes[what].add(id)
    schedule()
  }

  function schedule(): void {
    timer ??= setTimeout(flush, Math.max(gatherMs, lastFlush + pauseMs - performance.now()))
  }

  /** Brings what frames have told up to now, and returns the frame that tells it. */
  function settle(): DeltaFrame | undefined {
    clearTimeout(timer)
    timer = undefined
    const counts = [...changes.values.union(changes.infos)].flatMap(moved)
    const infos = [...changes.infos].filter((id) => told.has(id)).map(shown)
    const panels = config.panels.filter(({ id }) => changes.panels.has(id)).map(shownMembers)
    for (const set of Object.values(changes)) set.clear()
    if (counts.length + infos.length + panels.length === 0) return undefined
    return {
      at: new Date().toISOString(),
      counts,
      ...(infos.length > 0 ? { infos } : {}),
      ...(panels.length > 0 ? { panels } : {}),
    }
  }

  /** The frames' word for a count is its present value from here on; a value that had been unknown is told as an info. */
  function moved(id: string): DeltaFrame['counts'] {
    const before = told.get(id)
    const { value, version } = live.get(id) ?? {}
    if (!before || version === undefined) return []
    told.set(id, { value, version })
    if (value === undefined || before.value === undefined) changes.infos.add(id)
    else if (version > before.version) return [{ id, value, delta: value - before.value, version }]
    return []
  }

  function flush(): void {
    const start = performance.now()
    const delta = settle()
    if (delta) audience.push('delta', delta)
    if (alertsChanged)
      audience.push('alert', { at: new Date().toISOString(), alerts: options.alertsOf(told.keys()) })
    alertsChanged = false
    lastFlush = performance.now()
    pauseMs = Math.min(Math.max(fastestMs, 4 * (lastFlush - start)), slowestMs)
    if (delta?.infos) void orLog(tellSeries(new Set(delta.infos.map(({ id }) => id))))
  }

  /** Tells the past of counts that came where a panel draws it. */
  async function tellSeries(came: Set<string>): Promise<void> {
    for (const [range, ids] of drawn()) {
      const known = series.get(range)
      const lacking = [...ids].filter((id) => came.has(id) && !known?.levels.has(id) && live.get(id)?.info)
      if (!known || lacking.length === 0) continue
      const read = await readSeries(range, lacking)
      if (read.open === known.open) for (const [id, levels] of read.levels) known.levels.set(id, levels)
      const told_ = shownSeries(range, read, told, lacking)
      audience.push('delta', { at: new Date().toISOString(), counts: [], series: [told_] })
    }
  }

  async function replace(name: 'snapshot' | 'dashboard'): Promise<void> {
    await readAllSeries()
    settle()
    alertsChanged = false
    audience.replace(name)
  }

  return {
    size: audience.size,
    config: () => config,
    /** Since when nobody has watched, in ms of performance.now(); undefined while somebody does. */
    idleSince: () => (audience.size() > 0 ? undefined : usedAt),
    enter(open: (events: StreamEvents) => EventStream, lastEventId: string | undefined, ended: Ended): void {
      audience.enter(open, lastEventId, ended)
    },
    /** Shows another configuration of the dashboard. */
    configure: (next: Dashboard): Promise<void> =>
      then(async () => {
        await show(next)
        await replace('dashboard')
      }),
    lifecycle(id: string, info: CountInfo | undefined): void {
      members.lifecycle(id, info)
      if (changes.panels.size > 0) rewatch()
    },
    /** Asks for counts of panels that could not be asked for; with `all`, for those of every panel by prefix or tag. */
    relist: (all: boolean): Promise<void> =>
      then(async () => {
        if (!all && !members.incomplete()) return
        await members.relist(all)
        rewatch()
        await live.load()
      }),
    /** Sends everything anew. */
    renew: (): Promise<void> => then(() => replace('snapshot')),
    status: (status: StreamStatus): void => audience.push('status', status),
    /** An alert rule on one of its counts is in another state. */
    alert(count: string): void {
      if (!told.has(count)) return
      alertsChanged = true
      schedule()
    },
    heartbeat: audience.heartbeat,
    sweep(unreadMs: number): void {
      if (audience.size() > 0) usedAt = performance.now()
      audience.sweep(unreadMs)
    },
    dismiss: audience.dismiss,
    /** Ends it: with a reason it is gone for those who watch, too. */
    close(reason?: Frame<'gone'>['reason']): void {
      closed = true
      clearTimeout(timer)
      if (reason) audience.gone(reason)
      for (const id of told.keys()) live.unwatch(id, watcher)
      told.clear()
    },
  }
}
