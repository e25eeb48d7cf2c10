import { amount, figure, share } from '/assets/charts/figures.js'
import { bucketName } from '/assets/charts/moments.js'
import { t } from '/assets/i18n.js'

/** @typedef {import('./types.js').TrendAnswer} Trend */
/** @typedef {import('./types.js').ComparisonAnswer} Comparison */
/** @typedef {import('./types.js').PredictionAnswer} Prediction */
/** @typedef {Trend['granularity']} Granularity */

/** So many buckets: `7 days`. @param {number} n @param {Granularity} granularity */
export const buckets = (n, granularity) => t(`n.${granularity}`, { n })

/** What the numbers are, with their unit. @param {{ measure: 'change' | 'value', unit: string }} series */
export const measureName = ({ measure, unit }) =>
  unit ? `${t(`measure.${measure}`)} (${unit})` : t(`measure.${measure}`)

/** What `n` buckets are when they are a known stretch: 24 hours are a day. @param {number} n @param {Granularity} granularity */
export function period(n, granularity) {
  const known = {
    minute: { 60: 'hour', 1440: 'day' },
    hour: { 24: 'day', 168: 'week' },
    day: { 7: 'week', 365: 'year' },
    week: { 52: 'year' },
    month: { 12: 'year' },
  }
  const name = /** @type {Record<number, string>} */ (known[granularity])[n]
  return name ? t(`period.${name}`) : buckets(n, granularity)
}

/** Nothing to say with certainty yet, and how much is lacking. @param {{ missing: { buckets: number } | null, granularity: Granularity }} answer */
export const lacking = ({ missing, granularity }) =>
  missing ? t('answer.missing', { more: buckets(missing.buckets, granularity) }) : t('answer.nothing')

/** The trend in words. @param {Trend} trend */
export function trendSentence(trend) {
  const { name, granularity, measure, summary, zone, anomalies, window } = trend
  const values = {
    name,
    change: figure(Math.abs(summary.perBucket ?? 0)),
    per: t(`per.${granularity}`),
    lower: figure(summary.lower, true),
    upper: figure(summary.upper, true),
    every: t(`every.${granularity}`),
  }
  const parts = [t(`trend.${summary.kind}.${measure}`, values)]
  const { latest } = summary
  if (latest?.ratio != null && latest.ratio !== 0) {
    const way = latest.ratio > 0 ? 'more' : 'less'
    const told = { ratio: share(Math.abs(latest.ratio)), span: buckets(window, granularity) }
    parts.push(t(`trend.latest.${measure}.${way}`, told))
  } else if (latest?.absolute === 0)
    parts.push(t(`trend.latest.${measure}.same`, { span: buckets(window, granularity) }))
  if (summary.season) parts.push(t('trend.season', { period: period(summary.season, granularity) }))
  const most = anomalies.reduce(
    (most, one) => (Math.abs(one.score) > Math.abs(most?.score ?? 0) ? one : most),
    anomalies[0],
  )
  if (most) {
    const told = {
      n: anomalies.length,
      when: bucketName(most.at, granularity, zone),
    }
    parts.push(t(`trend.unusual.${most.score > 0 ? 'high' : 'low'}`, told))
  }
  return parts.join(' ')
}

/** @param {Comparison} comparison */
export function comparisonSentence({ items, summary, measure, granularity, maxLag }) {
  const nameOf = (/** @type {number | null} */ i) => (i === null ? '' : (items[i]?.name ?? ''))
  const { leader, second, ahead, certain, fastest, climber, closest } = summary
  const parts = []
  if (leader !== null && second !== null) {
    const told = { leader: nameOf(leader), second: nameOf(second), ahead: share(ahead) }
    parts.push(
      t(
        ahead === null
          ? `comparison.leads.${measure}`
          : ahead === 0
            ? 'comparison.level'
            : `comparison.ahead.${measure}`,
        told,
      ),
    )
    if (ahead !== 0) parts.push(t(certain ? 'comparison.certain' : 'comparison.uncertain'))
  }
  const growth = fastest === null ? null : (items[fastest]?.growth.ratio ?? null)
  if (growth !== null && growth > 0)
    parts.push(t('comparison.fastest', { name: nameOf(fastest), growth: share(growth, true) }))
  if (climber !== null)
    parts.push(t('comparison.climber', { name: nameOf(climber), n: items[climber]?.moved ?? 0 }))
  if (closest && maxLag >= 0) {
    const told = {
      a: nameOf(closest.a),
      b: nameOf(closest.b),
      r: figure(closest.r),
      lag: buckets(Math.abs(closest.lag), granularity),
    }
    const way = closest.r < 0 ? 'opposite' : 'alike'
    parts.push(t(`comparison.${way}`, told))
  }
  return parts.join(' ') || t('answer.nothing')
}

/** @param {Prediction} prediction */
export function predictionSentence({ name, granularity, zone, measure, summary, horizon, reach }) {
  const at = (/** @type {string | null} */ moment) => (moment ? bucketName(moment, granularity, zone) : '')
  const values = {
    name,
    span: buckets(horizon.buckets, granularity),
    from: amount(summary.from),
    to: figure(summary.to),
    lower: figure(summary.lower),
    upper: figure(summary.upper),
    when: at(summary.at),
    every: t(`every.${granularity}`),
  }
  const parts = [t(`prediction.${summary.kind}.${measure}`, values)]
  if (reach) parts.push(reachSentence(reach, at))
  return parts.join(' ')
}

/** @param {NonNullable<Prediction['reach']>} reach @param {(moment: string | null) => string} at */
function reachSentence({ target, earliest, expected, latest }, at) {
  const values = {
    target: amount(target),
    expected: at(expected),
    earliest: at(earliest),
    latest: at(latest),
  }
  if (expected)
    return t(earliest && latest ? 'reach.range' : earliest ? 'reach.early' : 'reach.expected', values)
  return t(earliest ? 'reach.perhaps' : 'reach.never', values)
}

/** How far the method can be trusted, in plain words. @param {Prediction} prediction */
export function backtestSentence({ method, backtest, granularity, enough }) {
  const parts = [t('method.is', { method: t(`method.${method}`) })]
  if (!enough || backtest.origins === 0) return parts.join(' ')
  const { mase, coverage, origins, horizon, smape } = backtest
  parts.push(t('backtest.origins', { n: origins, span: buckets(horizon, granularity) }))
  if (mase !== null) parts.push(t(mase <= 1 ? 'backtest.better' : 'backtest.worse', { mase: figure(mase) }))
  if (smape !== null) parts.push(t('backtest.smape', { smape: share(smape / 100) }))
  if (coverage['95'] !== null) parts.push(t('backtest.coverage', { covered: share(coverage['95']) }))
  return parts.join(' ')
}
