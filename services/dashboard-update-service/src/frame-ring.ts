import type { DeltaFrame, Frame, FrameName } from '@count/core/dashboard-frames'

/** A frame that brings a client from the one before to here. */
type Step = { [N in 'delta' | 'status' | 'alert']: { n: number; name: N; data: Frame<N>; size: number } }[
  | 'delta'
  | 'status'
  | 'alert']

export type FrameRing = ReturnType<typeof createFrameRing>

const maxFrames = 600
const maxBytes = 1024 * 1024

/** One event of text/event-stream; only what has an id can be resumed from. */
export const encodeFrame = <N extends FrameName>(name: N, data: Frame<N>, id?: string): Buffer =>
  Buffer.from(`${id === undefined ? '' : `id: ${id}\n`}event: ${name}\ndata: ${JSON.stringify(data)}\n\n`)

/** The numbers of a process's frames: no two frames of any dashboard share one. */
export function createFrameNumbers(process: string) {
  let last = 0
  return {
    next: () => ++last,
    idOf: (n: number) => `${process}:${n}`,
    /** The number in a Last-Event-ID of this process. */
    parse(id: string | undefined): number | undefined {
      const [from, n] = id?.split(':') ?? []
      return from === process ? Number(n) : undefined
    },
  }
}

export type FrameNumbers = ReturnType<typeof createFrameNumbers>

/** The last frames of a dashboard: a minute of them, or a megabyte. */
export function createFrameRing(numbers: FrameNumbers) {
  let steps: Step[] = []
  let bytes = 0
  /** The frame before the first of them. */
  let base = numbers.next()
  const last = () => steps.at(-1)?.n ?? base

  return {
    last,
    /** Adds a frame and returns it as all clients get it. */
    add<N extends Step['name']>(name: N, data: Frame<N>): Buffer {
      const n = numbers.next()
      const text = encodeFrame(name, data, numbers.idOf(n))
      steps.push({ n, name, data, size: text.length } as Step)
      bytes += text.length
      while (steps.length > maxFrames || bytes > maxBytes) {
        const oldest = steps.shift()
        if (!oldest) break
        base = oldest.n
        bytes -= oldest.size
      }
      return text
    },
    /** From here on clients need a frame that replaces everything; returns its number. */
    restart(): number {
      steps = []
      bytes = 0
      base = numbers.next()
      return base
    },
    /** What a client missed that saw frame `n` last, in as few frames as say it; undefined when that is not known any more. */
    since(n: number | undefined): Buffer | undefined {
      if (n === undefined) return undefined
      const at = n === base ? 0 : steps.findIndex((step) => step.n === n) + 1
      if (at === 0 && n !== base) return undefined
      return Buffer.concat(merged(steps.slice(at), numbers.idOf(last())))
    },
  }
}

/** The number goes with the last of them: who got only a part gets all of it again. */
function merged(steps: Step[], id: string): Buffer[] {
  const deltas = steps.flatMap((step) => (step.name === 'delta' ? [step.data] : []))
  const status = steps.findLast((step) => step.name === 'status')
  const alert = steps.findLast((step) => step.name === 'alert')
  const last = deltas.length > 0 ? 'delta' : alert ? 'alert' : 'status'
  const numbered = (name: Step['name']) => (name === last ? id : undefined)
  return [
    ...(status ? [encodeFrame('status', status.data, numbered('status'))] : []),
    ...(alert ? [encodeFrame('alert', alert.data, numbered('alert'))] : []),
    ...(deltas.length > 0 ? [encodeFrame('delta', conflate(deltas), id)] : []),
  ]
}

/** Several deltas, the oldest first, as one. */
export function conflate(deltas: DeltaFrame[]): DeltaFrame {
  const counts = new Map<string, DeltaFrame['counts'][number]>()
  const infos = new Map<string, NonNullable<DeltaFrame['infos']>[number]>()
  const panels = new Map<string, NonNullable<DeltaFrame['panels']>[number]>()
  const series: NonNullable<DeltaFrame['series']> = []
  for (const delta of deltas) {
    for (const count of delta.counts)
      counts.set(count.id, { ...count, delta: count.delta + (counts.get(count.id)?.delta ?? 0) })
    for (const info of delta.infos ?? []) infos.set(info.id, info)
    for (const panel of delta.panels ?? []) panels.set(panel.id, panel)
    series.push(...(delta.series ?? []))
  }
  for (const [id, info] of infos) {
    const count = counts.get(id)
    if (info.missing || !count) continue
    const { value, version } = count.version > info.version ? count : { ...count, ...info }
    infos.set(id, { ...info, value, version })
    if (value !== null) counts.set(id, { ...count, value, version })
  }
  return {
    at: deltas.at(-1)?.at ?? '',
    counts: [...counts.values()],
    ...(infos.size > 0 ? { infos: [...infos.values()] } : {}),
    ...(panels.size > 0 ? { panels: [...panels.values()] } : {}),
    ...(series.length > 0 ? { series } : {}),
  }
}
