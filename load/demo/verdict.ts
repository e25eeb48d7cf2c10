import type { Seen } from './counts.ts'

export interface Evidence {
  tally: Map<string, number>
  before: Map<string, Seen>
  /** from the stores themselves */
  after: Map<string, Seen>
  /** as everybody reads */
  cached: Map<string, Seen>
  /** sums of the events' deltas; absent without Kafka */
  sums?: Map<string, number>
  /** whether a fault was seen on the way: then a cached answer may be up to 30 s old */
  disturbed: boolean
}

/** Every difference between what was sent and what the system says, one line each; none means exact. */
export function differences({ tally, before, after, cached, sums, disturbed }: Evidence): string[] {
  const found: string[] = []
  for (const [id, sent] of tally) {
    const start = before.get(id)?.value ?? 0
    const value = after.get(id)?.value ?? 0
    const shown = cached.get(id)?.value ?? 0
    if (value - start !== sent) found.push(`${id}: ${sent} flights, but it went from ${start} to ${value}`)
    if (shown !== value && !disturbed) found.push(`${id}: is ${value}, but a read answered ${shown}`)
    if (sums && sums.get(id) !== value - start)
      found.push(`${id}: changed by ${value - start}, but its events say ${sums.get(id)}`)
  }
  return found
}
