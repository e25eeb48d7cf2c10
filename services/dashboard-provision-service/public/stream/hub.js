import { connect } from './connection.js'
import { fold } from './frames.js'

/** @typedef {import('./connection.js').Link} Link */
/** @typedef {import('../types.js').FrameName} FrameName */
/**
 * What a hub tells those who look: everything at first, then each frame.
 * @typedef {{ type: 'board', board: import('../types.js').Board | null, link: Link } | { type: 'frame', name: FrameName, frame: any, link: Link } |
 *   { type: 'link', link: Link }} Told
 */

/** A tab that closed without a word, or was put to sleep, is forgotten; when it wakes, its next word brings it back. */
export const forgottenMs = 180_000
/** A page that is loaded anew finds the stream still open. */
const graceMs = 3000

/**
 * One stream for many tabs: it is read while at least one looks, and a tab that comes later gets what the others see.
 * @param {string} url @param {() => void} onEnd when nobody has looked for a while
 */
export function createHub(url, onEnd) {
  /** @type {Map<unknown, { tell: (told: Told) => void, seenAt: number }>} */
  const tabs = new Map()
  /** @type {import('../types.js').Board | null} */
  let board = null
  /** @type {Link} */
  let link = { state: 'connecting', at: Date.now(), heardAt: null }
  /** @type {{ name: FrameName, frame: any } | null} */
  let arrived = null
  let emptyAt = Date.now()

  /** @param {Told} told */
  const tellAll = (told) => {
    for (const { tell } of tabs.values()) tell(told)
  }
  const connection = connect(url, {
    onFrame: (name, frame) => {
      board = fold(board, name, frame).board
      arrived = { name, frame }
    },
    // The frame and that it was heard go together.
    onLink: (next) => {
      link = next
      tellAll(arrived ? { type: 'frame', ...arrived, link } : { type: 'link', link })
      arrived = null
    },
  })
  const sweep = setInterval(() => {
    for (const [tab, { seenAt }] of tabs) if (Date.now() - seenAt > forgottenMs) leave(tab)
    if (tabs.size === 0 && Date.now() - emptyAt > graceMs) close()
  }, 1000)

  /** @param {unknown} tab */
  function leave(tab) {
    if (tabs.delete(tab) && tabs.size === 0) emptyAt = Date.now()
  }
  function close() {
    clearInterval(sweep)
    connection.close()
    onEnd()
  }
  return {
    /** A tab says that it is there, at first and every while. @param {unknown} tab @param {(told: Told) => void} tell */
    here(tab, tell) {
      const known = tabs.get(tab)
      tabs.set(tab, { tell, seenAt: Date.now() })
      if (!known) tell({ type: 'board', board, link })
    },
    leave,
    retry: connection.retry,
    close,
  }
}

/** @typedef {ReturnType<typeof createHub>} Hub */
