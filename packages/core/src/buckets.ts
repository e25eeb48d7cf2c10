/**
 * How history is packed in the value store: the field `<letter><slot>` of a count's history holds one block of `size`
 * buckets, `<block>;<place>:<delta>;…`; blocks take turns on `ring` fields, so that old ones are overwritten and the whole
 * stays bounded. The scripts count_apply and history_import write it.
 */
export const packings = {
  minute: { letter: 'm', size: 60, ring: 50 },
  hour: { letter: 'h', size: 24, ring: 92 },
  day: { letter: 'd', size: 32, ring: 117 },
} as const

/** How far back each granularity is kept, in its buckets: 2 days, 90 days, 10 years. */
export const retention = { minute: 2 * 1440, hour: 90 * 24, day: 3653 } as const

export type Packing = keyof typeof packings

/** Where a bucket lies: its block and the field that the block is kept in. */
export function placeOf(packing: Packing, index: number): { field: string; block: number; place: number } {
  const { letter, size, ring } = packings[packing]
  const block = Math.floor(index / size)
  return { field: `${letter}${block % ring}`, block, place: index % size }
}

/** The fields that hold the buckets `from` … `to`. */
export function fieldsOf(packing: Packing, from: number, to: number): string[] {
  const { size, ring } = packings[packing]
  const first = Math.max(Math.floor(from / size), Math.floor(to / size) - ring + 1)
  const fields: string[] = []
  for (let block = first; block <= Math.floor(to / size); block++)
    fields.push(placeOf(packing, block * size).field)
  return fields
}

/** The buckets of one field as [index, delta]; an index may come more than once, and its deltas add up. */
export function unpack(packing: Packing, packed: string): [index: number, delta: number][] {
  const [block, ...places] = packed.split(';')
  const base = Number(block) * packings[packing].size
  return places.map((text) => {
    const colon = text.indexOf(':')
    return [base + Number(text.slice(0, colon)), Number(text.slice(colon + 1))]
  })
}

/** Packs buckets into fields, as [field, packed, …]; of two blocks that share a field the later stays. */
export function pack(packing: Packing, buckets: Iterable<readonly [index: number, delta: number]>): string[] {
  const fields = new Map<string, { block: number; text: string }>()
  for (const [index, delta] of buckets) {
    const { field, block, place } = placeOf(packing, index)
    const held = fields.get(field)
    if (held && held.block > block) continue
    const text = held?.block === block ? held.text : String(block)
    fields.set(field, { block, text: `${text};${place}:${delta}` })
  }
  return [...fields].flatMap(([field, { text }]) => [field, text])
}

/** The open buckets of a record's field `o`; undefined when the count was never written. */
export function openBuckets(text: string | null | undefined) {
  if (!text) return undefined
  const [minute, minuteDelta, hourDelta, day, dayDelta] = text.split(':').map(Number) as [
    number,
    number,
    number,
    number,
    number,
  ]
  return {
    minute: { index: minute, delta: minuteDelta },
    hour: { index: Math.floor(minute / 60), delta: hourDelta },
    day: { index: day, delta: dayDelta },
  }
}
