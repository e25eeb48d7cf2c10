import { Menu } from '/assets/controls.js'
import { t } from '/assets/i18n.js'
import { Panel, titleOf } from '/assets/panels/panel.js'
import { toastError } from '/assets/toast.js'
import { html, useLayoutEffect, useMemo, useRef, useState } from '/assets/vendor/preact.js'
import { dataOf } from './live-board.js'
import { savePanelCsv, savePanelPng } from './panel-files.js'
import { PanelTable } from './panel-table.js'

/** @typedef {import('./live-board.js').LiveBoard} LiveBoard */
/** @typedef {import('./types.js').Panel} PanelConfig */

/** Lines that are drawn anew with each of ten changes a second look no different from four. @type {Partial<Record<PanelConfig['type'], number>>} */
const everyMs = { line: 250, bar: 250, gauge: 100 }

/**
 * A panel that draws itself when what it shows changes and it is its turn.
 * @param {{ live: LiveBoard, panel: PanelConfig, preview?: import('./live-board.js').Preview, actions?: import('/assets/controls.js').Children,
 *   alerts?: number }} props `actions`: in place of the menu; `alerts`: how many are open on its counts
 */
export function LivePanel({ live, panel, preview, actions, alerts = 0 }) {
  const element = useRef(/** @type {HTMLElement | null} */ (null))
  const [turn, setTurn] = useState(0)
  const [table, setTable] = useState(false)
  useLayoutEffect(() => {
    if (!element.current) return
    return live.painter.add(panel.id, element.current, () => setTurn((n) => n + 1), everyMs[panel.type] ?? 0)
  }, [live, panel.id, panel.type])
  // Another configuration waits its turn too: a snapshot brings one for every panel.
  useLayoutEffect(() => live.painter.mark(panel.id), [live, panel, preview])
  const board = live.board()
  const data = useMemo(() => board && dataOf(board, panel, preview), [live, turn, board === null])
  if (!board || !data) return html`<div class="panel" ref=${element}></div>`
  const title = titleOf(data)
  const png = () => element.current && savePanelPng(element.current, title).catch(toastError)
  const menu = html`<${Menu} label=${t('panel.actions', { title })} items=${[
    panel.type !== 'markdown' && { label: t('panel.asTable'), onSelect: () => setTable(true) },
    panel.type !== 'markdown' && { label: t('panel.csv'), onSelect: () => savePanelCsv(data, title) },
    { label: t('panel.png'), onSelect: png },
  ]} />`
  const open = alerts > 0 && html`<span class="badge bad">${t('panel.alerts', { n: alerts })}</span>`
  return html`<div class="panel" role="group" ref=${element} aria-label=${title} data-panel=${panel.id} data-drawn=${turn > 0 ? '' : null}>
    <${Panel} data=${data} waiting=${turn === 0} actions=${html`${open}${actions ?? menu}`} />
    ${table && html`<${PanelTable} data=${data} title=${title} onClose=${() => setTable(false)} />`}
  </div>`
}
