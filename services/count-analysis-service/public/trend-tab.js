import { amount, share } from '/assets/charts/figures.js'
import { TimeChart } from '/assets/charts/time-chart.js'
import { t } from '/assets/i18n.js'
import { Empty, Note } from '/assets/states.js'
import { html, useMemo } from '/assets/vendor/preact.js'
import { Growth, Slope } from './growth.js'
import { buckets, lacking, measureName, period, trendSentence } from './phrases.js'
import { ProfileMap } from './profile-map.js'
import { Anomalies, ChangePoints } from './unusual.js'

/** @typedef {import('./types.js').TrendAnswer} Trend */
/** @typedef {(number | null)[]} Column */

/** More bars than this are drawn as a line. */
const mostBars = 130

/** The series with the open bucket, which no statistic knows of. @param {Trend} trend */
function withOpen({ series, open }) {
  if (!open) return { at: series.at, values: series.values, pad: (/** @type {Column} */ column) => column }
  return {
    at: [...series.at, open.at],
    values: [...series.values, open.value],
    pad: (/** @type {Column} */ column) => [...column, null],
  }
}

/** The line of the slope, bucket by bucket. @param {Trend} trend @returns {Column} */
const slopeLine = ({ slope: { perBucket, intercept }, series }) =>
  series.at.map((_, i) => (perBucket === null || intercept === null ? null : intercept + perBucket * i))

/** The extremes of a column, in words. @param {Column} column */
function extremes(column) {
  const known = column.filter((value) => value !== null)
  if (known.length === 0) return t('chart.empty')
  const [min, max] = known.reduce(
    ([low, high], value) => [Math.min(low, value), Math.max(high, value)],
    [Infinity, -Infinity],
  )
  return t('trend.parts.summary', { min: amount(min), max: amount(max) })
}

/** @param {{ trend: Trend, about: string }} props */
export function TrendTab({ trend, about }) {
  const { name, granularity, zone, measure, window, series, anomalies, changePoints, decomposition } = trend
  const chart = useMemo(() => {
    const { at, values, pad } = withOpen(trend)
    const look =
      measure === 'change' && at.length <= mostBars
        ? /** @type {const} */ ('bars')
        : /** @type {const} */ ('line')
    const span = buckets(window, granularity)
    return {
      at,
      lines: [
        { label: measureName(trend), values, look, pen: 0 },
        { label: t('trend.average', { span }), values: pad(series.average), pen: 1 },
        {
          label: t('trend.line'),
          values: pad(slopeLine(trend)),
          look: /** @type {const} */ ('dashed'),
          pen: 2,
        },
      ],
      bands: [
        {
          label: t('trend.expected'),
          lower: pad(series.lower),
          upper: pad(series.upper),
          pen: 0,
          strength: 0.14,
        },
      ],
      marks: [
        ...anomalies.map(({ at, value }) => ({
          at,
          value,
          kind: /** @type {const} */ ('point'),
          label: t('trend.unusual'),
        })),
        ...changePoints.map(({ at }) => ({
          at,
          kind: /** @type {const} */ ('rule'),
          label: t('trend.changed'),
        })),
      ],
    }
  }, [trend, document.documentElement.lang])
  if (trend.buckets.gaps === trend.buckets.complete) {
    return html`<p class="sentence">${trendSentence(trend)}</p>
      <${Empty} title=${t('answer.notEnough')}>${lacking(trend)}<//>`
  }
  const common = { about, granularity, zone }
  return html`
    <p class="sentence">${trendSentence(trend)}</p>
    ${!trend.enough && html`<${Note} tone="warn">${lacking(trend)}<//>`}
    ${trend.buckets.gaps > 0 && html`<${Note}>${t('answer.gaps', { n: trend.buckets.gaps })}<//>`}
    <section class="card stack">
      <${TimeChart} title=${name} summary=${`${extremes(series.values)} ${trend.buckets.partial ? t('answer.partial') : ''}`} ...${common} ...${chart}
        partial=${Boolean(trend.open)} open />
    </section>
    <div class="halves"><${Growth} trend=${trend} /><${Slope} trend=${trend} /></div>
    <${Anomalies} trend=${trend} /><${ChangePoints} trend=${trend} />
    ${trend.profile && html`<section class="card"><${ProfileMap} profile=${trend.profile} /></section>`}
    ${
      decomposition &&
      html`<section class="card stack" aria-label=${t('trend.parts')}>
        <h2>${t('trend.parts')}</h2>
        ${decomposition.method === 'loess' && html`<p class="muted">${t('trend.parts.loess')}</p>`}
        ${partsOf(trend).map(
          (
            { title, values },
            i,
          ) => html`<${TimeChart} key=${title} size="short" level=${3} title=${title} at=${series.at} ...${common}
            lines=${[{ label: title, values, pen: i }]} summary=${extremes(values)} />`,
        )}
      </section>`
    }`
}

/** Trend, seasons and what is left. @param {Trend} trend */
function partsOf({ decomposition, series, granularity }) {
  if (!decomposition) return []
  const named = (/** @type {string} */ name, /** @type {number | null} */ strength) =>
    strength === null ? name : t('trend.parts.strength', { name, strength: share(strength) })
  return [
    { title: named(t('trend.parts.trend'), decomposition.trend.strength), values: series.trend },
    ...decomposition.seasons.map((season, i) => ({
      title: named(t('trend.parts.season', { period: period(season.period, granularity) }), season.strength),
      values: series.seasonal[i] ?? [],
    })),
    { title: t('trend.parts.remainder'), values: series.remainder },
  ]
}
