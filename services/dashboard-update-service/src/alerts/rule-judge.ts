import type { AlertCondition, AlertState } from '@count/core/alerts'

/** Says what state a value puts an alert into. */
export interface Judge {
  /** A value, and when the count came to it, in ms since 1970; in order of time. */
  add(value: number, atMs: number): void
  /** The state that follows `state` at this time. */
  judge(state: AlertState, nowMs: number): AlertState
}

/** Stretches that a window is kept in: its end is that much blurred, its memory bounded however often the count changes. */
const slots = 240

/** The judge of one rule's condition. */
export function createJudge(condition: AlertCondition): Judge {
  return condition.kind === 'changes' ? changesJudge(condition) : levelJudge(condition)
}

type Condition<K> = Extract<AlertCondition, { kind: K }>

function levelJudge({ kind, at, hysteresis }: Condition<'above' | 'below'>): Judge {
  const sign = kind === 'above' ? 1 : -1
  let beyond: number | undefined
  return {
    add(value) {
      beyond = sign * (value - at)
    },
    judge(state) {
      if (beyond === undefined) return state
      if (beyond > 0) return 'open'
      return beyond <= -hysteresis ? 'closed' : state
    },
  }
}

interface Slot {
  index: number
  min: number
  max: number
  last: number
}

function changesJudge({ by, withinS, direction, hysteresis }: Condition<'changes'>): Judge {
  const slotMs = (withinS * 1000) / slots
  /** Oldest first; the first may lie before the window: its last value is the one that the window began with. */
  const window: Slot[] = []

  function moved(nowMs: number): number {
    const first = Math.floor(nowMs / slotMs) - slots
    while ((window[1]?.index ?? Number.POSITIVE_INFINITY) <= first) window.shift()
    const now = window.at(-1)?.last ?? 0
    let up = 0
    let down = 0
    for (const [i, { index, min, max, last }] of window.entries()) {
      const before = i === 0 && index <= first
      up = Math.max(up, now - (before ? last : min))
      down = Math.max(down, (before ? last : max) - now)
    }
    return direction === 'up' ? up : direction === 'down' ? down : Math.max(up, down)
  }

  return {
    add(value, atMs) {
      const index = Math.floor(atMs / slotMs)
      const slot = window.at(-1)
      if (slot && slot.index >= index) {
        slot.min = Math.min(slot.min, value)
        slot.max = Math.max(slot.max, value)
        slot.last = value
      } else window.push({ index, min: value, max: value, last: value })
    },
    judge(state, nowMs) {
      const by_ = moved(nowMs)
      if (by_ > by) return 'open'
      return by_ <= by - hysteresis ? 'closed' : state
    },
  }
}
