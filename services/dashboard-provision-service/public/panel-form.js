import { Button } from '/assets/controls.js'
import { Checkbox, Field } from '/assets/field.js'
import { t } from '/assets/i18n.js'
import { Icon } from '/assets/icons.js'
import { html, useEffect, useState } from '/assets/vendor/preact.js'
import { CountPicker } from './count-picker.js'
import { asType, panelFault, types } from './editing.js'

/** @typedef {import('./types.js').Panel} Panel */
/** @typedef {import('./types.js').Threshold} Threshold */

export const ranges = /** @type {const} */ (['15m', '1h', '6h', '24h', '7d', '30d', '90d', '1y'])
const tones = /** @type {const} */ (['good', 'warn', 'bad'])

/** A number that may be left empty; what is no number stays typed and is told. @param {{ name: string, label: string, value: number | undefined, onChange: (value: number | undefined) => void }} props */
function NumberField({ name, label, value, onChange }) {
  const [text, setText] = useState(value === undefined ? '' : String(value))
  const parsed = text.trim() === '' ? undefined : Number(text.replaceAll(',', '').replace('−', '-'))
  const wrong = parsed !== undefined && !Number.isFinite(parsed)
  useEffect(() => {
    if (!wrong && parsed !== value) setText(value === undefined ? '' : String(value))
  }, [value])
  const type = (/** @type {string} */ next) => {
    setText(next)
    const number = next.trim() === '' ? undefined : Number(next.replaceAll(',', '').replace('−', '-'))
    if (number === undefined || Number.isFinite(number)) onChange(number)
  }
  return html`<${Field} name=${name} label=${label} value=${text} onInput=${type} error=${wrong ? t('edit.number') : undefined} plain />`
}

/** @param {{ thresholds: Threshold[], onChange: (thresholds: Threshold[]) => void }} props */
function Thresholds({ thresholds, onChange }) {
  const change = (/** @type {number} */ i, /** @type {Partial<Threshold>} */ part) =>
    onChange(thresholds.map((one, n) => (n === i ? { ...one, ...part } : one)))
  const next = () => {
    const highest = thresholds.reduce((most, { at }) => Math.max(most, at), 0)
    onChange([
      ...thresholds,
      { at: highest + (thresholds.length ? 1 : 0), tone: tones[Math.min(2, thresholds.length)] ?? 'bad' },
    ])
  }
  const options = tones.map((value) => ({ value, label: t(`panel.tone.${value}`) }))
  return html`<fieldset><legend>${t('edit.thresholds')}</legend><p class="hint">${t('edit.thresholds.hint')}</p>
    ${thresholds.map(
      ({ at, tone }, i) => html`<div class="threshold" key=${i}>
        <${NumberField} name=${`at-${i}`} label=${t('edit.from')} value=${at} onChange=${(/** @type {number | undefined} */ value) => value !== undefined && change(i, { at: value })} />
        <${Field} name=${`tone-${i}`} kind="select" plain label=${t('edit.tone')} value=${tone} options=${options} onInput=${(/** @type {Threshold['tone']} */ value) => change(i, { tone: value })} />
        <${Button} kind="plain" label=${t('action.remove', { name: t(`panel.tone.${tone}`) })} onClick=${() => onChange(thresholds.filter((_, n) => n !== i))}><${Icon} name="close" /><//></div>`,
    )}
    ${thresholds.length < 10 && html`<div><${Button} small onClick=${next}><${Icon} name="plus" />${t('edit.thresholds.add')}<//></div>`}</fieldset>`
}

/** Leaves out what is not set, so that what was opened and not changed is what was saved. @param {Panel} panel @returns {Panel} */
const tidy = (panel) =>
  /** @type {Panel} */ (Object.fromEntries(Object.entries(panel).filter(([, value]) => value !== undefined)))

/**
 * Everything about one panel; each change shows at once.
 * @param {{ panel: Panel, tried: boolean, onChange: (panel: Panel, field: string) => void, onDuplicate: () => void, onRemove: () => void, onBack: () => void }} props
 *   `tried`: it was to be saved, so that faults are told
 */
export function PanelForm({ panel, tried, onChange, onDuplicate, onRemove, onBack }) {
  const set = (/** @type {Partial<Panel>} */ part) =>
    onChange(tidy({ ...panel, ...part }), `${panel.id}.${Object.keys(part)[0]}`)
  const fault = tried ? panelFault(panel) : undefined
  const { type } = panel
  const counted = type !== 'markdown'
  const option = (/** @type {string} */ prefix) => (/** @type {string} */ value) => ({
    value,
    label: t(`${prefix}.${value}`),
  })
  const rangeOptions = [{ value: '', label: t('edit.range.own') }, ...ranges.map(option('panel.range'))]
  const formats = [
    { value: '', label: t('edit.format.full') },
    { value: 'compact', label: t('edit.format.compact') },
  ]
  const measures = [
    { value: '', label: t('edit.measure.usual') },
    { value: 'value', label: t('edit.measure.value') },
    { value: 'change', label: t('edit.measure.change') },
  ]
  const given = (/** @type {string} */ value) => (value === '' ? undefined : value)
  return html`<div class="form panel-form">
    <div class="row"><${Button} small onClick=${onBack}><${Icon} name="back" />${t('edit.panels')}<//><span class="gap"></span>
      <${Button} small onClick=${onDuplicate}>${t('boards.duplicate')}<//><${Button} small kind="danger" onClick=${onRemove}>${t('action.delete')}<//></div>
    <${Field} name="title" label=${t('edit.title')} value=${panel.title} onInput=${(/** @type {string} */ title) => set({ title })} />
    <${Field} name="type" kind="select" plain label=${t('edit.type')} value=${type} options=${types.map(option('panel.type'))}
      onInput=${(/** @type {Panel['type']} */ next) => onChange(asType(panel, next), `${panel.id}.type`)} />
    ${
      counted
        ? html`<${CountPicker} value=${panel.counts ?? { ids: [] }} error=${fault} onChange=${(/** @type {import('./types.js').CountSelection} */ counts) => set({ counts })} />`
        : html`<${Field} name="text" kind="textarea" label=${t('edit.text')} value=${panel.text ?? ''} error=${fault} hint=${t('edit.text.hint')} required
            onInput=${(/** @type {string} */ text) => set({ text })} />`
    }
    ${
      counted &&
      html`<div class="pair">
        <${Field} name="range" kind="select" plain label=${t('board.rangeLabel')} value=${panel.range ?? ''} options=${rangeOptions} onInput=${(/** @type {string} */ value) => set({ range: /** @type {Panel['range']} */ (given(value)) })} />
        <${Field} name="format" kind="select" plain label=${t('edit.format')} value=${panel.format === 'compact' ? 'compact' : ''} options=${formats} onInput=${(/** @type {string} */ value) => set({ format: /** @type {Panel['format']} */ (given(value)) })} />
      </div>
      ${(type === 'line' || type === 'bar') && html`<${Field} name="measure" kind="select" plain label=${t('edit.measure')} value=${panel.measure ?? ''} options=${measures} onInput=${(/** @type {string} */ value) => set({ measure: /** @type {Panel['measure']} */ (given(value)) })} />`}
      ${type === 'number' && html`<${Checkbox} label=${t('edit.spark')} checked=${panel.spark !== false} onChange=${(/** @type {boolean} */ on) => set({ spark: on ? undefined : false })} />`}
      ${
        type === 'gauge' &&
        html`<div class="pair"><${NumberField} name="min" label=${t('edit.min')} value=${panel.min} onChange=${(/** @type {number | undefined} */ min) => set({ min })} />
        <${NumberField} name="max" label=${t('edit.max')} value=${panel.max} onChange=${(/** @type {number | undefined} */ max) => set({ max })} /></div>`
      }
      <${Field} name="unit" label=${t('edit.unit')} value=${panel.unit ?? ''} hint=${t('edit.unit.hint')} onInput=${(/** @type {string} */ value) => set({ unit: given(value) })} />
      <${Thresholds} thresholds=${panel.thresholds ?? []} onChange=${(/** @type {Threshold[]} */ thresholds) => set({ thresholds: thresholds.length ? thresholds : undefined })} />`
    }
  </div>`
}
