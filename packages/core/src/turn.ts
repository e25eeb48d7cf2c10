/**
 * Gathers what callers add during one turn of the event loop and hands it over together at the turn's end, after all
 * sockets that were readable in it have been read: requests that arrived together share one round trip.
 *
 * @param flush gets everything added since the last turn, in order; must not throw
 * @returns adds one item
 */
export function gather<T>(flush: (items: T[]) => void): (item: T) => void {
  let items: T[] = []
  function end() {
    const taken = items
    items = []
    flush(taken)
  }
  return (item) => {
    if (items.push(item) === 1) setImmediate(end)
  }
}
