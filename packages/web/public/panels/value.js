import { html } from '/assets/vendor/preact.js'
import { number } from '../format.js'
import { t } from '../i18n.js'
import { Live } from '../table.js'
import { amount, toneOf, unitOf } from './model.js'

/** @typedef {import('./model.js').Shown} Shown */
/** @typedef {import('./model.js').Panel} Panel */

/** What a threshold says of a value: a shape and a word, never colour alone. @param {{ tone: import('./model.js').Tone | null, quiet?: boolean }} props `quiet`: the word is for screen readers only */
export const ToneMark = ({ tone, quiet }) =>
  tone &&
  html`<span class=${`badge ${tone}`}>${quiet ? html`<span class="unseen">${t(`panel.tone.${tone}`)}</span>` : t(`panel.tone.${tone}`)}</span>`

/** A count's value in its tone, exact on hover. @param {{ panel: Panel, count: Shown }} props */
export function PanelValue({ panel, count }) {
  if (count.missing) return html`<span class="badge quiet">${t('panel.missing')}</span>`
  const tone = toneOf(count.value, panel.thresholds)
  const unit = unitOf(panel, count)
  return html`<span class=${`panel-value ${tone ?? ''}`} title=${number(count.value)}>
    <${Live} text=${amount(count.value, panel.format)} of=${count.value} />${unit && html`<span class="unit">${unit}</span>`}</span>`
}
