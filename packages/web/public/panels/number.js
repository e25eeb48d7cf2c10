import { html } from '/assets/vendor/preact.js'
import { t } from '../i18n.js'
import { amount, changeIn, nameOf, rangeName, toneOf } from './model.js'
import { thin } from './thin.js'
import { PanelValue, ToneMark } from './value.js'

/** @typedef {import('./model.js').PanelData} PanelData */
/** @typedef {import('./model.js').Shown} Shown */

/** The line under a number, as wide as its panel; the words beside it tell the change. @param {{ values: number[] }} props */
function PanelSpark({ values }) {
  const { lines } = thin(values, [values], 120)
  const line = lines[0] ?? []
  const low = line.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY)
  const high = line.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY)
  const y = (/** @type {number} */ value) => (high === low ? 20 : 38 - ((value - low) / (high - low)) * 36)
  const points = line.map(
    (value, i) => `${((i / Math.max(1, line.length - 1)) * 200).toFixed(1)},${y(value).toFixed(1)}`,
  )
  return html`<svg class="panel-spark" viewBox="0 0 200 40" preserveAspectRatio="none" aria-hidden="true">
    <polygon points=${`0,40 ${points.join(' ')} 200,40`} /><polyline points=${points.join(' ')} /></svg>`
}

/** @param {{ data: PanelData, count: Shown }} props */
function Change({ data: { panel, series, range }, count }) {
  if (count.missing) return null
  const within = changeIn(series, count.id)
  const by = within ?? count.today
  if (by === null) return null
  const when = within === null ? t('panel.today') : rangeName(range)
  return html`<span class="panel-change">${by !== 0 && html`<span aria-hidden="true">${by > 0 ? '▲' : '▼'}</span>`} ${amount(by, panel.format, true)} <span class="muted">${when}</span></span>`
}

/** One number, as large as its panel allows, how it changed and its line; several stand beside each other. @param {{ data: PanelData }} props */
export function NumberPanel({ data }) {
  const { panel, counts, series } = data
  const [only] = counts
  if (counts.length === 1 && only) {
    const values = panel.spark === false ? undefined : series?.counts.get(only.id)?.values
    return html`<div class="panel-number">
      <div class="panel-number-top"><${PanelValue} panel=${panel} count=${only} /><${ToneMark} tone=${toneOf(only.value, panel.thresholds)} /></div>
      <${Change} data=${data} count=${only} />
      ${values && values.length > 1 && html`<${PanelSpark} values=${values} />`}
    </div>`
  }
  return html`<dl class="panel-numbers" tabindex="0">${counts.map(
    (count) => html`<div key=${count.id}><dt title=${count.id}>${nameOf(count)}</dt>
      <dd><${PanelValue} panel=${panel} count=${count} /> <${ToneMark} quiet tone=${toneOf(count.value, panel.thresholds)} /><${Change} data=${data} count=${count} /></dd></div>`,
  )}</dl>`
}
