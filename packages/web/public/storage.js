/**
 * localStorage or sessionStorage where there is one: a browser may forbid it, or have none left.
 * @param {() => Storage} area
 */
const safe = (area) => ({
  /** @param {string} key @returns {string | null} */
  get(key) {
    try {
      return area().getItem(key)
    } catch {
      return null
    }
  },
  /** @param {string} key @param {string | null} value null removes it */
  set(key, value) {
    try {
      if (value === null) area().removeItem(key)
      else area().setItem(key, value)
    } catch {
      // What cannot be kept is chosen again next time.
    }
  },
})

export const local = safe(() => localStorage)
export const session = safe(() => sessionStorage)
