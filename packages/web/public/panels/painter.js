/**
 * Draws what changed, a few panels in each animation frame and only those in sight, so that however much changes no frame
 * takes long; what is out of sight is drawn when it comes into it, or at first when there is nothing else to do.
 * @typedef {{ draw: () => void, element: Element, everyMs: number, visible: boolean, drawn: boolean, dirty: boolean, at: number }} Entry
 */

const mostPerFrame = 16
/** Fewer would not make a frame shorter: its own cost is larger than theirs. */
const fewestPerFrame = 3
/** What one frame may take before the next takes fewer panels, ms: all the time there is while the page still fills. */
const budgetMs = { first: 45, again: 20 }

export function createPainter() {
  /** @type {Map<string, Entry>} */
  const entries = new Map()
  /** @type {WeakMap<Element, Entry>} */
  const byElement = new WeakMap()
  const many = { first: 8, again: 8 }
  let asked = 0

  const sight = new IntersectionObserver(
    (seen) => {
      for (const { target, isIntersecting } of seen) {
        const entry = byElement.get(target)
        if (entry) entry.visible = isIntersecting
      }
      ask()
    },
    { rootMargin: '160px' },
  )

  const ask = () => {
    asked ||= requestAnimationFrame(flush)
  }

  /** @param {number} now */
  function flush(now) {
    asked = 0
    const waiting = [...entries.values()].filter(({ dirty, drawn, visible }) => dirty && (visible || !drawn))
    const due = waiting.filter(({ drawn, everyMs, at }) => !drawn || now - at >= everyMs)
    // In sight first, then those that waited longest.
    due.sort((a, b) => Number(b.visible) - Number(a.visible) || a.at - b.at)
    const kind = due.some(({ drawn }) => !drawn) ? 'first' : 'again'
    const turn = due.slice(0, many[kind])
    const began = performance.now()
    for (const entry of turn) {
      entry.dirty = false
      entry.drawn = true
      entry.at = now
      entry.draw()
    }
    // Preact draws in a microtask that is queued by now: behind it the clock tells what it took.
    queueMicrotask(() =>
      queueMicrotask(() => {
        if (turn.length < many[kind]) return
        many[kind] =
          performance.now() - began > budgetMs[kind]
            ? Math.max(fewestPerFrame, many[kind] >> 1)
            : Math.min(mostPerFrame, many[kind] + 1)
      }),
    )
    if (waiting.length > turn.length) ask()
  }

  return {
    /**
     * @param {string} id @param {Element} element @param {() => void} draw
     * @param {number} everyMs how often it is drawn at most
     * @returns {() => void} ends it
     */
    add(id, element, draw, everyMs) {
      const entry = { draw, element, everyMs, visible: false, drawn: false, dirty: true, at: 0 }
      entries.set(id, entry)
      byElement.set(element, entry)
      sight.observe(element)
      ask()
      return () => {
        sight.unobserve(element)
        if (entries.get(id) === entry) entries.delete(id)
      }
    },
    /** @param {string} id */
    mark(id) {
      const entry = entries.get(id)
      if (!entry || entry.dirty) return
      entry.dirty = true
      if (entry.visible) ask()
    },
    markAll() {
      for (const id of entries.keys()) this.mark(id)
    },
    /** Whether everything has been drawn once. */
    complete: () => [...entries.values()].every(({ drawn }) => drawn),
    close() {
      cancelAnimationFrame(asked)
      sight.disconnect()
    },
  }
}

/** @typedef {ReturnType<typeof createPainter>} Painter */
