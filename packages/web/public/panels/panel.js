import { html } from '/assets/vendor/preact.js'
import { t } from '../i18n.js'
import { Boundary } from '../states.js'
import { BarPanel } from './bars.js'
import { GaugePanel } from './gauge.js'
import { LinePanel } from './line.js'
import { Markdown } from './markdown.js'
import { nameOf } from './model.js'
import { NumberPanel } from './number.js'
import { TablePanel } from './rows.js'

/** @typedef {import('./model.js').PanelData} PanelData */

const kinds = { number: NumberPanel, line: LinePanel, bar: BarPanel, table: TablePanel, gauge: GaugePanel }

/** What a panel is called: its title, else what it shows. @param {Pick<PanelData, 'panel' | 'counts'>} data */
export const titleOf = ({ panel, counts }) => {
  const [first] = counts
  const { ids, prefix, tag } = panel.counts ?? {}
  return (
    panel.title ||
    (prefix ? `${prefix}…` : tag) ||
    (first ? nameOf(first) : ids?.[0]) ||
    t(`panel.type.${panel.type}`)
  )
}

/** What a panel shows, in any of its states: drawn, waiting, nothing matches. @param {{ data: PanelData, waiting?: boolean }} props */
export function PanelBody({ data, waiting }) {
  const { panel, counts } = data
  if (panel.type === 'markdown') return html`<${Markdown} text=${panel.text ?? ''} />`
  if (waiting) return html`<div class="panel-wait"></div>`
  if (counts.length === 0) return html`<p class="panel-none">${t('panel.none')}</p>`
  const only = counts.length === 1 && counts[0]?.missing
  if (only)
    return html`<p class="panel-none" title=${counts[0]?.id}><span class="badge quiet">${t('panel.missing')}</span></p>`
  const Kind = kinds[panel.type]
  return html`<${Kind} data=${data} />`
}

/**
 * A panel: its title, what it shows, and its own actions; a fault in one leaves the others.
 * @param {{ data: PanelData, waiting?: boolean, actions?: import('../controls.js').Children }} props
 */
export const Panel = ({ data, waiting, actions }) => html`
  <header class="panel-head"><h2 title=${titleOf(data)}>${titleOf(data)}</h2>${actions}</header>
  <div class="panel-body"><${Boundary}><${PanelBody} data=${data} waiting=${waiting} /><//>
    ${data.more && html`<p class="panel-more">${t('panel.cut', { n: data.counts.length })}</p>`}</div>`
