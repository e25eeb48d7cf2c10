import { createPainter } from '/assets/panels/painter.js'
import { useEffect, useState } from '/assets/vendor/preact.js'
import { join } from './stream/begin.js'
import { fold } from './stream/frames.js'

/** @typedef {import('./types.js').Board} Board */
/** @typedef {import('./stream/connection.js').Link} Link */
/** @typedef {import('/assets/panels/model.js').PanelData} PanelData */
/** @typedef {import('./types.js').Panel} Panel */

/**
 * What a stream shows, kept outside the components: a change of values marks the panels that show them, and only a change of
 * configuration, alerts or connection draws the page anew.
 * @param {string} url
 */
export function openBoard(url) {
  const painter = createPainter()
  /** @type {Board | null} */
  let board = null
  /** @type {Link} */
  let link = { state: 'connecting', at: Date.now(), heardAt: null }
  /** Which panels show a count. @type {Map<string, Set<string>>} */
  let panelsOf = new Map()
  /** @type {Set<() => void>} */
  const listeners = new Set()

  function index() {
    panelsOf = new Map()
    for (const { id, counts } of board?.panels.values() ?? []) {
      for (const count of counts) {
        const panels = panelsOf.get(count) ?? new Set()
        panelsOf.set(count, panels.add(id))
      }
    }
  }
  const tell = () => {
    for (const listener of listeners) listener()
  }

  const watching = join(url, (told) => {
    const before = link.state
    const status = board?.status
    link = told.link
    let redraw = link.state !== before
    // Whoever reads for all tabs may have just begun: what is shown stays until there is something newer.
    if (told.type === 'board' && told.board) {
      board = told.board
      index()
      painter.markAll()
      redraw = true
    } else if (told.type === 'frame') {
      const folded = fold(board, told.name, told.frame)
      const { all, counts, panels, alerts } = folded.change
      board = folded.board
      if (all || panels.size > 0) index()
      if (all) painter.markAll()
      for (const id of panels) painter.mark(id)
      for (const id of counts) for (const panel of panelsOf.get(id) ?? []) painter.mark(panel)
      redraw ||= alerts || board?.status !== status
    }
    if (redraw) tell()
  })

  return {
    painter,
    board: () => board,
    link: () => link,
    retry: watching.retry,
    /** @param {() => void} listener @returns {() => void} ends it */
    onChange(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    close() {
      watching.close()
      painter.close()
    },
  }
}

/** @typedef {ReturnType<typeof openBoard>} LiveBoard */

/** The stream at a URL for as long as the component stands; draws it again when more than values changed. @param {string} url @returns {LiveBoard | null} */
export function useBoard(url) {
  const [live, setLive] = useState(/** @type {LiveBoard | null} */ (null))
  const [, setDrawn] = useState(0)
  useEffect(() => {
    const opened = openBoard(url)
    const end = opened.onChange(() => setDrawn((n) => n + 1))
    setLive(opened)
    return () => {
      end()
      opened.close()
      setLive(null)
    }
  }, [url])
  return live
}

/** What of a panel's counts is known from elsewhere, while it is edited. @typedef {{ counts: import('/assets/panels/model.js').Shown[], series?: import('/assets/panels/model.js').Series }} Preview */

/**
 * What a panel draws, from the stream; counts that the stream does not have yet come from the preview.
 * @param {Board} board @param {Panel} panel @param {Preview} [preview] @returns {PanelData}
 */
export function dataOf(board, panel, preview) {
  const shown = board.panels.get(panel.id)
  const range = panel.range ?? board.dashboard.range
  const held = board.series.get(range)
  if (preview) {
    const known = new Map(preview.counts.map((count) => [count.id, count]))
    const counts = preview.counts.map(({ id }) => liveCount(board, id) ?? known.get(id) ?? missing(id))
    const series =
      held && counts.every(({ id, missing }) => missing || held.counts.has(id)) ? held : preview.series
    return { panel, counts, more: false, range, ...(series && { series }) }
  }
  const counts = (shown?.counts ?? []).map((id) => liveCount(board, id) ?? missing(id))
  return { panel, counts, more: shown?.more ?? false, range, ...(held && { series: held }) }
}

/** @param {string} id @returns {import('/assets/panels/model.js').Shown} */
const missing = (id) => ({ id, missing: true, name: id, unit: '', value: null, today: null })

/** A copy, as the board's own changes in place. @param {Board} board @param {string} id @returns {import('/assets/panels/model.js').Shown | undefined} */
function liveCount(board, id) {
  const count = board.counts.get(id)
  if (!count) return undefined
  return count.missing ? missing(id) : { ...count }
}
