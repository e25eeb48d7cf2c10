/** @typedef {import('./types.js').Panel} Panel */
/** @typedef {import('./types.js').PanelLayout} Layout */

export const columns = 12
const mostHigh = 100

/** @param {Layout} a @param {Layout} b */
export const overlap = (a, b) => a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h

/** The first place, line by line, where a panel of that size lies on no other. @param {Panel[]} panels @param {{ w: number, h: number }} size @returns {Layout} */
export function freePlace(panels, { w, h }) {
  for (let y = 0; ; y++) {
    for (let x = 0; x + w <= columns; x++) {
      const place = { x, y, w, h }
      if (!panels.some(({ layout }) => overlap(layout, place))) return place
    }
  }
}

/** Where a key moves a panel to, or how it resizes it with Shift; what leaves the grid stays. @param {Layout} at @param {string} key @param {boolean} size @returns {Layout | null} */
export function stepOf({ x, y, w, h }, key, size) {
  const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[key]
  if (!step) return null
  const [dx = 0, dy = 0] = step
  return size
    ? { x, y, w: Math.min(columns - x, Math.max(1, w + dx)), h: Math.min(mostHigh, Math.max(1, h + dy)) }
    : { x: Math.min(columns - w, Math.max(0, x + dx)), y: Math.max(0, y + dy), w, h }
}
