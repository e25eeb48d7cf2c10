import { localOf } from '/assets/charts/moments.js'
import { Chip } from '/assets/controls.js'
import { Field } from '/assets/field.js'
import { useSettled } from '/assets/hooks.js'
import { t } from '/assets/i18n.js'
import { html, useEffect, useState } from '/assets/vendor/preact.js'
import { CountPicker } from './count-picker.js'
import { faultsOf, fitting, granularityOf, isPast, pasts, ranges, spanOf } from './question.js'

/** @typedef {import('./types.js').Question} Question */
/** @typedef {{ question: Question, ask: (change: Partial<Question>) => void, faults: Record<string, string> }} Props `faults`: texts by field */

/** A field whose value is asked once typing has paused. @param {{ value: string, onAsk: (value: string) => void, [rest: string]: unknown }} props */
function AskedField({ value, onAsk, ...rest }) {
  const [text, setText] = useState(value)
  const settled = useSettled(text, 600)
  useEffect(() => setText(value), [value])
  useEffect(() => {
    if (settled !== value) onAsk(settled.trim())
  }, [settled])
  return html`<${Field} ...${rest} value=${text} onInput=${setText} plain />`
}

/** @param {{ label: string, children?: unknown }} props */
const Group = ({ label, children }) => html`<fieldset><legend>${label}</legend>${children}</fieldset>`

/** @template {string} T @param {{ names: readonly T[], on: string, text: (name: T) => string, onPick: (name: T) => void }} props */
const Chips = ({ names, on, text, onPick }) => html`
  <div class="chips">${names.map((name) => html`<${Chip} key=${name} on=${name === on} onClick=${() => onPick(name)}>${text(name)}<//>`)}</div>`

/** @param {Props} props */
function RangeGroup({ question, ask, faults }) {
  const { range, from, to, zone } = question
  const custom = () => {
    const span = spanOf(question)
    const now = Date.now()
    ask({ range: 'custom', from: from || localOf(now - (span || 0), zone), to })
  }
  return html`
    <${Group} label=${t('question.range')}>
      <${Chips} names=${[...Object.keys(ranges), 'custom']} on=${range} text=${(/** @type {string} */ name) => t(`range.${name}`)}
        onPick=${(/** @type {string} */ name) => (name === 'custom' ? custom() : ask({ range: name, from: '', to: '' }))} />
      ${
        range === 'custom' &&
        html`<div class="stack tight">
          <${AskedField} name="from" kind="datetime-local" label=${t('question.from')} value=${from} error=${faults.from} onAsk=${(/** @type {string} */ value) => ask({ from: value })} />
          <${AskedField} name="to" kind="datetime-local" label=${t('question.to')} value=${to} error=${faults.to} hint=${t('question.to.hint')}
            onAsk=${(/** @type {string} */ value) => ask({ to: value })} />
        </div>`
      }
    <//>`
}

/** @type {string[]} */
const zones = Intl.supportedValuesOf('timeZone')

/** What is asked: which counts, which range, how fine, and what only this tab needs. @param {Omit<Props, 'faults'> & { refused: Record<string, string> }} props `refused`: what the server said of the fields */
export function QuestionPanel({ question, ask, refused }) {
  const { tab, measure, zone, window, against, horizon, reach } = question
  const own = Object.fromEntries(Object.entries(faultsOf(question)).map(([field, key]) => [field, t(key)]))
  const faults = { ...refused, ...own }
  const granularity = granularityOf(question)
  const options = fitting(question).map((value) => ({ value, label: t(`granularity.${value}`) }))
  const group = { question, ask, faults }
  return html`
    <div class="form">
      <${CountPicker} question=${question} ask=${ask} />
      <${RangeGroup} ...${group} />
      <${Group} label=${t('question.measure')}>
        <${Chips} names=${['change', 'value']} on=${measure} text=${(/** @type {string} */ name) => t(`measure.${name}`)}
          onPick=${(/** @type {Question['measure']} */ name) => ask({ measure: name })} />
      <//>
      <${Field} name="granularity" kind="select" label=${t('question.granularity')} value=${granularity} options=${options} plain error=${faults.granularity}
        onInput=${(/** @type {string} */ value) => ask({ granularity: value })} />
      ${
        tab === 'comparison' &&
        isPast(question) &&
        html`<${Field} name="against" kind="select" label=${t('question.against')} value=${against || 'previous'} plain hint=${t('question.against.hint')}
          options=${pasts.map((value) => ({ value, label: t(`against.${value}`) }))} onInput=${(/** @type {string} */ value) => ask({ against: value })} />`
      }
      ${
        tab === 'trend' &&
        html`<${AskedField} name="window" kind="number" label=${t('question.window')} value=${window} error=${faults.window} hint=${t('question.window.hint')}
          onAsk=${(/** @type {string} */ value) => ask({ window: value })} />`
      }
      ${
        tab === 'prediction' &&
        html`<${AskedField} name="horizon" kind="number" label=${t('question.horizon')} value=${horizon} error=${faults.horizon}
            hint=${t('question.horizon.hint')} onAsk=${(/** @type {string} */ value) => ask({ horizon: value })} />
          <${AskedField} name="reach" kind="number" label=${t('question.reach')} value=${reach} error=${faults.reach} hint=${t('question.reach.hint')}
            onAsk=${(/** @type {string} */ value) => ask({ reach: value.replace(/[\s,_]/g, '').replace('−', '-') })} />`
      }
      <${AskedField} name="zone" label=${t('question.zone')} value=${zone} error=${faults.zone} suggestions="zones" onAsk=${(/** @type {string} */ value) => ask({ zone: value })} />
      <datalist id="zones">${zones.map((name) => html`<option key=${name} value=${name}></option>`)}</datalist>
    </div>`
}
