/**
 * Thins lines to what a width can show: of the points that share a pixel column, the lowest and the highest of each line
 * stay, in their order, so that no peak is lost.
 * @param {number[]} at common to all lines @param {number[][]} lines @param {number} width px
 * @returns {{ at: number[], lines: number[][] }}
 */
export function thin(at, lines, width) {
  const columns = Math.max(1, Math.floor(width))
  if (at.length <= columns * 2) return { at, lines }
  const size = at.length / columns
  /** @type {number[]} */
  const thinAt = []
  const thinLines = lines.map(() => /** @type {number[]} */ ([]))
  for (let column = 0; column < columns; column++) {
    const from = Math.floor(column * size)
    const to = Math.floor((column + 1) * size)
    thinAt.push(at[from] ?? 0, at[to - 1] ?? 0)
    for (const [n, line] of lines.entries()) {
      let low = from
      let high = from
      for (let i = from + 1; i < to; i++) {
        const value = line[i] ?? 0
        if (value < (line[low] ?? 0)) low = i
        if (value > (line[high] ?? 0)) high = i
      }
      thinLines[n]?.push(line[Math.min(low, high)] ?? 0, line[Math.max(low, high)] ?? 0)
    }
    // The newest value is the one that is read off.
    if (column === columns - 1)
      for (const [n, line] of lines.entries()) thinLines[n]?.splice(-1, 1, line.at(-1) ?? 0)
  }
  return { at: thinAt, lines: thinLines }
}
