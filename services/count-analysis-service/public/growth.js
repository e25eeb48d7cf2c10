import { amount, decimals, figure, probability, share } from '/assets/charts/figures.js'
import { number } from '/assets/format.js'
import { t } from '/assets/i18n.js'
import { html } from '/assets/vendor/preact.js'
import { buckets } from './phrases.js'

/** @typedef {import('./types.js').TrendAnswer} Trend */

/** The latest span against the one before, and a week, a month and a year earlier. @param {{ trend: Trend }} props */
export function Growth({ trend: { growth, window, granularity } }) {
  const spans = /** @type {const} */ (['window', 'bucket'])
  const known = growth.filter(({ current, past }) => current !== null && past !== null)
  return html`
    <section class="card stack" aria-label=${t('trend.growth')}>
      <h2>${t('trend.growth')}</h2>
      ${known.length === 0 && html`<p class="muted">${t('trend.growth.none')}</p>`}
      ${spans.map((span) => {
        const cards = known.filter((one) => one.span === span)
        const length = buckets(span === 'window' ? window : 1, granularity)
        return (
          cards.length > 0 &&
          html`<div key=${span}><h3>${t('trend.growth.window', { span: length })}</h3>
          <dl class="growth">${cards.map(
            ({ against, ratio, absolute, past, current }) => html`
            <div key=${against}><dt>${t(`trend.growth.${against}`, { span: length })}</dt>
              <dd>${ratio === null ? figure(absolute, true) : share(ratio, true)}
                <small>${t('trend.growth.values', { past: amount(past), current: amount(current) })}</small></dd></div>`,
          )}</dl></div>`
        )
      })}
    </section>`
}

/** @param {{ trend: Trend }} props */
export function Slope({ trend: { slope, mannKendall, granularity } }) {
  const { widened } = slope
  const facts = [
    [t('trend.slope.per', { per: t(`per.${granularity}`) }), figure(slope.perBucket, true)],
    [t('trend.slope.interval'), `${figure(widened.lower, true)} … ${figure(widened.upper, true)}`],
    [t('trend.slope.p'), probability(mannKendall?.corrected.p)],
    [t('trend.slope.tau'), decimals(mannKendall?.tau, 2)],
    [t('trend.slope.n'), number(mannKendall?.n)],
  ]
  return html`
    <section class="card stack" aria-label=${t('trend.slope')}>
      <h2>${t('trend.slope')}</h2>
      <dl class="figures">${facts.map(([name, value]) => html`<div key=${name}><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>
      <p class="muted">${t('trend.slope.what')}</p>
    </section>`
}
