import { z } from 'zod'
import { type CountInfo, countId, countInfo, value, version } from './schemas.ts'

/** A net change of one count: what moved it from `fromVersion` (the version before the first operation) to `version`. */
export const countChange = z.object({
  id: countId,
  value,
  delta: z.int().describe('Sum of the operations in this event'),
  operations: z.int().min(1),
  fromVersion: version,
  version,
})

/** What a lifecycle event carries: the CountInfo with value and version at that moment. */
export const countState = countInfo.extend({ value, version })

const envelope = {
  specversion: z.literal('1.0'),
  id: z.string().describe('`<count id>:<version>`'),
  source: z.string().min(1),
  subject: countId,
  time: z.iso.datetime({ offset: true }),
  datacontenttype: z.literal('application/json'),
}

/** A CloudEvents 1.0 event in structured JSON, as the bus carries it (CA-022). */
export const countEvent = z.discriminatedUnion('type', [
  z.object({ ...envelope, type: z.literal('count.changed'), data: countChange }),
  z.object({
    ...envelope,
    type: z.enum(['count.created', 'count.updated', 'count.deleted', 'count.restored']),
    data: countState,
  }),
])

export type CountEvent = z.infer<typeof countEvent>
export type CountChange = z.infer<typeof countChange>
export type CountState = z.infer<typeof countState>
export type Lifecycle = 'created' | 'updated' | 'deleted' | 'restored'

const about = (source: string, data: { id: string; version: number }) => ({
  specversion: '1.0' as const,
  id: `${data.id}:${data.version}`,
  source,
  subject: data.id,
  // The version is the store's clock in µs: the same event made twice is the same text.
  time: new Date(data.version / 1000).toISOString(),
  datacontenttype: 'application/json' as const,
})

/** The event of a net change; `source` is the service that publishes it. */
export const changeEvent = (source: string, data: CountChange): CountEvent => ({
  ...about(source, data),
  type: 'count.changed',
  data,
})

/** The event of a change to a count's life or CountInfo. */
export const lifecycleEvent = (
  source: string,
  kind: Lifecycle,
  info: CountInfo,
  at: { value: number; version: number },
): CountEvent => {
  const data = { ...info, ...at }
  return { ...about(source, data), type: `count.${kind}`, data }
}

/** The event in one message of the bus, or undefined for anything else: what a stranger put there stops nobody. */
export function parseEvent(text: string | null | undefined): CountEvent | undefined {
  try {
    return countEvent.safeParse(JSON.parse(text ?? '')).data
  } catch {
    return undefined
  }
}
