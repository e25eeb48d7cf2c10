import { amount, figure, share } from '/assets/charts/figures.js'
import { bucketName } from '/assets/charts/moments.js'
import { t } from '/assets/i18n.js'
import { html } from '/assets/vendor/preact.js'
import { PlainTable } from './plain-table.js'

/** @typedef {import('./types.js').TrendAnswer} Trend */

/** @param {number | null} oneIn */
const rarity = (oneIn) =>
  oneIn === null || oneIn > 1e9
    ? t('trend.oneIn.never')
    : t('trend.oneIn', { n: Number(oneIn.toPrecision(2)) })

/** @param {{ trend: Trend }} props */
export const Anomalies = ({ trend: { anomalies, granularity, zone } }) => html`
  <section class="card stack" aria-label=${t('trend.anomalies')}>
    <h2>${t('trend.anomalies')}</h2>
    ${
      anomalies.length === 0
        ? html`<p class="muted">${t('trend.anomalies.none')}</p>`
        : html`<${PlainTable} caption=${t('trend.anomalies')} head=${[t('trend.at'), t('trend.value'), t('trend.usual'), t('trend.rarity')]}
          rows=${anomalies
            .toSorted((a, b) => a.p - b.p || Math.abs(b.score) - Math.abs(a.score))
            .map(({ at, value, expected, lower, upper, oneIn }) => [
              bucketName(at, granularity, zone),
              amount(value),
              html`${figure(expected)} <small>${figure(lower)} … ${figure(upper)}</small>`,
              rarity(oneIn),
            ])} />`
    }
  </section>`

/** @param {{ trend: Trend }} props */
export const ChangePoints = ({ trend: { changePoints, granularity, zone } }) => html`
  <section class="card stack" aria-label=${t('trend.changes')}>
    <h2>${t('trend.changes')}</h2>
    ${
      changePoints.length === 0
        ? html`<p class="muted">${t('trend.changes.none')}</p>`
        : html`<${PlainTable} caption=${t('trend.changes')} head=${[t('trend.at'), t('trend.before'), t('trend.after'), t('trend.ratio')]}
          rows=${changePoints.map(({ at, of, before, after, ratio, shift }) => [
            html`${bucketName(at, granularity, zone)} <small>${t(`trend.of.${of}`)}</small>`,
            figure(before),
            figure(after),
            ratio === null ? figure(shift, true) : share(ratio, true),
          ])} />`
    }
  </section>`
