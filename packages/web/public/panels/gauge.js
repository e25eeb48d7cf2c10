import { html } from '/assets/vendor/preact.js'
import { t } from '../i18n.js'
import { amount, nameOf, toneOf } from './model.js'
import { PanelValue, ToneMark } from './value.js'

/** @typedef {import('./model.js').PanelData} PanelData */
/** @typedef {import('./model.js').Shown} Shown */
/** @typedef {import('./model.js').Panel} Panel */

/** 1, 2 or 5 times a power of ten, with room above. @param {number} value */
function roundUp(value) {
  const power = 10 ** Math.floor(Math.log10(value))
  return power * ([1, 2, 5].find((step) => step * power > value) ?? 10)
}

/** The two ends: the panel's, else the count's bounds, else round numbers around value and thresholds. @param {Panel} panel @param {Shown} count @returns {[number, number]} */
export function endsOf(panel, count) {
  const levels = [count.value ?? 0, ...(panel.thresholds ?? []).map(({ at }) => at)]
  const lowest = Math.min(...levels)
  const highest = Math.max(...levels)
  const min = panel.min ?? count.min ?? (lowest < 0 ? -roundUp(-lowest) : 0)
  const max = panel.max ?? count.max ?? (highest > min ? min + roundUp(highest - min) : min + 1)
  return [min, Math.max(max, min + 1)]
}

/** A point on the half circle. @param {number} share 0 left … 1 right @param {number} radius */
const at = (share, radius) => {
  const angle = Math.PI * (1 - share)
  return `${(100 + radius * Math.cos(angle)).toFixed(2)} ${(96 - radius * Math.sin(angle)).toFixed(2)}`
}
/** @param {number} from @param {number} to @param {number} radius */
const arc = (from, to, radius) => `M ${at(from, radius)} A ${radius} ${radius} 0 0 1 ${at(to, radius)}`

/** @param {{ panel: Panel, count: Shown, named: boolean }} props */
function Gauge({ panel, count, named }) {
  const [min, max] = endsOf(panel, count)
  const share = (/** @type {number} */ value) => Math.min(1, Math.max(0, (value - min) / (max - min)))
  const tone = toneOf(count.value, panel.thresholds)
  const steps = (panel.thresholds ?? []).toSorted((a, b) => a.at - b.at)
  const name = nameOf(count)
  const filled = share(count.value ?? min)
  const told = { min: amount(min, 'compact'), max: amount(max, 'compact') }
  return html`<div class="panel-gauge">
    <svg viewBox="0 0 200 100" role="img" aria-label=${t('panel.gauge.summary', { name, value: amount(count.value, 'full'), ...told })}>
      <path class="gauge-back" d=${arc(0, 1, 82)} />
      ${filled > 0 && html`<path class=${`gauge-fill ${tone ?? ''}`} d=${arc(0, filled, 82)} />`}
      ${steps.map((step, i) => html`<path key=${step.at} class=${`gauge-step ${step.tone}`} d=${arc(share(step.at), share(steps[i + 1]?.at ?? max), 94)} />`)}
    </svg>
    <div class="gauge-value"><${PanelValue} panel=${panel} count=${count} /><${ToneMark} tone=${tone} />
      <span class="gauge-ends" aria-hidden="true"><span>${told.min}</span>${named && html`<span class="name" title=${count.id}>${name}</span>`}<span>${told.max}</span></span></div>
  </div>`
}

/** How far a value is between two ends, its tones around it. @param {{ data: PanelData }} props */
export const GaugePanel = ({ data: { panel, counts } }) =>
  html`<div class="panel-gauges" tabindex=${counts.length > 1 ? 0 : null}>${counts.map(
    (count) => html`<${Gauge} key=${count.id} panel=${panel} count=${count} named=${counts.length > 1} />`,
  )}</div>`
