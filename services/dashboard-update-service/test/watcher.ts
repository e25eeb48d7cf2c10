import { type Frame, type FrameName, frames, type StreamStatus } from '@count/core/dashboard-frames'
import { until } from '@count/stack/until'

/** One event as it came. */
export interface Event<N extends FrameName = FrameName> {
  id: string | undefined
  name: N
  data: Frame<N>
  at: number
}

export interface Watcher {
  events: Event[]
  values: Map<string, number | null | undefined>
  versions: Map<string, number>
  names: Map<string, string>
  /** Sum of deltas since the last snapshot, and the value in it. */
  sums: Map<string, { from: number; sum: number }>
  /** What contradicts the frames before. */
  faults: string[]
  headers: Headers
  /** Ends with the stream. */
  reading: Promise<void>
  members(panel: string): string[] | undefined
  status(): StreamStatus['state'] | undefined
  retry(): number | undefined
  ended(): boolean
  lastId(): string | undefined
  all<N extends FrameName>(name: N): Event<N>[]
  /** Awaits an event of this name that fits. */
  next<N extends FrameName>(name: N, fits?: (data: Frame<N>) => boolean): Promise<Event<N>>
  shows(id: string, value: number | undefined): Promise<unknown>
  end(): Promise<unknown>
  close(): Promise<void>
}

/**
 * A client of a stream that draws from the frames as a page does; every frame is parsed by its schema, values may only go
 * forward in version, and deltas must add up.
 *
 * @param before What this page has drawn so far
 */
export async function watch(
  url: string,
  headers: Record<string, string> = {},
  before?: Pick<Watcher, 'values' | 'versions' | 'sums'>,
): Promise<Watcher> {
  const abort = new AbortController()
  const response = await fetch(url, { headers, signal: abort.signal })
  if (response.status !== 200) {
    await response.body?.cancel()
    throw new Error(`the stream answered ${response.status}`)
  }
  const events: Event[] = []
  const values: Watcher['values'] = new Map(before?.values)
  const versions: Watcher['versions'] = new Map(before?.versions)
  const sums: Watcher['sums'] = new Map(before?.sums)
  const names = new Map<string, string>()
  const faults: string[] = []
  let members = new Map<string, string[]>()
  let retry: number | undefined
  let state: StreamStatus['state'] | undefined
  let ended = false

  function show(count: Frame<'snapshot'>['counts'][number]): void {
    values.set(count.id, count.missing ? undefined : count.value)
    if (count.missing) return void sums.delete(count.id)
    names.set(count.id, count.name)
    versions.set(count.id, count.version)
    if (!sums.has(count.id) && count.value !== null) sums.set(count.id, { from: count.value, sum: 0 })
  }

  function draw({ name, data }: Event): void {
    if (name === 'snapshot' || name === 'dashboard') {
      const frame = frames.snapshot.parse(data)
      sums.clear()
      values.clear()
      versions.clear()
      state = frame.status.state
      for (const count of frame.counts) show(count)
      members = new Map(frame.panels.map(({ id, counts }) => [id, counts]))
    } else if (name === 'status') {
      state = frames.status.parse(data).state
    } else if (name === 'delta') {
      const frame = frames.delta.parse(data)
      for (const count of frame.infos ?? []) show(count)
      for (const { id, counts } of frame.panels ?? []) members.set(id, counts)
      for (const { id, value, delta, version } of frame.counts) {
        if (version < (versions.get(id) ?? 0)) faults.push(`${id} went back to ${version}`)
        versions.set(id, version)
        values.set(id, value)
        const sum = sums.get(id)
        if (sum) sum.sum += delta
        if (sum && sum.from + sum.sum !== value)
          faults.push(`${id} is ${value}, ${sum.from} + ${sum.sum} told`)
      }
    }
  }

  async function read(): Promise<void> {
    let text = ''
    const decoder = new TextDecoder()
    for await (const part of response.body ?? []) {
      text += decoder.decode(part, { stream: true })
      const blocks = text.split('\n\n')
      text = blocks.pop() ?? ''
      for (const block of blocks) take(block)
    }
  }

  function take(block: string): void {
    const fields = new Map(
      block.split('\n').map((line) => {
        const colon = line.indexOf(': ')
        return [line.slice(0, colon), line.slice(colon + 2)]
      }),
    )
    if (fields.has('retry')) retry = Number(fields.get('retry'))
    const name = fields.get('event') as FrameName | undefined
    if (!name) return
    const data = frames[name].parse(JSON.parse(fields.get('data') ?? ''))
    const event = { id: fields.get('id'), name, data, at: performance.now() }
    events.push(event)
    draw(event)
  }

  const reading = read()
    .catch((error: unknown) => {
      if (!(error instanceof Error && (error.name === 'AbortError' || error.message === 'terminated')))
        throw error
    })
    .finally(() => {
      ended = true
    })

  return {
    events,
    values,
    versions,
    names,
    sums,
    faults,
    reading,
    headers: response.headers,
    members: (panel: string) => members.get(panel),
    status: () => state,
    retry: () => retry,
    ended: () => ended,
    lastId: () => events.findLast(({ id }) => id !== undefined)?.id,
    all: <N extends FrameName>(name: N) => events.filter((event): event is Event<N> => event.name === name),
    /** Awaits an event of this name that fits, after the first `from` events. */
    next: <N extends FrameName>(name: N, fits: (data: Frame<N>) => boolean = () => true, from = 0) =>
      until(`${name} to come`, () =>
        events
          .slice(from)
          .find((event): event is Event<N> => event.name === name && fits(event.data as Frame<N>)),
      ),
    shows: (id: string, value: number | undefined) =>
      until(`${id} to show ${value}`, () => values.has(id) && values.get(id) === value),
    end: () => until('the stream to end', () => ended),
    async close() {
      abort.abort()
      await reading
    },
  }
}
