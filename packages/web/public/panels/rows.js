import { html } from '/assets/vendor/preact.js'
import { t } from '../i18n.js'
import { amount, changeIn, nameOf, rangeName, toneOf } from './model.js'
import { PanelValue, ToneMark } from './value.js'

/** @typedef {import('./model.js').PanelData} PanelData */

/** Counts by name with value and change. @param {{ data: PanelData }} props */
export function TablePanel({ data: { panel, counts, series, range } }) {
  const past = series !== undefined && counts.some(({ id }) => series.counts.has(id))
  return html`<div class="panel-rows" tabindex="0" role="group" aria-label=${panel.title || t('panel.type.table')}>
    <table class="plain"><caption class="unseen">${panel.title || t('panel.type.table')}</caption>
      <thead><tr><th scope="col">${t('panel.count')}</th><th scope="col" class="numeric">${t('panel.value')}</th>
        <th scope="col" class="numeric">${past ? rangeName(range) : t('panel.today')}</th></tr></thead>
      <tbody>${counts.map((count) => {
        const by = past ? changeIn(series, count.id) : count.today
        return html`<tr key=${count.id}><td title=${count.id}>${nameOf(count)}</td>
          <td class="numeric"><${ToneMark} quiet tone=${toneOf(count.value, panel.thresholds)} /> <${PanelValue} panel=${panel} count=${count} /></td>
          <td class="numeric">${count.missing ? '' : amount(by, panel.format, true)}</td></tr>`
      })}</tbody></table></div>`
}
