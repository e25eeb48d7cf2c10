import { html, useMemo, useState } from '/assets/vendor/preact.js'
import { dateTime, number } from '../format.js'
import { t } from '../i18n.js'
import { spanOf } from './line.js'
import { amount, changeIn, changesOf, nameOf, rangeName, timeIn, toneOf, unitOf } from './model.js'
import { Plot } from './plot.js'
import { ToneMark } from './value.js'

/** @typedef {import('./model.js').PanelData} PanelData */

const mostBars = 60

/** What one count changed, bucket by bucket. @param {{ data: PanelData }} props */
function OverTime({ data }) {
  const { panel, counts, series, range } = data
  const [count] = counts
  const [at, setAt] = useState(/** @type {number | null} */ (null))
  const bars = useMemo(() => (series && count ? changesOf(series, count.id, mostBars) : []), [data])
  const drawn = useMemo(
    () => ({
      at: bars.map((bar) => bar.at / 1000),
      lines: [bars.map(({ value }) => value)],
      bars: true,
      spanS: spanOf(series),
      ...(panel.format && { format: panel.format }),
      thresholds: panel.thresholds ?? [],
    }),
    [data],
  )
  if (!count || bars.length === 0) return html`<p class="panel-none">${t('chart.empty')}</p>`
  const sum = changeIn(series, count.id) ?? 0
  const most = bars.reduce((a, b) => (b.value > a.value ? b : a))
  const under = at === null ? undefined : bars.find((bar) => bar.at === at * 1000)
  return html`<figure class="panel-figure">
    <${Plot} drawn=${drawn} onPoint=${setAt} />
    <figcaption class="unseen">${t('chart.summary.bars', { sum: number(sum), when: dateTime(most.at), max: number(most.value) })}</figcaption>
    <ul class="panel-legend"><li><b title=${number(under?.value ?? sum)}>${amount(under?.value ?? sum, panel.format, true)}</b>
      ${unitOf(panel, count) && html` <small>${unitOf(panel, count)}</small>`} <span class="muted">${under ? timeIn(under.at, drawn.spanS) : rangeName(range)}</span></li></ul>
  </figure>`
}

/** A bar for each count, longest first; what it stands for is written beside it. @param {{ data: PanelData }} props */
function Beside({ data }) {
  const { panel, counts, series, range } = data
  const measure = panel.measure ?? 'change'
  const rows = counts
    .map((count) => ({
      count,
      value: measure === 'value' ? count.value : (changeIn(series, count.id) ?? count.today),
    }))
    .sort((a, b) => (b.value ?? Number.NEGATIVE_INFINITY) - (a.value ?? Number.NEGATIVE_INFINITY))
  const longest = rows.reduce((most, { value }) => Math.max(most, Math.abs(value ?? 0)), 1)
  return html`<ul class="panel-bars" tabindex="0" aria-label=${measure === 'value' ? t('panel.value') : t('panel.changeIn', { range: rangeName(range) })}>
    ${rows.map(({ count, value }) => {
      const tone = toneOf(value, panel.thresholds)
      return html`<li key=${count.id} title=${count.id}><span class="name">${nameOf(count)}</span>
        <span class="numeric">${count.missing ? html`<span class="badge quiet">${t('panel.missing')}</span>` : html`<b title=${number(value)}>${amount(value, panel.format, measure === 'change')}</b>${unitOf(panel, count) && html` <small>${unitOf(panel, count)}</small>`}`}
          <${ToneMark} quiet tone=${tone} /></span>
        <span class=${`track ${tone ?? ''} ${(value ?? 0) < 0 ? 'below' : ''}`} aria-hidden="true"><span style=${{ width: `${(Math.abs(value ?? 0) / longest) * 100}%` }}></span></span></li>`
    })}</ul>`
}

/** One count: its changes over time. Several: beside each other. @param {{ data: PanelData }} props */
export const BarPanel = ({ data }) =>
  data.counts.length === 1 &&
  !data.counts[0]?.missing &&
  (data.panel.measure ?? 'change') === 'change' &&
  data.series
    ? html`<${OverTime} data=${data} />`
    : html`<${Beside} data=${data} />`
