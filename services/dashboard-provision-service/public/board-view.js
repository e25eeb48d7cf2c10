import { dateTime, number } from '/assets/format.js'
import { t } from '/assets/i18n.js'
import { Icon } from '/assets/icons.js'
import { Empty } from '/assets/states.js'
import { html, useEffect, useState } from '/assets/vendor/preact.js'
import { LivePanel } from './live-panel.js'

/** @typedef {import('./live-board.js').LiveBoard} LiveBoard */
/** @typedef {import('./types.js').Board} Board */
/** @typedef {import('./types.js').Panel} Panel */

/** As they are read: line by line. @param {Panel[]} panels */
export const inOrder = (panels) =>
  panels.toSorted((a, b) => a.layout.y - b.layout.y || a.layout.x - b.layout.x)

/** Whether panels stand one below the other. */
export function useNarrow() {
  const [query] = useState(() => matchMedia('(max-width: 640px)'))
  const [narrow, setNarrow] = useState(query.matches)
  useEffect(() => {
    const change = () => setNarrow(query.matches)
    query.addEventListener('change', change)
    return () => query.removeEventListener('change', change)
  }, [query])
  return narrow
}

/** Where a panel stands: on the grid, or as high as it is one below the other. @param {Panel} panel @param {boolean} narrow */
const placeOf = ({ layout: { x, y, w, h } }, narrow) =>
  narrow
    ? { height: `${Math.max(1, h) * 80 - 8}px` }
    : { gridColumn: `${x + 1} / span ${w}`, gridRow: `${y + 1} / span ${h}` }

/** @param {Board} board @param {string} id */
export function alertsOn(board, id) {
  const counts = board.panels.get(id)?.counts ?? []
  return board.alerts.filter(({ state, count }) => state === 'open' && counts.includes(count)).length
}

/** The open alerts on what is shown. @param {{ board: Board }} props */
export function OpenAlerts({ board }) {
  const open = board.alerts.filter(({ state }) => state === 'open')
  return html`<div role="status" class="open-alerts">${
    open.length > 0 &&
    html`<ul aria-label=${t('alerts.open')}>${open.map(({ rule, name, count, value, since }) => {
      const known = board.counts.get(count)
      const called = known && !known.missing ? known.name : count
      return html`<li key=${rule} class="note bad"><${Icon} name="bell" /><span><b>${name}</b> ${called} ${value !== null && number(value)}${' '}
        ${since && html`<small>${t('alerts.since', { time: dateTime(since) })}</small>`}</span></li>`
    })}</ul>`
  }</div>`
}

/** The panels of a dashboard, live. @param {{ live: LiveBoard, board: Board, empty?: import('/assets/controls.js').Children }} props `empty`: what to do about there being none */
export function BoardView({ live, board, empty }) {
  const narrow = useNarrow()
  const { panels } = board.dashboard
  if (panels.length === 0)
    return html`<${Empty} title=${t('board.empty.title')} action=${empty}>${t('board.empty')}<//>`
  return html`<div class="board">${inOrder(panels).map(
    (panel) => html`<div key=${panel.id} class="cell" style=${placeOf(panel, narrow)}>
      <${LivePanel} live=${live} panel=${panel} alerts=${alertsOn(board, panel.id)} /></div>`,
  )}</div>`
}
