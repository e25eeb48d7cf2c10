import { amount, figure, share } from '/assets/charts/figures.js'
import { bucketName } from '/assets/charts/moments.js'
import { TimeChart } from '/assets/charts/time-chart.js'
import { Badge } from '/assets/controls.js'
import { t } from '/assets/i18n.js'
import { Empty, Note } from '/assets/states.js'
import { html, useMemo } from '/assets/vendor/preact.js'
import { backtestSentence, buckets, lacking, predictionSentence } from './phrases.js'
import { PlainTable } from './plain-table.js'

/** @typedef {import('./types.js').PredictionAnswer} Prediction */
/** @typedef {(number | null)[]} Column */

/** The past that is drawn before a prediction: enough to see where it comes from, in buckets for each predicted one. */
const pastPerPoint = 4
const leastPast = 60

/** What is drawn: the past, then the prediction with its bands, joined at the last value. @param {Prediction} prediction */
function columnsOf({ past, points, reach }) {
  const shown = Math.max(leastPast, points.length * pastPerPoint)
  const at = past.at.slice(-shown)
  const values = past.values.slice(-shown)
  const before = /** @type {Column} */ (Array(at.length).fill(null))
  const joined = before.with(-1, values.at(-1) ?? null)
  const after = /** @type {Column} */ (Array(points.length).fill(null))
  const lead = at.length > 0 ? joined : before
  const band = (/** @type {'80' | '95'} */ level) => ({
    lower: [...lead, ...points.map(({ intervals }) => intervals[level].lower)],
    upper: [...lead, ...points.map(({ intervals }) => intervals[level].upper)],
  })
  return {
    ahead: at.length,
    at: [...at, ...points.map((point) => point.at)],
    lines: [
      { label: t('prediction.past'), values: [...values, ...after], pen: 0 },
      {
        label: t('prediction.mean'),
        values: [...lead, ...points.map(({ mean }) => mean)],
        look: /** @type {const} */ ('dashed'),
        pen: 1,
      },
      ...(reach
        ? [
            {
              label: t('reach.target', { target: amount(reach.target) }),
              values: [...at, ...points].map(() => reach.target),
              look: /** @type {const} */ ('dashed'),
              pen: 3,
              level: true,
            },
          ]
        : []),
    ],
    bands: [
      { label: t('prediction.95'), ...band('95'), pen: 1, strength: 0.12 },
      { label: t('prediction.80'), ...band('80'), pen: 1, strength: 0.24 },
    ],
    marks:
      points[0] && at.length > 0
        ? [{ at: points[0].at, kind: /** @type {const} */ ('rule'), label: t('prediction.begins') }]
        : [],
  }
}

/** @param {{ prediction: Prediction, about: string }} props */
export function PredictionTab({ prediction, about }) {
  const { name, granularity, zone, points, enough, history, horizon } = prediction
  const chart = useMemo(() => columnsOf(prediction), [prediction, document.documentElement.lang])
  const last = points.at(-1)
  if (!last) {
    return html`<p class="sentence">${predictionSentence(prediction)}</p>
      <${Empty} title=${t('answer.notEnough')}>${t('prediction.nothing', { lacking: lacking(prediction) })}<//>`
  }
  const { lower, upper } = last.intervals['80']
  const summary = t('prediction.summary', {
    when: bucketName(last.at, granularity, zone),
    to: figure(last.mean),
    lower: figure(lower),
    upper: figure(upper),
  })
  return html`
    <p class="sentence">${predictionSentence(prediction)}</p>
    ${!enough && html`<${Note} tone="warn">${t('prediction.notEnough', { lacking: lacking(prediction) })}<//>`}
    ${history.filled > 0 && html`<${Note}>${t('prediction.filled', { n: history.filled })}<//>`}
    <section class="card stack">
      <${TimeChart} title=${t('prediction.chart', { name })} about=${about} summary=${summary} granularity=${granularity} zone=${zone}
        ...${chart} open />
      <p class="muted">${t('prediction.limit', { span: buckets(horizon.limit, granularity) })}</p>
    </section>
    <section class="card stack" aria-label=${t('prediction.trust')}>
      <h2>${t('prediction.trust')}</h2>
      <p>${backtestSentence(prediction)}</p>
      <${Candidates} prediction=${prediction} />
    </section>`
}

/** @param {{ prediction: Prediction }} props */
const Candidates = ({ prediction: { candidates, method } }) =>
  candidates.length > 0 &&
  html`<${PlainTable} caption=${t('prediction.candidates')} head=${['method', 'mase', 'smape'].map((part) => t(`prediction.${part}`))}
    rows=${candidates.map((candidate) => [
      html`${t(`method.${candidate.method}`)} ${candidate.method === method && html`<${Badge} tone="good">${t('prediction.chosen')}<//>`}`,
      figure(candidate.mase),
      candidate.smape === null ? '–' : share(candidate.smape / 100),
    ])} />`
