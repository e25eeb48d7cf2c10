import { z } from 'zod'
import { maxPanelCounts, range, sharedDashboard } from './dashboards.ts'
import { countId, instant, value, version } from './schemas.ts'

/**
 * The frames of a dashboard's stream (text/event-stream). Each is an event named as in `frames`, its data one line of JSON,
 * its id `<process>:<n>`; a reconnect that sends it as Last-Event-ID is brought up to date from there or by a new snapshot.
 *
 * A page draws from them alone, by these rules: `snapshot` and `dashboard` replace everything; `delta`, `status` and `alert`
 * change what they name; after `gone` nothing comes any more and there is nothing to reconnect to. Any frame shows that
 * the connection lives: when none came for 40 s, it does not.
 */

/** A count that CountInfoDB does not know. */
const missingCount = z.object({ id: countId, missing: z.literal(true) })

const knownCount = z.object({
  id: countId,
  missing: z.literal(false),
  name: z.string(),
  unit: z.string(),
  min: value.nullable(),
  max: value.nullable(),
  value: value.nullable().describe('null while the value store cannot be asked and nobody has told it yet'),
  version,
  today: z.int().nullable().describe("Change since the day began in the deployment's zone, imports included"),
})

export const shownCount = z.discriminatedUnion('missing', [missingCount, knownCount])

/** What a panel shows: its counts in order. Those by tag or prefix are in order of id. */
export const shownPanel = z.object({
  id: z.string(),
  counts: z.array(countId).max(maxPanelCounts),
  more: z.boolean().describe('Whether there are more counts than are shown'),
  range: range.describe("The panel's, else the dashboard's"),
})

/**
 * The levels of counts over one range, for every line, bar and spark line of that range. The last bucket is still open:
 * its level is always the count's present value; when its time is over, the level stays and the next bucket begins.
 */
export const shownSeries = z.object({
  range,
  stepS: z
    .int()
    .min(60)
    .describe('Length of a bucket in seconds; days may be longer or shorter by a clock change'),
  at: z.array(z.int()).describe("Buckets' first instants, in seconds since 1970"),
  counts: z.array(
    z.object({
      id: countId,
      base: z
        .int()
        .describe('Level before the first bucket: the change in bucket i is values[i] − values[i − 1]'),
      values: z.array(z.int()).describe('Levels at the end of each bucket, as many as `at`'),
    }),
  ),
})

/** Whether what is shown follows the changes; the connection itself aside, which only the page can judge. */
export const streamStatus = z.object({
  state: z
    .enum(['live', 'polling', 'stale'])
    .describe(
      '`polling`: the event bus is away, values are read each second; `stale`: they cannot be read either',
    ),
  since: instant.describe('When the state began; of `stale`, when values were last known to be right'),
})

/** A rule on a count that the dashboard shows. */
export const shownAlert = z.object({
  rule: z.string(),
  name: z.string(),
  count: countId,
  state: z.enum(['open', 'closed']),
  value: value.nullable().describe('The value that the state began with, if known'),
  since: instant.nullable(),
})

/** Everything that the page draws. */
export const snapshotFrame = z.object({
  at: instant,
  zone: z.string().describe('IANA zone that days are counted in'),
  dashboard: sharedDashboard,
  status: streamStatus,
  counts: z.array(shownCount),
  panels: z.array(shownPanel),
  series: z.array(shownSeries).describe('One for each range that a line, bar or spark line has'),
  alerts: z.array(shownAlert),
})

/**
 * What has changed since the frame before, once per count. Beside values, panels by tag or prefix whose counts changed are
 * there anew, `infos` has counts that came, were renamed, or went missing, and `series` the past of those that came.
 * `infos` and `panels` go first. A value is never older than the one before it.
 */
export const deltaFrame = z.object({
  at: instant,
  counts: z.array(
    z.object({
      id: countId,
      value,
      delta: z.int().describe('value − the value of the frame before'),
      version,
    }),
  ),
  infos: z.array(shownCount).optional(),
  panels: z.array(shownPanel).optional(),
  series: z.array(shownSeries).optional(),
})

/** All rules on the counts shown, whenever one opens, closes or changes. */
export const alertFrame = z.object({ at: instant, alerts: z.array(shownAlert) })

/** `deleted`: the dashboard is no more; `revoked`: the link is not good any more; `signed-out`: the session has ended. */
export const goneFrame = z.object({ reason: z.enum(['deleted', 'revoked', 'signed-out']) })

/** Each 15 s. */
export const heartbeatFrame = z.object({ at: instant })

/** By event name. `dashboard` comes when the configuration was changed. */
export const frames = {
  snapshot: snapshotFrame,
  dashboard: snapshotFrame,
  delta: deltaFrame,
  status: streamStatus,
  alert: alertFrame,
  gone: goneFrame,
  heartbeat: heartbeatFrame,
} as const

export type FrameName = keyof typeof frames
export type Frame<N extends FrameName> = z.infer<(typeof frames)[N]>
export type SnapshotFrame = z.infer<typeof snapshotFrame>
export type DeltaFrame = z.infer<typeof deltaFrame>
export type ShownCount = z.infer<typeof shownCount>
export type ShownPanel = z.infer<typeof shownPanel>
export type ShownSeries = z.infer<typeof shownSeries>
export type ShownAlert = z.infer<typeof shownAlert>
export type StreamStatus = z.infer<typeof streamStatus>
export type AlertFrame = z.infer<typeof alertFrame>
