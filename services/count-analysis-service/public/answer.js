import { Problem } from '/assets/api.js'
import { Button } from '/assets/controls.js'
import { duration } from '/assets/format.js'
import { useNow } from '/assets/hooks.js'
import { has, t } from '/assets/i18n.js'
import { Empty, ErrorState, Note, Skeleton, Stale } from '/assets/states.js'
import { html } from '/assets/vendor/preact.js'
import { ComparisonTab } from './comparison-tab.js'
import { PredictionTab } from './prediction-tab.js'
import { granularityOf } from './question.js'
import { TrendTab } from './trend-tab.js'

/** @typedef {import('./types.js').Question} Question */

/** Which text tells why a field was refused. @type {Record<string, string>} */
const reasons = {
  from: 'range',
  to: 'range',
  count: 'count',
  granularity: 'granularity',
  horizon: 'horizon',
  zone: 'zone',
}

/** What the server said of the fields, in the reader's language. @param {unknown} error @returns {Record<string, string>} */
export function refusedOf(error) {
  if (!(error instanceof Problem)) return {}
  const told = error.errors.flatMap(({ path }) => {
    const field = path.split('.')[0] ?? ''
    const key = `question.refused.${reasons[field]}`
    return has(key) ? [[field, t(key)]] : []
  })
  return Object.fromEntries(told)
}

/** What was asked, in a line. @param {Question} question */
export const aboutOf = (question) =>
  t('answer.about', {
    range:
      question.range === 'custom'
        ? `${question.from.replace('T', ' ')} – ${question.to.replace('T', ' ')}`
        : t(`range.${question.range}`),
    every: t(`every.${granularityOf(question)}`),
    measure: t(`measure.${question.measure}`),
    zone: question.zone,
  })

/** Nothing flickers for a quick answer; a slow one can be stopped. @param {{ since: number | undefined, onStop: () => void }} props */
function Busy({ since, onStop }) {
  const seconds = since === undefined ? 0 : Math.floor((useNow() - since) / 1000)
  return html`
    ${seconds >= 2 && html`<p class="note busy"><span>${t('answer.busy', { time: duration(seconds) })}</span><${Button} small onClick=${onStop}>${t('action.cancel')}<//></p>`}
    <${Skeleton} rows=${14} />`
}

/**
 * @param {{ answer: import('./use-answer.js').Answer<any>, question: Question, ask: (change: Partial<Question>) => void }} props
 */
export function Answer({ answer, question, ask }) {
  const { data, error, at, busy, stopped, reload, stop } = answer
  if (data === undefined) {
    if (stopped)
      return html`<${Empty} title=${t('answer.stopped.title')} action=${html`<${Button} onClick=${reload}>${t('answer.again')}<//>`}>${t('answer.stopped')}<//>`
    if (busy || !error) return html`<${Busy} since=${at} onStop=${stop} />`
    const refused = Object.values(refusedOf(error))
    return refused.length > 0
      ? html`<div role="alert"><${Empty} title=${t('question.refused')}>${[...new Set(refused)].join(' ')}<//></div>`
      : html`<${ErrorState} error=${error} onRetry=${reload} />`
  }
  const about = aboutOf(question)
  return html`
    <${Stale} error=${error} at=${at} />
    ${data.zone !== question.zone && html`<${Note}>${t('answer.zone', { asked: question.zone, used: data.zone })}<//>`}
    ${
      question.tab === 'trend'
        ? html`<${TrendTab} trend=${data} about=${about} />`
        : question.tab === 'comparison'
          ? html`<${ComparisonTab} comparison=${data} question=${question} ask=${ask} about=${about} />`
          : html`<${PredictionTab} prediction=${data} about=${about} />`
    }`
}
